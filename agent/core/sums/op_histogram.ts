/** Histograms of the normalization op's calls, by layer: where they are sent, its p99 is watched beside its mean. */
import type { Event } from '../decode/event.ts';
import {
  addDurations,
  BINS,
  enterPlace,
  mergePlaces,
  PLACES_STRIDE,
  quantileLog2,
} from '../score/latency.ts';
import type { RowOf, SumKind } from '../sums.ts';

/** Rows of ticks and of baselines: calls in histograms, and tokens of those flushes. */
export const HISTOGRAM_CALLS = 0;
export const HISTOGRAM_TOKENS = 1;
/** Of a tick: the bins. Of a baseline: where the p99 of ticks lay. */
export const HISTOGRAM_BINS = 2;
export const HISTOGRAM_PLACES = 2;
const TICK_STRIDE = HISTOGRAM_BINS + BINS;
const BASELINE_STRIDE = HISTOGRAM_PLACES + PLACES_STRIDE;

/** Fewer calls in a tick than this have no p99: it would move with their number. */
export const CALLS_MIN = 100;

const KEYS = new WeakMap<readonly string[], readonly string[]>();

export function opHistogramKeys(layers: readonly string[]): readonly string[] {
  let keys = KEYS.get(layers);
  if (keys === undefined) {
    keys = layers.map((layer) => `op_histogram/${layer}`);
    KEYS.set(layers, keys);
  }
  return keys;
}

/** The p99 of a tick's calls as a logarithm; null where they are too few. */
export const p99Of = (tick: Float64Array): number | null =>
  tick[HISTOGRAM_CALLS]! < CALLS_MIN ? null : quantileLog2(tick, HISTOGRAM_BINS, 0.99);

function add(event: Event, rowOf: RowOf): void {
  if (event.kind !== 'activations' || event.probe !== undefined) return;
  const { op, layers, tokens } = event;
  if (layers === undefined || op?.histogram === undefined) return;
  const keys = opHistogramKeys(layers);
  for (let i = 0; i < keys.length; i++) {
    const wire = op.histogram[i];
    if (wire === null || wire === undefined) continue;
    const row = rowOf(keys[i]!, TICK_STRIDE);
    if (row === null) return;
    row[HISTOGRAM_CALLS] = row[HISTOGRAM_CALLS]! + addDurations(row, HISTOGRAM_BINS, wire);
    row[HISTOGRAM_TOKENS] = row[HISTOGRAM_TOKENS]! + (tokens ?? 0);
  }
}

function addTick(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < TICK_STRIDE; i++) into[i] = into[i]! + from[i]!;
}

function enter(before: Float64Array | null, tick: Float64Array): Float64Array {
  const row = before ?? new Float64Array(BASELINE_STRIDE);
  row[HISTOGRAM_CALLS] = row[HISTOGRAM_CALLS]! + tick[HISTOGRAM_CALLS]!;
  row[HISTOGRAM_TOKENS] = row[HISTOGRAM_TOKENS]! + tick[HISTOGRAM_TOKENS]!;
  const p99 = p99Of(tick);
  if (p99 !== null) enterPlace(row, HISTOGRAM_PLACES, p99);
  return row;
}

function merge(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < HISTOGRAM_PLACES; i++) into[i] = into[i]! + from[i]!;
  mergePlaces(into, from, HISTOGRAM_PLACES);
}

export const OP_HISTOGRAM: SumKind = {
  prefix: 'op_histogram',
  kinds: ['activations'],
  add,
  addTick,
  enter,
  merge,
};
