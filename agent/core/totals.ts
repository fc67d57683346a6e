/**
 * What a stream has counted over its closed ticks since its state began: requests, errors, durations. Totals only rise
 * and go on where they were when another agent takes over.
 */
import { type Codec, floats, map } from './codec.ts';
import { LIMITS } from './limits.ts';
import { OUTPUTS_MAX } from './output-sum.ts';
import { BINS, binStart } from './score/latency.ts';
import { OP_CALLS, OP_SECONDS, opKeys, opLevel } from './sums/op.ts';
import { HISTOGRAM_BINS, HISTOGRAM_CALLS, opHistogramKeys } from './sums/op_histogram.ts';
import { R_BINS, R_COUNT, R_ERRORS, R_JUDGED, REQUESTS_KEY } from './sums/requests.ts';
import type { TickSummary } from './tick.ts';

/** Rows of doubles by `requests`, `durations`, `nonfinite/OUTPUT` and `op/LAYER`. */
export type Totals = Map<string, Float64Array>;

export const totalsCodec: Codec<Totals> = map(floats);

/** Row of requests: how many, how many failed, and whether events told of either. */
export const T_REQUESTS = 0;
export const T_ERRORS = 1;
export const T_TOLD = 2;
export const T_ERRORS_TOLD = 3;
const REQUESTS_STRIDE = 4;

/** Row of durations: their sum in seconds, then counts up to each bound, each without those before, and above the last. */
export const T_SECONDS = 0;
export const T_COUNTS = 1;
export const BOUNDS = 16;
const DURATIONS_STRIDE = T_COUNTS + BOUNDS + 1;

/** Bounds are whole powers of two, so that no bin is cut: 1.9 µs to 62 ms for an op, 1 ms to 32 s for a request. */
const OP_FIRST_LOG2 = -19;
const REQUEST_FIRST_LOG2 = -10;
const boundsFrom = (first: number): readonly number[] =>
  Array.from({ length: BOUNDS }, (_, i) => 2 ** (first + i));
export const OP_BOUNDS_SECONDS = boundsFrom(OP_FIRST_LOG2);
export const REQUEST_BOUNDS_SECONDS = boundsFrom(REQUEST_FIRST_LOG2);

const KEYS_MAX = LIMITS.layers + OUTPUTS_MAX + 2;

export function countTick(totals: Totals, tick: TickSummary, layers: readonly string[]): void {
  countRequests(totals, tick);
  for (const [output, { nonFiniteRequests }] of tick.outputs) {
    const row = rowOf(totals, `nonfinite/${output}`, 1);
    if (row !== null) row[0] = row[0]! + nonFiniteRequests;
  }
  const ops = opKeys(layers);
  const histograms = opHistogramKeys(layers);
  for (let layer = 0; layer < ops.length; layer++) countOps(totals, tick, ops[layer]!, histograms[layer]!);
}

function countRequests(totals: Totals, tick: TickSummary): void {
  const row = rowOf(totals, 'requests', REQUESTS_STRIDE)!;
  const told = tick.sums.get(REQUESTS_KEY);
  // Flushes and events count the same requests, so flushes count only while no event ever told.
  if (told === undefined && row[T_TOLD] === 0) row[T_REQUESTS] = row[T_REQUESTS]! + tick.requests;
  if (told === undefined) return;
  row[T_TOLD] = 1;
  row[T_REQUESTS] = row[T_REQUESTS]! + told[R_COUNT]!;
  row[T_ERRORS] = row[T_ERRORS]! + told[R_ERRORS]!;
  if (told[R_JUDGED]! > 0) row[T_ERRORS_TOLD] = 1;
  const bins = told.subarray(R_BINS, R_BINS + BINS);
  if (bins.every((count) => count === 0)) return;
  const durations = rowOf(totals, 'durations', DURATIONS_STRIDE)!;
  durations[T_SECONDS] = durations[T_SECONDS]! + countBins(durations, bins, REQUEST_FIRST_LOG2);
}

function countOps(totals: Totals, tick: TickSummary, key: string, histogramKey: string): void {
  const calls = tick.sums.get(key);
  const histogram = tick.sums.get(histogramKey);
  if (calls === undefined && histogram === undefined) return;
  const row = rowOf(totals, key, DURATIONS_STRIDE);
  if (row === null) return;
  let seconds = 0;
  if (histogram !== undefined)
    seconds = countBins(row, histogram.subarray(HISTOGRAM_BINS, HISTOGRAM_BINS + BINS), OP_FIRST_LOG2);
  if (calls !== undefined) {
    const others = calls[OP_CALLS]! - (histogram?.[HISTOGRAM_CALLS] ?? 0);
    if (others > 0) addCount(row, opLevel(calls), others, OP_FIRST_LOG2);
    seconds = calls[OP_SECONDS]!;
  }
  row[T_SECONDS] = row[T_SECONDS]! + seconds;
}

/** Counts by bound; returns the seconds of all, each bin's at its middle. */
function countBins(row: Float64Array, bins: Float64Array, firstLog2: number): number {
  let seconds = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const count = bins[bin]!;
    if (count === 0) continue;
    addCount(row, binStart(bin + 1), count, firstLog2);
    seconds += count * 2 ** binStart(bin + 0.5);
  }
  return seconds;
}

function addCount(row: Float64Array, log2: number, count: number, firstLog2: number): void {
  const at = T_COUNTS + Math.min(BOUNDS, Math.max(0, Math.ceil(log2 - firstLog2)));
  row[at] = row[at]! + count;
}

function rowOf(totals: Totals, key: string, length: number): Float64Array | null {
  const found = totals.get(key);
  if (found !== undefined && found.length === length) return found;
  if (found === undefined && totals.size >= KEYS_MAX) return null;
  const row = new Float64Array(length);
  totals.set(key, row);
  return row;
}
