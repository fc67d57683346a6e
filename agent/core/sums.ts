/**
 * Numbers of a tick and of a baseline beside moments: op times, requests, features, probes. Each is a row of doubles
 * under a key, so that a kind brings its own meaning in one file and streams, ticks, buckets and stores need not know it.
 */
import { byName } from './codec.ts';
import type { Event, EventKind } from './decode/event.ts';
import { LIMITS } from './limits.ts';
import { SUM_KINDS } from './sums/index.ts';

export type Sums = Map<string, Float64Array>;

/** The row of a key, zeros at first; null when there is no room. A row of another length begins anew. */
export type RowOf = (key: string, length: number) => Float64Array | null;

export interface SumKind {
  /** Keys begin with it: `op/LAYER`. */
  readonly prefix: string;
  /** Kinds of events it reads. */
  readonly kinds: readonly EventKind[];
  add(event: Event, rowOf: RowOf): void;
  /** Adds a row of a tick to another of the same key and length, e.g. of two sources. */
  addTick(into: Float64Array, from: Float64Array): void;
  /** A baseline's row after one tick more; `row` is null before the first. */
  enter(row: Float64Array | null, tick: Float64Array): Float64Array;
  /** Adds a baseline's row to another of the same key and length. */
  merge(into: Float64Array, from: Float64Array): void;
}

/** Keys of one tick or bucket. */
const KEYS_MAX = 4 * LIMITS.layers + 64;
/** Doubles of one tick or bucket in long rows: 2 MiB. Rows up to a length of 64 are bounded by the keys. */
const DOUBLES_MAX = 1 << 18;
const LONG_ROW = 64;

const BY_PREFIX = new Map(SUM_KINDS.map((kind) => [kind.prefix, kind]));
const BY_EVENT = Map.groupBy(
  SUM_KINDS.flatMap((kind) => kind.kinds.map((name) => [name, kind] as const)),
  ([name]) => name,
);

const kindOf = (key: string): SumKind | undefined => {
  const end = key.indexOf('/');
  return BY_PREFIX.get(end < 0 ? key : key.slice(0, end));
};

/** Whether a row fits; one under a key that is there takes the place of the old. */
function hasRoom(sums: Sums, key: string, length: number): boolean {
  if (sums.size >= KEYS_MAX && !sums.has(key)) return false;
  if (length <= LONG_ROW) return true;
  let doubles = length;
  for (const [other, row] of sums) if (other !== key && row.length > LONG_ROW) doubles += row.length;
  return doubles <= DOUBLES_MAX;
}

/** True when some kind of sum reads events of this kind. */
export const isSummed = (kind: EventKind): boolean => BY_EVENT.has(kind);

/** What one event adds to its source's tick. */
export function addEvent(sums: Sums, event: Event): void {
  const kinds = BY_EVENT.get(event.kind);
  if (kinds === undefined) return;
  const rowOf: RowOf = (key, length) => {
    const found = sums.get(key);
    if (found !== undefined && found.length === length) return found;
    if (!hasRoom(sums, key, length)) return null;
    const row = new Float64Array(length);
    sums.set(key, row);
    return row;
  };
  for (const [, kind] of kinds) kind.add(event, rowOf);
}

/** All sources of a tick together; `sources` in order of their names. */
export function sumSources(sources: readonly Sums[]): Sums {
  const all: Sums = new Map();
  for (const sums of sources) {
    for (const key of [...sums.keys()].sort(byName)) {
      const row = sums.get(key)!;
      const into = all.get(key);
      if (into === undefined) all.set(key, Float64Array.from(row));
      else if (into.length === row.length) kindOf(key)?.addTick(into, row);
    }
  }
  return all;
}

/** One tick into a baseline. A row of another length begins anew. */
export function enterSums(into: Sums, tick: ReadonlyMap<string, Float64Array>): void {
  for (const [key, row] of tick) {
    const kind = kindOf(key);
    if (kind === undefined) continue;
    const old = into.get(key) ?? null;
    const entered = kind.enter(old, row);
    if (entered === old) continue;
    const anew = old !== null && entered.length !== old.length ? kind.enter(null, row) : entered;
    if (hasRoom(into, key, anew.length)) into.set(key, anew);
  }
}

export function mergeSums(into: Sums, from: ReadonlyMap<string, Float64Array>): void {
  for (const [key, row] of from) {
    const kind = kindOf(key);
    if (kind === undefined) continue;
    const old = into.get(key);
    if (old !== undefined && old.length === row.length) kind.merge(old, row);
    else if (hasRoom(into, key, row.length)) into.set(key, Float64Array.from(row));
  }
}
