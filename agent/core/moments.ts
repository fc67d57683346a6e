/**
 * Accumulators of one tick, struct of arrays: a row of `TICK_STRIDE` doubles for each cell (layer × site). Merging is
 * exact up to rounding, and folded in a fixed order so that equal records give equal bytes.
 *
 * Pairwise update: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
 * (1979), with weights for the statistics of flushes (weight: requests, since Var(flush mean) = σ²/requests).
 */

/** Rows of a tick: elements seen, their mean and sum of squared deviations. */
export const COUNT = 0;
export const MEAN = 1;
export const M2 = 2;
/** Flushes and requests that measured the cell. */
export const FLUSHES = 3;
export const REQUESTS = 4;
/** Request-weighted mean over flushes of the flush's mean, and the weighted sum of squared deviations. */
export const A_MEAN = 5;
export const A_M2 = 6;
/** The same of the flush's variance (token_variance_mean where sent: it does not depend on the flush's size). */
export const V_MEAN = 7;
export const V_M2 = 8;
/** Greatest of the flush minima and least of the flush maxima: where an extreme is constant, these are it. */
export const LOW = 9;
export const HIGH = 10;
export const TICK_STRIDE = 11;

/** One cell's numbers from one flush. `tokenVariance` is the variance to watch. */
export function addFlush(
  cells: Float64Array,
  at: number,
  count: number,
  mean: number,
  variance: number,
  tokenVariance: number,
  requests: number,
): void {
  const n = cells[at + COUNT]!;
  const total = n + count;
  const shift = mean - cells[at + MEAN]!;
  cells[at + COUNT] = total;
  cells[at + MEAN] = cells[at + MEAN]! + shift * (count / total);
  cells[at + M2] = cells[at + M2]! + variance * count + shift * shift * ((n * count) / total);
  const w = cells[at + REQUESTS]!;
  const weight = w + requests;
  const part = requests / weight;
  const cross = w * part;
  cells[at + FLUSHES] = cells[at + FLUSHES]! + 1;
  cells[at + REQUESTS] = weight;
  const a = mean - cells[at + A_MEAN]!;
  cells[at + A_MEAN] = cells[at + A_MEAN]! + a * part;
  cells[at + A_M2] = cells[at + A_M2]! + a * a * cross;
  const v = tokenVariance - cells[at + V_MEAN]!;
  cells[at + V_MEAN] = cells[at + V_MEAN]! + v * part;
  cells[at + V_M2] = cells[at + V_M2]! + v * v * cross;
}

/** Extremes of the flush just added; null where it has none. */
export function addExtremes(cells: Float64Array, at: number, min: number | null, max: number | null): void {
  const isFirst = cells[at + FLUSHES] === 1;
  cells[at + LOW] = lessExtreme(isFirst ? Number.NaN : cells[at + LOW]!, min ?? Number.NaN, Math.max);
  cells[at + HIGH] = lessExtreme(isFirst ? Number.NaN : cells[at + HIGH]!, max ?? Number.NaN, Math.min);
}

/** NaN = not known. */
const lessExtreme = (a: number, b: number, of: (a: number, b: number) => number): number =>
  Number.isNaN(a) ? b : Number.isNaN(b) ? a : of(a, b);

/** Adds the row of `from` at `fromAt` to the row of `into` at `intoAt`. */
export function mergeTickRow(into: Float64Array, intoAt: number, from: Float64Array, fromAt: number): void {
  const count = from[fromAt + COUNT]!;
  const requests = from[fromAt + REQUESTS]!;
  if (from[fromAt + FLUSHES]! === 0) return;
  const isFirst = into[intoAt + FLUSHES] === 0;
  into[intoAt + LOW] = lessExtreme(isFirst ? Number.NaN : into[intoAt + LOW]!, from[fromAt + LOW]!, Math.max);
  into[intoAt + HIGH] = lessExtreme(
    isFirst ? Number.NaN : into[intoAt + HIGH]!,
    from[fromAt + HIGH]!,
    Math.min,
  );
  const n = into[intoAt + COUNT]!;
  const total = n + count;
  if (total > 0) {
    const shift = from[fromAt + MEAN]! - into[intoAt + MEAN]!;
    into[intoAt + COUNT] = total;
    into[intoAt + MEAN] = into[intoAt + MEAN]! + shift * (count / total);
    into[intoAt + M2] = into[intoAt + M2]! + from[fromAt + M2]! + shift * shift * ((n * count) / total);
  }
  const w = into[intoAt + REQUESTS]!;
  const weight = w + requests;
  into[intoAt + FLUSHES] = into[intoAt + FLUSHES]! + from[fromAt + FLUSHES]!;
  into[intoAt + REQUESTS] = weight;
  mergeWeighted(into, intoAt + A_MEAN, from, fromAt + A_MEAN, w, requests);
  mergeWeighted(into, intoAt + V_MEAN, from, fromAt + V_MEAN, w, requests);
}

/** Mean at `at`, sum of squared deviations at `at + 1`; weights `w` (into) and `u` (from), not both 0. */
export function mergeWeighted(
  into: Float64Array,
  at: number,
  from: Float64Array,
  fromAt: number,
  w: number,
  u: number,
): void {
  const part = u / (w + u);
  const shift = from[fromAt]! - into[at]!;
  into[at] = into[at]! + shift * part;
  into[at + 1] = into[at + 1]! + from[fromAt + 1]! + shift * shift * w * part;
}
