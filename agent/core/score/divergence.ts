/**
 * Divergences of two categorical distributions given as counts or weights over the same bins, in nats.
 *
 * KL: Kullback & Leibler (1951). JS: Lin, "Divergence measures based on the Shannon entropy" (1991). PSI: the symmetric
 * sum KL(p‖q) + KL(q‖p) as used in credit scoring (Siddiqi, 2006).
 */

export interface Divergence {
  readonly klNats: number;
  readonly jsNats: number;
  readonly psi: number;
}

/** Added to each count so that an empty bin costs a finite amount (Krichevsky & Trofimov, 1981). */
const PSEUDO_COUNT = 0.5;

/** Counts of now against counts of the baseline, bin by bin. Null when either is empty. */
export function countDivergence(now: ArrayLike<number>, baseline: ArrayLike<number>): Divergence | null {
  return divergence(now, baseline, PSEUDO_COUNT);
}

/** Least probability of a bin when distributions, not counts, are compared. */
const LEAST_PROBABILITY = 1e-9;

/** Two mean distributions. Null when lengths differ or either sums to 0. */
export function distributionDivergence(
  now: ArrayLike<number>,
  baseline: ArrayLike<number>,
): Divergence | null {
  return divergence(now, baseline, LEAST_PROBABILITY);
}

function divergence(now: ArrayLike<number>, baseline: ArrayLike<number>, pseudo: number): Divergence | null {
  const bins = now.length;
  if (bins === 0 || bins !== baseline.length) return null;
  let nowSum = 0;
  let baselineSum = 0;
  for (let i = 0; i < bins; i++) {
    nowSum += now[i]!;
    baselineSum += baseline[i]!;
  }
  if (!(nowSum > 0) || !(baselineSum > 0)) return null;
  nowSum += pseudo * bins;
  baselineSum += pseudo * bins;
  let kl = 0;
  let reverse = 0;
  let js = 0;
  for (let i = 0; i < bins; i++) {
    const p = (now[i]! + pseudo) / nowSum;
    const q = (baseline[i]! + pseudo) / baselineSum;
    const m = (p + q) / 2;
    kl += p * Math.log(p / q);
    reverse += q * Math.log(q / p);
    js += 0.5 * (p * Math.log(p / m) + q * Math.log(q / m));
  }
  return { klNats: Math.max(0, kl), jsNats: Math.max(0, js), psi: Math.max(0, kl + reverse) };
}
