/**
 * The parts in which a partition is stored, one binary field each, so that a commit writes only what changed:
 *
 *   head                          what belongs to no model
 *   MODEL/head                    counters, sequences, incidents, deployments
 *   MODEL/reference/ID            one reference
 *   MODEL/serving/…/head|open|last|hours|series
 *   MODEL/serving/…/bucket/NAME   one bucket of the baseline
 *   MODEL/run/RUN
 *   MODEL/trained                 what training runs declared
 *
 * Names are percent-encoded, so `/` separates. The first byte of each field is the schema of that part.
 */
import { baselineOf, namedBuckets } from './baseline.ts';
import { bucketCodec } from './bucket.ts';
import {
  type Codec,
  CodecError,
  decodeBytes,
  f64,
  floats,
  list,
  map,
  Reader,
  struct,
  Writer,
} from './codec.ts';
import type { Partition } from './fold.ts';
import { hoursCodec, newHours } from './hours.ts';
import { assembleModel, type Model, modelHeadCodec } from './model.ts';
import { referenceCodec } from './reference.ts';
import { runCodec } from './run.ts';
import { assembleStream, lastTickCodec, openTicksCodec, type Stream, streamHeadCodec } from './stream.ts';
import { trainedCodec } from './trained.ts';

/** Raised when the layout of any part changes; older parts are then refused and the partition starts cold. */
export const STATE_SCHEMA = 2;

const HEAD = 'head';
const TRAINED = 'trained';
const headCodec = struct<{ records: number; rejected: Map<string, number> }>({
  records: f64,
  rejected: map(f64),
});

const seriesCodec = list(floats);

type Field = readonly [name: string, value: Uint8Array];

export function dirtyParts(partition: Partition): { set: Map<string, Uint8Array>; remove: string[] } {
  const set = new Map<string, Uint8Array>();
  const remove: string[] = [];
  if (partition.headDirty) {
    set.set(HEAD, seal(headCodec, { records: partition.records, rejected: partition.rejected }));
  }
  partition.headDirty = false;
  for (const model of partition.removed) remove.push(...allPartNames(model));
  partition.removed = [];
  for (const model of partition.models.values()) addModelParts(set, remove, model);
  // What is gone and came again under the same name is written, not removed.
  return { set, remove: remove.filter((name) => !set.has(name)) };
}

const prefixOf = (model: Model): string => escapeName(`${model.environment}/${model.model}`);

function allPartNames(model: Model): string[] {
  const gone = new Map(model.removed);
  for (const stream of model.streams.values()) gone.set(stream.id, stream.stored);
  for (const run of model.runs.keys()) gone.set(`run/${run}`, new Set());
  for (const { id } of model.references) gone.set(`reference/${id}`, new Set());
  const prefix = prefixOf(model);
  return [
    `${prefix}/${HEAD}`,
    `${prefix}/${TRAINED}`,
    ...[...gone].flatMap(([id, stored]) => partNames(prefix, id, stored)),
  ];
}

function addModelParts(set: Map<string, Uint8Array>, remove: string[], model: Model): void {
  const prefix = prefixOf(model);
  for (const [id, stored] of model.removed) remove.push(...partNames(prefix, id, stored));
  model.removed.clear();
  for (const reference of model.references) {
    if (!model.dirtyReferences.has(reference.id)) continue;
    set.set(`${prefix}/reference/${escapeName(reference.id)}`, seal(referenceCodec, reference));
  }
  model.dirtyReferences.clear();
  for (const stream of model.streams.values())
    addStreamParts(set, remove, `${prefix}/${streamPath(stream.id)}`, stream);
  for (const run of model.runs.values()) {
    if (run.dirty) set.set(`${prefix}/run/${escapeName(run.run)}`, seal(runCodec, run));
    run.dirty = false;
  }
  if (model.dirtyTrained) set.set(`${prefix}/${TRAINED}`, seal(trainedCodec, model.trained));
  model.dirtyTrained = false;
  if (model.dirty) set.set(`${prefix}/${HEAD}`, seal(modelHeadCodec, model));
  model.dirty = false;
}

function addStreamParts(
  set: Map<string, Uint8Array>,
  remove: string[],
  prefix: string,
  stream: Stream,
): void {
  const { dirty } = stream;
  if (dirty.head) set.set(`${prefix}/head`, seal(streamHeadCodec, stream));
  if (dirty.open) {
    const ticks = [...stream.open.values()].sort((a, b) => a.index - b.index);
    set.set(`${prefix}/open`, seal(openTicksCodec, ticks));
  }
  if (dirty.last && stream.last !== null) set.set(`${prefix}/last`, seal(lastTickCodec, stream.last));
  if (dirty.hours) set.set(`${prefix}/hours`, seal(hoursCodec, stream.hours));
  if (dirty.series) set.set(`${prefix}/series`, seal(seriesCodec, stream.baseline.series));
  stream.dirty = { head: false, open: false, last: false, hours: false, series: false };
  const buckets = namedBuckets(stream.baseline);
  for (const [name, bucket] of buckets) {
    if (bucket.changed || !stream.stored.has(name))
      set.set(`${prefix}/bucket/${name}`, seal(bucketCodec, bucket));
    bucket.changed = false;
  }
  for (const name of stream.stored) if (!buckets.has(name)) remove.push(`${prefix}/bucket/${name}`);
  stream.stored = new Set(buckets.keys());
}

/** Names of all parts of a stream, run or reference that is gone. `stored` = its buckets, if it is a stream. */
function partNames(prefix: string, id: string, stored: Iterable<string>): string[] {
  if (id.startsWith('serving/')) {
    const path = `${prefix}/${streamPath(id)}`;
    return ['head', 'open', 'last', 'hours', 'series', ...[...stored].map((name) => `bucket/${name}`)].map(
      (part) => `${path}/${part}`,
    );
  }
  const cut = id.indexOf('/');
  return [`${prefix}/${id.slice(0, cut)}/${escapeName(id.slice(cut + 1))}`];
}

/** Throws CodecError when anything cannot be read. */
export function readParts(partition: Partition, fields: ReadonlyMap<string, Uint8Array>): void {
  const byModel = Map.groupBy(fields, ([name]) => name.split('/')[0]!);
  for (const [prefix, parts] of byModel) {
    if (prefix === HEAD) {
      const head = unseal(headCodec, parts[0]![1]);
      partition.records = head.records;
      for (const [reason, number] of head.rejected) partition.rejected.set(reason, number);
    } else {
      const model = readModel(prefix, parts);
      partition.models.set(`${model.environment}/${model.model}`, model);
    }
  }
  partition.headDirty = false;
}

function readModel(prefix: string, parts: readonly Field[]): Model {
  const named = new Map(parts.map(([name, value]) => [name.slice(prefix.length + 1), value]));
  const head = named.get(HEAD);
  if (head === undefined) throw new CodecError(`model ${prefix} has no head`);
  const model = assembleModel(unseal(modelHeadCodec, head));
  model.dirty = false;
  for (const [name, value] of named) {
    if (name === TRAINED) model.trained = unseal(trainedCodec, value);
    else if (name.startsWith('reference/')) model.references.push(unseal(referenceCodec, value));
    else if (name.startsWith('run/')) {
      const run = { ...unseal(runCodec, value), dirty: false };
      model.runs.set(run.run, run);
    } else if (name.startsWith('serving/') && name.endsWith('/head')) {
      const stream = readStream(name.slice(0, -'/head'.length), named);
      model.streams.set(stream.id, stream);
    }
  }
  model.references.sort((a, b) => (a.id < b.id ? -1 : 1));
  return model;
}

function readStream(path: string, named: ReadonlyMap<string, Uint8Array>): Stream {
  const head = unseal(streamHeadCodec, named.get(`${path}/head`)!);
  const open = named.get(`${path}/open`);
  const last = named.get(`${path}/last`);
  const hours = named.get(`${path}/hours`);
  const series = named.get(`${path}/series`);
  const buckets = new Map(
    [...named]
      .filter(([name]) => name.startsWith(`${path}/bucket/`))
      .map(([name, value]) => [name.slice(`${path}/bucket/`.length), unseal(bucketCodec, value)]),
  );
  const baseline = baselineOf(buckets);
  if (series !== undefined) baseline.series = unseal(seriesCodec, series);
  const stream = assembleStream(
    head,
    open === undefined ? [] : unseal(openTicksCodec, open),
    baseline,
    hours === undefined ? newHours(0) : unseal(hoursCodec, hours),
    last === undefined ? null : unseal(lastTickCodec, last),
  );
  stream.dirty = { head: false, open: false, last: false, hours: false, series: false };
  stream.stored = new Set(buckets.keys());
  // Scores of a list of layers that has grown since do not fit any more.
  const cells = stream.layers.length * 2;
  if (stream.last !== null && stream.last.min.length !== cells) stream.last = null;
  return stream;
}

const escapeName = (name: string): string => encodeURIComponent(name);

/** `serving/VERSION/ROLE` with the version escaped: it may hold a slash, a role never does. */
function streamPath(id: string): string {
  const end = id.lastIndexOf('/');
  return `serving/${escapeName(id.slice('serving/'.length, end))}/${id.slice(end + 1)}`;
}

function seal<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  writer.u8(STATE_SCHEMA);
  codec.write(writer, value);
  return writer.finish();
}

function unseal<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const schema = new Reader(bytes).u8();
  if (schema !== STATE_SCHEMA)
    throw new CodecError(`state of schema ${schema}, this program reads ${STATE_SCHEMA}`);
  return decodeBytes(codec, bytes.subarray(1));
}
