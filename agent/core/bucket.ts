/**
 * A bucket sums up whole ticks for a baseline. Buckets merge, so a week is a handful of them.
 *
 * Per cell it separates what requests scatter inside a tick from what ticks scatter among each other:
 *   within  = Σ ticks Σ flushes r·(m − m̄_tick)²   → σ² = within / (N − T), variance of one request
 *   between = Σ ticks W·(m̄_tick − m̄)²            → τ² = (between − (T−1)σ²) / (W − W/T), variance between ticks
 * (one-way random effects, method of moments: Searle, Casella, McCulloch, "Variance Components", 1992, ch. 3)
 */
import { type Codec, f64, floats, list, map, str, struct } from './codec.ts';
import { meetTolerance } from './constant.ts';
import { type Histogram, maybeHistogramCodec, mergeHistograms } from './histogram.ts';
import { moveCells } from './layout.ts';
import * as m from './moments.ts';
import { mergeOutput, type OutputSum, outputSumCodec } from './output-sum.ts';
import { enterSums, mergeSums, type Sums } from './sums.ts';
import type { TickSummary } from './tick.ts';

/** Rows of a bucket: elements, their mean and sum of squared deviations. */
export const B_COUNT = 0;
export const B_MEAN = 1;
export const B_M2 = 2;
/** Flushes N, requests W and ticks T that measured the cell. */
export const B_FLUSHES = 3;
export const B_REQUESTS = 4;
export const B_TICKS = 5;
/** Mean over requests of the flush mean; the two sums of squares above. */
export const B_A_MEAN = 6;
export const B_A_BETWEEN = 7;
export const B_A_WITHIN = 8;
/** The same for the variance. */
export const B_V_MEAN = 9;
export const B_V_BETWEEN = 10;
export const B_V_WITHIN = 11;
/** The constant minimum, where there is one, and in how many ticks it was met; the same of the maximum. */
export const B_LOW = 12;
export const B_LOW_TICKS = 13;
export const B_HIGH = 14;
export const B_HIGH_TICKS = 15;
export const BUCKET_STRIDE = 16;

export interface Bucket {
  /** Event time covered: from the start of the first tick to the end of the last. */
  fromMs: number;
  toMs: number;
  ticks: number;
  flushes: number;
  requests: number;
  cells: Float64Array;
  /** Per cell, or empty when no histogram was ever sent. */
  histograms: (Histogram | null)[];
  outputs: Map<string, OutputSum>;
  /** Op times, requests, features, probes. */
  sums: Sums;
  /** Since it was last stored; no part of the state. */
  changed: boolean;
}

type StoredBucket = Omit<Bucket, 'changed'>;

const storedBucketCodec: Codec<StoredBucket> = struct<StoredBucket>({
  fromMs: f64,
  toMs: f64,
  ticks: f64,
  flushes: f64,
  requests: f64,
  cells: floats,
  histograms: list(maybeHistogramCodec),
  outputs: map(outputSumCodec),
  sums: map(floats),
});

export const bucketCodec: Codec<Bucket> = {
  write: storedBucketCodec.write,
  read: (r) => ({ ...storedBucketCodec.read(r), changed: false }),
};

export const layersCodec = list(str);

export function newBucket(layerCount: number): Bucket {
  const cells = new Float64Array(layerCount * 2 * BUCKET_STRIDE);
  return {
    fromMs: Number.POSITIVE_INFINITY,
    toMs: Number.NEGATIVE_INFINITY,
    ticks: 0,
    flushes: 0,
    requests: 0,
    cells,
    histograms: [],
    outputs: new Map(),
    sums: new Map(),
    changed: true,
  };
}

/** What a bucket keeps beside moments: histograms and outputs are large, so only some buckets carry them. */
export type BucketDetail = 'moments' | 'detail' | 'full';

export function addTick(bucket: Bucket, tick: TickSummary, detail: BucketDetail): void {
  bucket.changed = true;
  bucket.fromMs = Math.min(bucket.fromMs, tick.startMs);
  bucket.toMs = Math.max(bucket.toMs, tick.endMs);
  bucket.ticks++;
  bucket.flushes += tick.flushes;
  bucket.requests += tick.requests;
  const rows = detail === 'detail' ? 0 : tick.cells.length / m.TICK_STRIDE;
  for (let cell = 0; cell < rows; cell++) addTickRow(bucket.cells, cell * BUCKET_STRIDE, tick, cell);
  if (detail === 'moments') return;
  for (let cell = 0; cell < tick.histograms.length; cell++) {
    const histogram = tick.histograms[cell]!;
    if (histogram !== null) addHistogram(bucket, cell, histogram);
  }
  for (const [name, sum] of tick.outputs) mergeOutput(bucket.outputs, name, sum);
  enterSums(bucket.sums, tick.sums);
}

function addTickRow(into: Float64Array, at: number, tick: TickSummary, cell: number): void {
  const from = tick.cells;
  const row = cell * m.TICK_STRIDE;
  if (from[row + m.FLUSHES]! === 0) return;
  const w = into[at + B_REQUESTS]!;
  const requests = from[row + m.REQUESTS]!;
  mergeElements(into, at, from[row + m.COUNT]!, from[row + m.MEAN]!, from[row + m.M2]!);
  mergeConstant(into, at + B_LOW, from[row + m.LOW]!, 1, 1);
  mergeConstant(into, at + B_HIGH, from[row + m.HIGH]!, 1, -1);
  into[at + B_FLUSHES] = into[at + B_FLUSHES]! + from[row + m.FLUSHES]!;
  into[at + B_REQUESTS] = w + requests;
  into[at + B_TICKS] = into[at + B_TICKS]! + 1;
  addBetween(into, at + B_A_MEAN, from[row + m.A_MEAN]!, 0, w, requests);
  addBetween(into, at + B_V_MEAN, from[row + m.V_MEAN]!, 0, w, requests);
  into[at + B_A_WITHIN] = into[at + B_A_WITHIN]! + from[row + m.A_M2]!;
  into[at + B_V_WITHIN] = into[at + B_V_WITHIN]! + from[row + m.V_M2]!;
}

function mergeElements(into: Float64Array, at: number, count: number, mean: number, m2: number): void {
  const n = into[at + B_COUNT]!;
  const total = n + count;
  if (total === 0) return;
  const shift = mean - into[at + B_MEAN]!;
  into[at + B_COUNT] = total;
  into[at + B_MEAN] = into[at + B_MEAN]! + shift * (count / total);
  into[at + B_M2] = into[at + B_M2]! + m2 + shift * shift * ((n * count) / total);
}

/**
 * The least extreme value and how often it was met. Where every request carries it (a token that is always there), rare
 * texts can only be more extreme. `sign` is 1 for minima, whose least extreme is the greatest, and −1 for maxima.
 */
function mergeConstant(into: Float64Array, at: number, value: number, ticks: number, sign: 1 | -1): void {
  if (ticks === 0 || !Number.isFinite(value)) return;
  const known = into[at + 1]!;
  const shift = known === 0 ? Number.POSITIVE_INFINITY : sign * (value - into[at]!);
  const tolerance = meetTolerance(value, into[at]!);
  if (shift < -tolerance) return;
  into[at + 1] = shift > tolerance ? ticks : known + ticks;
  // What is met is held against the first value: a chain of neighbours is no constant.
  if (shift > tolerance) into[at] = value;
}

/**
 * Mean at `at`, sum of squares between ticks at `at + 1`. With `freedom` (ticks of both less two) the distance of the means
 * counts for no more than the mean square of either.
 */
function addBetween(
  into: Float64Array,
  at: number,
  mean: number,
  between: number,
  w: number,
  u: number,
  freedom = 0,
): void {
  if (u === 0) return;
  const part = u / (w + u);
  const shift = mean - into[at]!;
  into[at] = into[at]! + shift * part;
  const own = into[at + 1]! + between;
  const apart = shift * shift * w * part;
  into[at + 1] = own + (freedom > 0 ? Math.min(apart, own / freedom) : apart);
}

/**
 * Adds another time to a bucket. `local`: how far the two means lie apart counts for no more than ticks of either scatter,
 * so that the scatter between ticks stays that of ticks near each other and does not grow with the hours of the day.
 */
export function mergeBuckets(into: Bucket, from: Bucket, local = false): void {
  into.fromMs = Math.min(into.fromMs, from.fromMs);
  into.toMs = Math.max(into.toMs, from.toMs);
  into.ticks += from.ticks;
  into.flushes += from.flushes;
  into.requests += from.requests;
  for (let at = 0; at < from.cells.length; at += BUCKET_STRIDE)
    mergeBucketRow(into.cells, from.cells, at, local);
  mergeDetail(into, from);
}

/** Histograms and outputs alone. */
export function mergeDetail(into: Bucket, from: Bucket): void {
  into.changed = true;
  for (let cell = 0; cell < from.histograms.length; cell++) {
    const histogram = from.histograms[cell]!;
    if (histogram !== null) addHistogram(into, cell, histogram);
  }
  for (const [name, sum] of from.outputs) mergeOutput(into.outputs, name, sum);
  mergeSums(into.sums, from.sums);
}

function mergeBucketRow(into: Float64Array, from: Float64Array, at: number, local: boolean): void {
  if (from[at + B_TICKS]! === 0) return;
  const w = into[at + B_REQUESTS]!;
  const requests = from[at + B_REQUESTS]!;
  mergeElements(into, at, from[at + B_COUNT]!, from[at + B_MEAN]!, from[at + B_M2]!);
  mergeConstant(into, at + B_LOW, from[at + B_LOW]!, from[at + B_LOW_TICKS]!, 1);
  mergeConstant(into, at + B_HIGH, from[at + B_HIGH]!, from[at + B_HIGH_TICKS]!, -1);
  into[at + B_FLUSHES] = into[at + B_FLUSHES]! + from[at + B_FLUSHES]!;
  into[at + B_REQUESTS] = w + requests;
  into[at + B_TICKS] = into[at + B_TICKS]! + from[at + B_TICKS]!;
  const freedom = local ? into[at + B_TICKS]! - 2 : 0;
  addBetween(into, at + B_A_MEAN, from[at + B_A_MEAN]!, from[at + B_A_BETWEEN]!, w, requests, freedom);
  addBetween(into, at + B_V_MEAN, from[at + B_V_MEAN]!, from[at + B_V_BETWEEN]!, w, requests, freedom);
  into[at + B_A_WITHIN] = into[at + B_A_WITHIN]! + from[at + B_A_WITHIN]!;
  into[at + B_V_WITHIN] = into[at + B_V_WITHIN]! + from[at + B_V_WITHIN]!;
}

function addHistogram(bucket: Bucket, cell: number, histogram: Histogram): void {
  while (bucket.histograms.length <= cell) bucket.histograms.push(null);
  bucket.histograms[cell] = mergeHistograms(bucket.histograms[cell]!, histogram);
}

/** The bucket under other layers; histograms move with their cells. */
export function moveBucket(bucket: Bucket, places: Int32Array, layerCount: number): void {
  bucket.cells = moveCells(bucket.cells, BUCKET_STRIDE, places, layerCount);
  moveDetail(bucket, places, layerCount);
}

/** The histograms of a bucket that has no cells. */
export function moveDetail(bucket: Bucket, places: Int32Array, layerCount: number): void {
  bucket.changed = true;
  if (bucket.histograms.length === 0) return;
  const moved: (Histogram | null)[] = new Array(layerCount * 2).fill(null);
  bucket.histograms.forEach((histogram, cell) => {
    const to = places[cell >> 1] ?? -1;
    if (to >= 0) moved[to * 2 + (cell & 1)] = histogram;
  });
  bucket.histograms = moved;
}
