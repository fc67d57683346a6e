/**
 * Variance components of one statistic of one cell, from a baseline bucket: what one request scatters (σ²) and what
 * ticks scatter beyond that (τ²). The variance of a tick's mean over W requests is τ² + σ²/W.
 *
 * One-way random effects, method of moments: Searle, Casella, McCulloch, "Variance Components" (1992), ch. 3.
 */
import * as b from '../bucket.ts';

export interface Components {
  readonly mean: number;
  /** σ²: variance of one request. Its root is the unit of every effect. */
  readonly requestVariance: number;
  /** τ²: variance between ticks beyond what requests explain. */
  readonly tickVariance: number;
  /** Variance of `mean` itself. */
  readonly errorVariance: number;
}

/** Fewer flushes than this beyond one a tick cannot tell σ² from τ². */
const FREEDOM_MIN = 10;
/** Values carry 5 digits, so no scatter below that is known. */
const RESOLUTION = 1e-5;
/** Scatter of a constant 0, so that a shift of it is a large number and not infinite. */
const SCATTER_MIN = 1e-12;

export type Statistic = 'mean' | 'variance';

/** Null when the bucket has fewer than two ticks of the cell. */
export function components(cells: Float64Array, cell: number, statistic: Statistic): Components | null {
  const at = cell * b.BUCKET_STRIDE;
  const ticks = cells[at + b.B_TICKS] ?? 0;
  if (ticks < 2) return null;
  const flushes = cells[at + b.B_FLUSHES]!;
  const requests = cells[at + b.B_REQUESTS]!;
  const row = at + (statistic === 'mean' ? b.B_A_MEAN : b.B_V_MEAN);
  const mean = cells[row]!;
  const between = cells[row + 1]!;
  const within = cells[row + 2]!;
  const floor = (mean * RESOLUTION) ** 2 + SCATTER_MIN ** 2;
  const freedom = flushes - ticks;
  const requestVariance = Math.max(floor, freedom >= FREEDOM_MIN ? within / freedom : between / (ticks - 1));
  const excess = between - (ticks - 1) * requestVariance;
  const tickVariance = Math.max(0, excess / (requests * (1 - 1 / ticks)));
  return {
    mean,
    requestVariance,
    tickVariance,
    errorVariance: requestVariance / requests + tickVariance / ticks,
  };
}

/** Variance of a tick's mean over `requests` requests around the baseline's mean, the baseline's own error included. */
export const predictiveVariance = (c: Components, requests: number): number =>
  c.tickVariance + c.requestVariance / requests + c.errorVariance;
