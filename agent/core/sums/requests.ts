/** Whole inferences of a stream: how many, how many failed, how long they took. */
import type { Event } from '../decode/event.ts';
import {
  addDurations,
  BINS,
  enterPlace,
  mergePlaces,
  PLACES_STRIDE,
  quantileLog2,
  totalOf,
} from '../score/latency.ts';
import type { RowOf, SumKind } from '../sums.ts';

export const REQUESTS_KEY = 'requests';

/** Rows of ticks and of baselines: requests, those of flushes that tell errors, errors, and bins of durations. */
export const R_COUNT = 0;
export const R_JUDGED = 1;
export const R_ERRORS = 2;
export const R_BINS = 3;
const TICK_STRIDE = R_BINS + BINS;
/** Of a baseline: where ticks lay, by p99 and by error rate. */
export const R_P99_PLACES = TICK_STRIDE;
export const R_ERROR_PLACES = R_P99_PLACES + PLACES_STRIDE;
const BASELINE_STRIDE = R_ERROR_PLACES + PLACES_STRIDE;

/** Fewer requests in a tick than this say nothing. */
export const REQUESTS_MIN = 5;
/** Error rates as logarithms: below a thousandth and none are the same. */
const RATE_MIN_LOG2 = -10;

export const errorPlace = (rate: number): number => Math.max(RATE_MIN_LOG2, Math.log2(rate));

/** The p99 of a tick's requests as a logarithm; null where they are too few. */
export const requestP99 = (row: Float64Array): number | null =>
  totalOf(row, R_BINS) < REQUESTS_MIN ? null : quantileLog2(row, R_BINS, 0.99);

function add(event: Event, rowOf: RowOf): void {
  if (event.kind !== 'requests' || event.probe !== undefined) return;
  const row = rowOf(REQUESTS_KEY, TICK_STRIDE);
  if (row === null) return;
  row[R_COUNT] = row[R_COUNT]! + event.count;
  if (event.errors !== undefined) {
    row[R_JUDGED] = row[R_JUDGED]! + event.count;
    row[R_ERRORS] = row[R_ERRORS]! + event.errors;
  }
  if (event.latency !== undefined && event.latency !== null) addDurations(row, R_BINS, event.latency);
}

function addTick(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < TICK_STRIDE; i++) into[i] = into[i]! + from[i]!;
}

function enter(before: Float64Array | null, tick: Float64Array): Float64Array {
  const row = before ?? new Float64Array(BASELINE_STRIDE);
  addTick(row, tick);
  const p99 = requestP99(tick);
  if (p99 !== null) enterPlace(row, R_P99_PLACES, p99);
  if (tick[R_JUDGED]! >= REQUESTS_MIN)
    enterPlace(row, R_ERROR_PLACES, errorPlace(tick[R_ERRORS]! / tick[R_JUDGED]!), RATE_MIN_LOG2);
  return row;
}

function merge(into: Float64Array, from: Float64Array): void {
  addTick(into, from);
  mergePlaces(into, from, R_P99_PLACES);
  mergePlaces(into, from, R_ERROR_PLACES);
}

export const REQUESTS: SumKind = { prefix: 'requests', kinds: ['requests'], add, addTick, enter, merge };
