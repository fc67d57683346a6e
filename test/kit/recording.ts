/** Shipped recordings as decoded events, and the fold over them. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Event } from '../../agent/core/decode/event.ts';
import { decode } from '../../agent/core/decode/index.ts';
import {
  createPartition,
  exportReferences,
  finishPartition,
  foldEvent,
  type Partition,
  pinReferences,
  takeDirty,
} from '../../agent/core/fold.ts';
import type { Model } from '../../agent/core/model.ts';
import type { NamedReference } from '../../agent/core/references.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../agent/core/settings.ts';

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** Lines of `examples/recordings/NAME.jsonl.gz`. */
export function recordingLines(name: string): string[] {
  const path = new URL(`../../examples/recordings/${name}.jsonl.gz`, import.meta.url);
  return gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
}

export function recording(name: string): Event[] {
  return recordingLines(name).map((line) => eventOf(new TextEncoder().encode(line)));
}

export function eventOf(bytes: Uint8Array): Event {
  const decoded = decode(bytes, NO_HEADERS);
  if (!decoded.ok) throw new Error(`refused: ${JSON.stringify(decoded.refusal)}`);
  return decoded.event;
}

export function foldAll(partition: Partition, events: Iterable<Event>): Partition {
  for (const event of events) foldEvent(partition, event, null);
  return partition;
}

const LEARNT = new WeakMap<Settings, NamedReference[]>();

/** What the shipped baseline teaches; learnt once for the same settings. */
export function baselineReferences(settings: Settings = DEFAULT_SETTINGS): NamedReference[] {
  let references = LEARNT.get(settings);
  if (references === undefined) {
    const learnt = foldAll(createPartition(settings), recording('baseline'));
    finishPartition(learnt);
    references = exportReferences(learnt);
    LEARNT.set(settings, references);
  }
  return references;
}

/** A partition that holds the reference learnt from the shipped baseline. */
export function partitionWithBaseline(settings: Settings = DEFAULT_SETTINGS): Partition {
  const partition = createPartition(settings);
  pinReferences(partition, baselineReferences(settings));
  return partition;
}

/** The only model of a partition. */
export function onlyModel(partition: Partition): Model {
  const [model, ...others] = partition.models.values();
  if (model === undefined || others.length > 0) throw new Error(`${partition.models.size} models`);
  return model;
}

/** Every part of a state by name, as hex: what a store would hold if it began empty. */
export function stateOf(partition: Partition): Map<string, string> {
  return new Map(
    [...takeDirty(partition).set].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
  );
}
