/** How often something happens, as far as a count of it tells: exact limits of the mean of a Poisson distribution. */
import { gammaln } from 'simple-statistics';

export interface Limits {
  readonly low: number;
  readonly high: number;
}

/**
 * Two-sided limits of the mean behind `count` events: the means for which so many, or so few, have probability
 * (1 − confidence)/2. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936).
 */
export function poissonLimits(count: number, confidence: number): Limits {
  const tail = (1 - confidence) / 2;
  return {
    low: count === 0 ? 0 : meanWhere((mean) => cumulative(count - 1, mean) <= 1 - tail, count),
    high: meanWhere((mean) => cumulative(count, mean) <= tail, count),
  };
}

/** The mean that is exceeded with probability 1 − confidence at most; 3.0 for no event and 95 %. */
export const poissonUpper = (count: number, confidence: number): number =>
  meanWhere((mean) => cumulative(count, mean) <= 1 - confidence, count);

/** P(X ≤ count), summed from the largest term down; exact for means near the count, which is where it is asked for. */
function cumulative(count: number, mean: number): number {
  if (mean <= 0) return 1;
  let term = 1;
  let sum = 0;
  for (let i = count; i >= 0 && term > sum * 1e-17; i--) {
    sum += term;
    term *= i / mean;
  }
  return Math.min(1, sum * Math.exp(count * Math.log(mean) - mean - gammaln(count + 1)));
}

/** Least mean for which `holds`, which is false below it and true above. */
function meanWhere(holds: (mean: number) => boolean, count: number): number {
  let low = 0;
  let high = count + 10 * Math.sqrt(count + 1) + 10;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
