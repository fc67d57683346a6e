/**
 * Wall time of the normalization op, by layer.
 *
 * What is watched is the harmonic mean over flushes of the time per call. Healthy times have rare spikes of a hundred
 * times the rest, which carry the mean away; in a harmonic mean they count next to nothing, and no share of flushes
 * smaller than a third can make it 1.5 times as large. It is a sum all the same, so it merges in any order.
 */
import type { Event } from '../decode/event.ts';
import { enterPlace, mergePlaces, PLACES_STRIDE } from '../score/latency.ts';
import type { RowOf, SumKind } from '../sums.ts';

/** Rows of ticks and of baselines. Calls, their seconds, flushes and tokens … */
export const OP_CALLS = 0;
export const OP_SECONDS = 1;
export const OP_FLUSHES = 2;
export const OP_TOKENS = 3;
/** … and the sum over flushes of calls per second of op time. */
export const OP_RATE = 4;
/** Of a tick: sources merged (0: one, as it came), sum and sum of squares of their levels. */
const SOURCES = 5;
const LEVELS = 6;
const LEVEL_SQUARES = 7;
const TICK_STRIDE = 8;

/** Of a baseline: squared deviations of sources from the level of their tick, and their degrees of freedom. */
export const OP_SPREAD = 5;
export const OP_FREEDOM = 6;
/** Where ticks lay. */
export const OP_PLACES = 8;
const BASELINE_STRIDE = OP_PLACES + PLACES_STRIDE;

/** Seconds per call, harmonic mean over flushes, as a logarithm to base 2. */
export const opLevel = (row: Float64Array): number => Math.log2(row[OP_FLUSHES]! / row[OP_RATE]!);

/** Keys of a list of layers, as long as someone holds the list: decode hands out the same one again and again. */
const KEYS = new WeakMap<readonly string[], readonly string[]>();

export function opKeys(layers: readonly string[]): readonly string[] {
  let keys = KEYS.get(layers);
  if (keys === undefined) {
    keys = layers.map((layer) => `op/${layer}`);
    KEYS.set(layers, keys);
  }
  return keys;
}

function add(event: Event, rowOf: RowOf): void {
  if (event.kind !== 'activations' || event.probe !== undefined) return;
  const { op, layers, tokens } = event;
  const count = op?.count;
  const time = op?.time_ns;
  if (layers === undefined || count === undefined || time === undefined) return;
  const keys = opKeys(layers);
  for (let i = 0; i < keys.length; i++) {
    const calls = count[i];
    const nanoseconds = time[i];
    // No time at all is a timer too coarse to tell.
    if (typeof calls !== 'number' || typeof nanoseconds !== 'number' || calls === 0 || nanoseconds === 0)
      continue;
    const row = rowOf(keys[i]!, TICK_STRIDE);
    if (row === null) return;
    const seconds = nanoseconds / 1e9;
    row[OP_CALLS] = row[OP_CALLS]! + calls;
    row[OP_SECONDS] = row[OP_SECONDS]! + seconds;
    row[OP_FLUSHES] = row[OP_FLUSHES]! + 1;
    row[OP_TOKENS] = row[OP_TOKENS]! + (tokens ?? 0);
    row[OP_RATE] = row[OP_RATE]! + calls / seconds;
  }
}

function addTick(into: Float64Array, from: Float64Array): void {
  asMerged(into);
  const isMerged = from[SOURCES]! > 0;
  const level = isMerged ? 0 : opLevel(from);
  for (let i = 0; i < SOURCES; i++) into[i] = into[i]! + from[i]!;
  into[SOURCES] = into[SOURCES]! + (isMerged ? from[SOURCES]! : 1);
  into[LEVELS] = into[LEVELS]! + (isMerged ? from[LEVELS]! : level);
  into[LEVEL_SQUARES] = into[LEVEL_SQUARES]! + (isMerged ? from[LEVEL_SQUARES]! : level * level);
}

function asMerged(row: Float64Array): void {
  if (row[SOURCES]! > 0) return;
  const level = opLevel(row);
  row[SOURCES] = 1;
  row[LEVELS] = level;
  row[LEVEL_SQUARES] = level * level;
}

function enter(before: Float64Array | null, tick: Float64Array): Float64Array {
  const row = before ?? new Float64Array(BASELINE_STRIDE);
  for (let i = 0; i <= OP_RATE; i++) row[i] = row[i]! + tick[i]!;
  const sources = tick[SOURCES]!;
  if (sources > 1) {
    const squares = tick[LEVEL_SQUARES]! - tick[LEVELS]! ** 2 / sources;
    row[OP_SPREAD] = row[OP_SPREAD]! + Math.max(0, squares);
    row[OP_FREEDOM] = row[OP_FREEDOM]! + sources - 1;
  }
  enterPlace(row, OP_PLACES, opLevel(tick));
  return row;
}

function merge(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < OP_PLACES; i++) into[i] = into[i]! + from[i]!;
  mergePlaces(into, from, OP_PLACES);
}

export const OP: SumKind = { prefix: 'op', kinds: ['activations'], add, addTick, enter, merge };
