/**
 * Evidence from windows longer than a tick: features every 30 s, histograms every minute or so. The statistics of one
 * window are made e-values and averaged, which holds under any dependence between them; one Shiryaev–Roberts sum
 * M ← (1 + M)·e over windows then serves them all, so that thousands of features need no state each.
 * Shin, Ramdas, Rinaldo, "E-detectors" (2023), section 2; Vovk & Wang, "E-values" (Annals of Statistics 49, 2021).
 */

/** Sizes of the mixture, standard deviations; each doubles the one before. */
const SIZES = [0.5, 1, 2, 4, 8] as const;
/** Beyond, one window says no more than this many nats. */
const WINDOW_NATS_MAX = 600;
/** Residuals below this many deviations weigh nothing. */
const NEGLIGIBLE = -6;
/** What was seen so long ago counts no more. */
export const FORGET_MS = 15 * 60_000;

/** Row of a sum: M, start of the window in which it began to grow, end of the last one. */
export const W_EVIDENCE = 0;
export const W_ONSET_MS = 1;
export const W_LAST_MS = 2;
export const WINDOW_STRIDE = 3;

/**
 * A residual that was divided by a deviation known with few degrees of freedom, as a normal one of the same probability:
 * z = (8ν + 1)/(8ν + 3)·√(ν·ln(1 + t²/ν)). Wallace, "Bounds on normal approximations to Student's and the chi-square
 * distributions", Annals of Mathematical Statistics 30 (1959).
 */
export function normalOf(t: number, freedom: number): number {
  const z = ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p((t * t) / freedom));
  return t < 0 ? -z : z;
}

/** e-value of one statistic in one window: `above` and `below` are the residual and its negative, each less the least effect. */
export const windowEvidence = (above: number, below: number, freedom: number): number =>
  (oneSided(above, freedom) + oneSided(below, freedom)) / (2 * SIZES.length);

function oneSided(t: number, freedom: number): number {
  // Next to nothing, and less is an e-value all the same: most statistics of most windows are far below their least effect.
  if (t < NEGLIGIBLE) return 0;
  const z = normalOf(t, freedom);
  let sum = 0;
  for (const size of SIZES) sum += Math.exp(Math.min(WINDOW_NATS_MAX, size * z - (size * size) / 2));
  return sum;
}

/** One window into the row at `at`, held at `cap`. */
export function stepWindow(
  rows: Float64Array,
  at: number,
  evidence: number,
  tick: { readonly startMs: number; readonly endMs: number },
  cap: number,
): void {
  const before = evidenceAt(rows, at, tick.endMs);
  const m = Math.min(cap, (1 + before) * evidence);
  if (before <= 1) rows[at + W_ONSET_MS] = tick.startMs;
  rows[at + W_EVIDENCE] = m;
  rows[at + W_LAST_MS] = tick.endMs;
}

/** Evidence of the row at `at`; 0 when its last window is long past. */
export const evidenceAt = (rows: Float64Array, at: number, nowMs: number): number =>
  nowMs - rows[at + W_LAST_MS]! > FORGET_MS ? 0 : rows[at + W_EVIDENCE]!;
