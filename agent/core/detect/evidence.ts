/**
 * Mixture Shiryaev–Roberts e-detectors: evidence against "nothing has changed", for one statistic or for many.
 *
 * For each size δ and sign, M ← (1 + M)·exp(δ·u − δ²/2), where u is the standardized residual less the least effect that
 * counts. While u is conditionally sub-Gaussian around at most 0, M is an e-detector, and so is the mean over sizes, signs
 * and statistics under any dependence; alarms at M ≥ c come once in at least c ticks on average.
 * Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change detection" (2023), sections 2–4.
 * Subtracting the least effect makes the null composite: every shift up to it is "nothing".
 */

/** Sizes of the mixture, in standard deviations of a tick beyond the least effect. */
const SIZES = [1.5, 3, 6] as const;
export const EVIDENCE_STRIDE = SIZES.length * 2;
/** Of a normal residual: beyond, one tick says no more than this many nats. */
const STEP_NATS_MAX = 600;
const NOTHING_NATS = -10;

/**
 * One tick of one statistic: `above` and `below` are the residual and its negative, each less the least effect. Rows of M
 * lie at `at`; M is held at `cap` so that an alarm ends soon after its reason. Returns the mean over the mixture.
 */
export function stepEvidence(
  rows: Float64Array | Float32Array,
  at: number,
  above: number,
  below: number,
  cap: number,
): number {
  let sum = 0;
  for (let i = 0; i < SIZES.length; i++) {
    const size = SIZES[i]!;
    const up = size * above - (size * size) / 2;
    const down = size * below - (size * size) / 2;
    const m = grow(rows[at + i * 2]!, up, cap);
    const n = grow(rows[at + i * 2 + 1]!, down, cap);
    rows[at + i * 2] = m;
    rows[at + i * 2 + 1] = n;
    sum += m + n;
  }
  return sum / EVIDENCE_STRIDE;
}

/** Where there is next to no evidence and next to none comes, the exponential need not be taken: less is on the safe side. */
const grow = (before: number, nats: number, cap: number): number =>
  nats < NOTHING_NATS && before < 1
    ? 0
    : Math.min(cap, (1 + before) * Math.exp(Math.min(nats, STEP_NATS_MAX)));

/** ln of evidence; 0 where there is none. */
export const natsOf = (evidence: number): number => Math.log(Math.max(1, evidence));

/** How far above a page's threshold evidence is held: an alarm outlives its reason by a few ticks. */
const CAP_NATS = 3;

/** Where evidence of one among `count` statistics is held. */
export const capOf = (pageNats: number, count: number): number => Math.exp(pageNats + CAP_NATS) * count;

/** Once there is an alarm, one of many statistics needs this much more than its share of nothing to be part of it. */
const PART_NATS = 3;

/** Evidence from which one of `count` statistics is part of an alarm. */
export const partOf = (count: number): number => count * Math.exp(PART_NATS);
