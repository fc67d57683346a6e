/**
 * What the sources of a stream declare, held against its reference, the training of its checkpoint, and each other. The
 * comparison is made again only when one of them changes.
 */
import { watermarkOf } from './clock.ts';
import { byName } from './codec.ts';
import { mergeLayouts } from './layout.ts';
import {
  compareManifests,
  comparePeers,
  type Field,
  type GroupDifference,
  type Manifest,
  readManifest,
} from './manifests.ts';
import { checkpointOf, type Model } from './model.ts';
import { manifestOfReference, type Reference } from './reference.ts';
import type { Stream } from './stream.ts';
import { trainedText } from './trained.ts';

export type Against = 'reference' | 'training' | 'peers';

export interface DeclaredDifference extends GroupDifference {
  readonly against: Against;
  /** Place of the layer in forward order, as the sources declare it. */
  readonly order: number;
}

export interface Declared {
  /** What most sources declare. */
  readonly manifest: Manifest;
  /** Layer by layer in forward order; against the reference first. */
  readonly differences: readonly DeclaredDifference[];
  /** How many layers are declared. */
  readonly layers: number;
  /** Names of the sources that are off; none = all, or nobody to blame. */
  sourcesOf(difference: GroupDifference): string[];
  /** When the first of those sources declared it. */
  sinceMs(difference: GroupDifference): number;
}

/** A source not heard for this long (or three of its flushes) has no say any more. */
const HEARD_MS = 600_000;

interface Group {
  readonly id: string;
  readonly manifest: Manifest;
  readonly sources: readonly string[];
  readonly count: number;
}

/** Null when no source declares anything. `reference` is what the stream is held against. */
export function declaredOf(model: Model, stream: Stream, reference: Reference | null): Declared | null {
  if (stream.manifests.size === 0) return null;
  const groups = groupsOf(stream);
  if (groups.length === 0) return null;
  const expected = expectedOf(model, stream, reference);
  const training = trainedText(model.trained, checkpointOf(model, stream));
  const key = [...groups.map(({ id, count }) => `${id} ${count}`), expected?.key, training?.id].join('\n');
  const held = heldOf(stream);
  if (held.key !== key) {
    held.key = key;
    held.manifest = mostOf(groups).manifest;
    const trained = training === null ? null : readManifest(training.text);
    held.differences = differencesOf(groups, expected?.manifest ?? null, trained);
  }
  return {
    manifest: held.manifest,
    layers: held.manifest.size,
    differences: held.differences,
    sourcesOf: ({ groups: places }) => places.flatMap((place) => groups[place]?.sources ?? []).sort(byName),
    sinceMs: sinceMsOf(stream, groups),
  };
}

/** Differences of the same groups began at the same time, and there are many of those and few groups. */
function sinceMsOf(stream: Stream, groups: readonly Group[]): Declared['sinceMs'] {
  const found = new Map<string, number>();
  return ({ groups: places }) => {
    const key = places.join();
    let sinceMs = found.get(key);
    if (sinceMs !== undefined) return sinceMs;
    const ids = new Set(
      (places.length > 0 ? places.map((place) => groups[place]!) : groups).map(({ id }) => id),
    );
    sinceMs = Number.POSITIVE_INFINITY;
    for (const { id, timeMs } of stream.manifestOf.values())
      if (ids.has(id)) sinceMs = Math.min(sinceMs, timeMs);
    found.set(key, sinceMs);
    return sinceMs;
  };
}

/** What live sources declare, each once. */
export const liveManifests = (stream: Stream): Manifest[] => groupsOf(stream).map(({ manifest }) => manifest);

/** The text that most live sources declare; empty where there is none. */
export function commonManifest(stream: Stream): string {
  const groups = groupsOf(stream);
  return groups.length === 0 ? '' : (stream.manifests.get(mostOf(groups).id) ?? '');
}

/** What follows from the state alone and is dear to find again; no part of the state. */
interface Held {
  key: string;
  manifest: Manifest;
  differences: readonly DeclaredDifference[];
  readonly parsed: Map<string, Manifest | null>;
}

const HELD = new WeakMap<Stream, Held>();

function heldOf(stream: Stream): Held {
  let held = HELD.get(stream);
  if (held === undefined) {
    held = { key: '', manifest: new Map(), differences: [], parsed: new Map() };
    HELD.set(stream, held);
  }
  return held;
}

function parsedOf(stream: Stream, id: string): Manifest | null {
  const { parsed } = heldOf(stream);
  const known = parsed.get(id);
  if (known !== undefined) return known;
  for (const old of parsed.keys()) if (!stream.manifests.has(old)) parsed.delete(old);
  const text = stream.manifests.get(id);
  const manifest = text === undefined ? null : readManifest(text);
  parsed.set(id, manifest);
  return manifest;
}

/** Live sources by what they declare, in order of the manifests' ids. Names are not looked up where all agree. */
function groupsOf(stream: Stream): Group[] {
  const sources = new Map<string, string[]>();
  if (stream.manifests.size === 1) sources.set([...stream.manifests.keys()][0]!, []);
  else {
    const watermarkMs = watermarkOf(stream.clock);
    for (const [source, { id, timeMs }] of stream.manifestOf) {
      if (!stream.manifests.has(id) || !isHeard(stream, source, timeMs, watermarkMs)) continue;
      const group = sources.get(id);
      if (group === undefined) sources.set(id, [source]);
      else group.push(source);
    }
  }
  const groups: Group[] = [];
  for (const id of [...sources.keys()].sort(byName)) {
    const manifest = parsedOf(stream, id);
    const names = sources.get(id)!;
    if (manifest !== null) groups.push({ id, manifest, sources: names, count: names.length });
  }
  return groups;
}

function isHeard(stream: Stream, source: string, declaredMs: number, watermarkMs: number | null): boolean {
  const clock = stream.clock.sources.get(source);
  if (clock?.status === 'gone') return false;
  if (watermarkMs === null) return true;
  const heardMs = Math.max(declaredMs, clock?.heardMs ?? 0);
  return watermarkMs - heardMs <= Math.max(HEARD_MS, 3 * (clock?.intervalMs ?? 0));
}

const mostOf = (groups: readonly Group[]): Group =>
  groups.reduce((most, group) => (group.count > most.count ? group : most));

interface Expected {
  readonly key: string;
  readonly manifest: Manifest;
}

/** What the reference declares; where it declares nothing, what the version declares that it comes from, or the one before. */
function expectedOf(model: Model, stream: Stream, reference: Reference | null): Expected | null {
  const own = reference === null ? null : manifestOfReference(reference);
  if (own !== null) return { key: `${reference!.id} ${reference!.createdMs}`, manifest: own };
  const other = streamOf(
    model,
    stream,
    reference === null ? versionBefore(model, stream) : reference.version,
  );
  if (other === null) return null;
  const groups = groupsOf(other);
  if (groups.length === 0) return null;
  const { id, manifest } = mostOf(groups);
  return { key: `${other.id} ${id}`, manifest };
}

/** The version that this one took the place of. */
function versionBefore(model: Model, stream: Stream): string | null {
  const deployment = model.deployments.find(({ version }) => version === stream.version);
  if (deployment === undefined) return null;
  if (deployment.previousVersion !== null) return deployment.previousVersion;
  const before = model.deployments.find(
    ({ version, timeMs }) => version !== stream.version && timeMs < deployment.timeMs,
  );
  return before?.version ?? null;
}

/** The stream of another version with the same checkpoint that has declared something; stable before others. */
function streamOf(model: Model, stream: Stream, version: string | null): Stream | null {
  if (version === null || version === stream.version) return null;
  const checkpoint = checkpointOf(model, stream);
  const found = [...model.streams.values()].filter(
    (other) =>
      other.version === version && other.manifests.size > 0 && checkpointOf(model, other) === checkpoint,
  );
  found.sort((a, b) => Number(b.role === 'stable') - Number(a.role === 'stable') || byName(a.id, b.id));
  return found[0] ?? null;
}

function differencesOf(
  groups: readonly Group[],
  expected: Manifest | null,
  trained: Manifest | null,
): DeclaredDifference[] {
  const order = new Map(
    mergeLayouts(groups.map(({ manifest }) => [...manifest.keys()])).map((l, i) => [l, i]),
  );
  const found: DeclaredDifference[] = [];
  const told = new Set<string>();
  const add = (against: Against, differences: readonly GroupDifference[]): void => {
    for (const one of differences) {
      const place = `${one.field}\n${one.layer}`;
      if (against !== 'reference' && told.has(place)) continue;
      found.push({ ...one, against, order: order.get(one.layer) ?? 0 });
      if (against === 'reference') told.add(place);
    }
  };
  if (expected !== null) add('reference', compareWith(groups, expected).filter(isSameWeights));
  if (trained !== null) add('training', compareWith(groups, trained));
  // What a reference declares decides; peers only say what it leaves open.
  const isOpen = (layer: string, field: Field): boolean => expected?.get(layer)?.[field] === undefined;
  add(
    'peers',
    comparePeers(groups).filter(({ layer, field }) => isOpen(layer, field)),
  );
  return found.sort((a, b) => a.order - b.order);
}

/** Parameters that differ in all sources are other weights, no fault of these. */
const isSameWeights = ({ field, groups }: GroupDifference): boolean =>
  field !== 'parameters_sha256' || groups.length > 0;

/** Each group against one manifest. Where all groups that know a field differ, nobody is blamed. */
function compareWith(groups: readonly Group[], expected: Manifest): GroupDifference[] {
  const found = new Map<string, GroupDifference & { groups: number[] }>();
  const off = new Map<string, number>();
  groups.forEach(({ manifest }, place) => {
    for (const one of compareManifests(manifest, expected)) {
      const where = `${one.field}\n${one.layer}`;
      off.set(where, (off.get(where) ?? 0) + 1);
      const key = `${where}\n${one.own}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { ...one, groups: [place] });
      else known.groups.push(place);
    }
  });
  return [...found.values()].map((one) => {
    const knowing = groups.filter(({ manifest }) => manifest.get(one.layer)?.[one.field] !== undefined);
    return off.get(`${one.field}\n${one.layer}`)! < knowing.length ? one : { ...one, groups: [] };
  });
}
