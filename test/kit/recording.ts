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

/** A partition that holds the reference learnt from the shipped baseline. */
export function partitionWithBaseline(settings: Settings = DEFAULT_SETTINGS): Partition {
  const learnt = foldAll(createPartition(settings), recording('baseline'));
  finishPartition(learnt);
  const partition = createPartition(settings);
  pinReferences(partition, exportReferences(learnt));
  return partition;
}

/** Every part of a state by name, as hex: what a store would hold if it began empty. */
export function stateOf(partition: Partition): Map<string, string> {
  return new Map(
    [...takeDirty(partition).set].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
  );
}
