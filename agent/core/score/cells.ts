/** Scores of every cell of a closed tick against one baseline. */
import * as b from '../bucket.ts';
import { type Codec, f64, floats, struct } from '../codec.ts';
import { layerOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import type { TickSummary } from '../tick.ts';
import { components, predictiveVariance } from './components.ts';
import { gaussianKlNats } from './gaussian.ts';
import { histogramDivergence } from './histogram.ts';

/** Rows of scores; NaN = not known. Effects in request standard deviations; z in those of a tick like this one. */
export const S_MEAN_EFFECT = 0;
export const S_MEAN_Z = 1;
export const S_VARIANCE_EFFECT = 2;
export const S_VARIANCE_Z = 3;
export const S_LOG_VARIANCE_RATIO = 4;
export const S_KL = 5;
export const S_HISTOGRAM_KL = 6;
export const S_HISTOGRAM_JS = 7;
export const S_HISTOGRAM_PSI = 8;
export const S_BASELINE_MEAN = 9;
export const S_MEAN_BAND = 10;
export const S_BASELINE_VARIANCE = 11;
export const S_VARIANCE_FACTOR = 12;
/** Standard error of the baseline's mean and variance, request standard deviations. */
export const S_MEAN_ERROR = 13;
export const S_VARIANCE_ERROR = 14;
/** Standard deviation of such a tick's mean and log variance, request standard deviations. */
export const S_MEAN_SPREAD = 15;
export const S_VARIANCE_SPREAD = 16;
export const SCORE_STRIDE = 17;

/** The band holds this many predictive standard deviations on either side. */
const BAND_SIGMAS = 3;
/** Natural logarithm of the least variance ratio told apart: a collapsed variance is finite. */
const LOG_RATIO_MIN = -50;

export interface CellScores {
  readonly rows: Float64Array;
  /** Requests behind the baseline. */
  readonly requests: number;
}

export const cellScoresCodec: Codec<CellScores> = struct<CellScores>({ rows: floats, requests: f64 });

/**
 * `places[layer]` is the layer's place in the baseline, −1 where that does not know it. `histograms`: compare them too, at
 * the cost of all the rest.
 */
export function scoreCells(
  tick: TickSummary,
  baseline: b.Bucket,
  places: Int32Array,
  histograms = true,
): CellScores {
  const cells = tick.cells.length / m.TICK_STRIDE;
  const rows = new Float64Array(cells * SCORE_STRIDE).fill(Number.NaN);
  for (let cell = 0; cell < cells; cell++) {
    const place = places[layerOfCell(cell)] ?? -1;
    if (place < 0 || tick.cells[cell * m.TICK_STRIDE + m.FLUSHES] === 0) continue;
    const of = place * 2 + (cell & 1);
    scoreCell(rows, cell, tick, baseline, of);
    if (histograms) scoreHistogram(rows, cell, tick, baseline, of);
  }
  return { rows, requests: baseline.requests };
}

function scoreCell(
  rows: Float64Array,
  cell: number,
  tick: TickSummary,
  baseline: b.Bucket,
  of: number,
): void {
  const at = cell * SCORE_STRIDE;
  const row = cell * m.TICK_STRIDE;
  const requests = tick.cells[row + m.REQUESTS]!;
  scoreMean(rows, at, tick.cells[row + m.A_MEAN]!, requests, baseline.cells, of);
  scoreVariance(rows, at, tick.cells[row + m.V_MEAN]!, requests, baseline.cells, of);
  const count = tick.cells[row + m.COUNT]!;
  const base = of * b.BUCKET_STRIDE;
  rows[at + S_KL] = gaussianKlNats(
    tick.cells[row + m.MEAN]!,
    tick.cells[row + m.M2]! / count,
    baseline.cells[base + b.B_MEAN]!,
    baseline.cells[base + b.B_M2]! / baseline.cells[base + b.B_COUNT]!,
  );
}

function scoreHistogram(
  rows: Float64Array,
  cell: number,
  tick: TickSummary,
  baseline: b.Bucket,
  of: number,
): void {
  const at = cell * SCORE_STRIDE;
  const now = tick.histograms[cell];
  const then = baseline.histograms[of];
  if (now == null || then == null) return;
  const divergence = histogramDivergence(now, then);
  if (divergence === null) return;
  rows[at + S_HISTOGRAM_KL] = divergence.klNats;
  rows[at + S_HISTOGRAM_JS] = divergence.jsNats;
  rows[at + S_HISTOGRAM_PSI] = divergence.psi;
}

function scoreMean(
  rows: Float64Array,
  at: number,
  mean: number,
  requests: number,
  cells: Float64Array,
  of: number,
): void {
  const c = components(cells, of, 'mean');
  if (c === null) return;
  const unit = Math.sqrt(c.requestVariance);
  const spread = Math.sqrt(predictiveVariance(c, requests));
  rows[at + S_MEAN_EFFECT] = (mean - c.mean) / unit;
  rows[at + S_MEAN_Z] = (mean - c.mean) / spread;
  rows[at + S_BASELINE_MEAN] = c.mean;
  rows[at + S_MEAN_BAND] = BAND_SIGMAS * spread;
  rows[at + S_MEAN_ERROR] = Math.sqrt(c.errorVariance) / unit;
  rows[at + S_MEAN_SPREAD] = spread / unit;
}

/** On the log scale, where Var(ln v) ≈ Var(v)/v² (delta method), so that halving and doubling weigh the same. */
function scoreVariance(
  rows: Float64Array,
  at: number,
  variance: number,
  requests: number,
  cells: Float64Array,
  of: number,
): void {
  const c = components(cells, of, 'variance');
  if (c === null || !(c.mean > 0)) return;
  const ratio = Math.max(LOG_RATIO_MIN, Math.log(variance / c.mean));
  const unit = Math.sqrt(c.requestVariance) / c.mean;
  const spread = Math.sqrt(predictiveVariance(c, requests)) / c.mean;
  rows[at + S_LOG_VARIANCE_RATIO] = ratio;
  rows[at + S_VARIANCE_EFFECT] = ratio / unit;
  rows[at + S_VARIANCE_Z] = ratio / spread;
  rows[at + S_BASELINE_VARIANCE] = c.mean;
  rows[at + S_VARIANCE_FACTOR] = Math.exp(Math.min(BAND_SIGMAS * spread, 700));
  rows[at + S_VARIANCE_ERROR] = Math.sqrt(c.errorVariance) / c.mean / unit;
  rows[at + S_VARIANCE_SPREAD] = spread / unit;
}
