/** What sources scatter in one tick beyond what their requests explain, with a bad one or a few among them. */
import { medianOf } from '../score/median.ts';

/** From so many sources on the spread of one tick is a median, which a few bad ones do not widen. */
export const MANY_SOURCES = 6;
/** Standard deviation over median absolute deviation of a normal distribution. */
const MAD_NORMAL = 1.4826;

/** Sums over the sources that measured a statistic: requests W, Σw², and Σ w·off². */
export interface Sums {
  requests: number;
  squares: number;
  scatter: number;
  sources: number;
  /** Spread between sources in this tick, where there are many. */
  spread: number;
}

/**
 * Spread between all sources but one (method of moments: DerSimonian & Laird, "Meta-analysis in clinical trials", 1986),
 * shrunk since few sources know little of it.
 */
export function spreadOfOthers(off: number, own: number, sums: Sums): number {
  const others = sums.requests - own;
  const sources = sums.sources - 1;
  if (sources < 2) return 0;
  const scatter = sums.scatter - (own * off * off * sums.requests) / others;
  const weight = others - (sums.squares - own * own) / others;
  return Math.max(0, (scatter - (sources - 1)) / weight) * ((sources - 1) / (sources + 1));
}

/** Spread between many sources, a few of which may be out: from the median distance to their median. */
export function robustSpread(off: Float64Array, scratch: Float64Array, sums: Sums): number {
  let known = 0;
  for (const value of off) if (!Number.isNaN(value)) scratch[known++] = value;
  const middle = medianOf(scratch, known);
  for (let i = 0; i < known; i++) scratch[i] = Math.abs(scratch[i]! - middle);
  const deviation = MAD_NORMAL * medianOf(scratch, known);
  return Math.max(0, deviation * deviation - sums.sources / sums.requests);
}
