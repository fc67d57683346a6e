/**
 * Slim evidence for comparisons of groups, where each statistic has a row per group: two sizes and both signs of the
 * mixture in `evidence.ts`, with what is usual for the group and what it has been off since evidence began to grow.
 * A row is four doubles that hold eight single-precision numbers, none of which is ever NaN or infinite.
 */
const SLOW = 1;
const FAST = 4;

/** Places in a row: M by sign and size … */
const UP_SLOW = 0;
const UP_FAST = 1;
const DOWN_SLOW = 2;
const DOWN_FAST = 3;
/** … what is usual, the sum and count of effects since evidence began to grow, and the last residual. */
export const USUAL = 4;
export const SUM = 5;
export const COUNT = 6;
export const LAST = 7;
const ROW = 8;
/** Of a row, in doubles and in floats. */
export const TRACE_DOUBLES = ROW / 2;
export const TRACE_FLOATS = ROW;

/** Evidence that grows by this factor in one tick by quite another effect begins anew: what was before was chance. */
const JUMP = 20;
/** Effects beyond this many ticks are forgotten by halves. */
const COUNT_MAX = 64;
const LAST_MAX = 20;
const EFFECT_MAX = 1e6;

export const floatsOf = (doubles: Float64Array): Float32Array =>
  new Float32Array(doubles.buffer, doubles.byteOffset, doubles.length * 2);

export const evidenceAt = (rows: Float32Array, at: number): number =>
  (rows[at + UP_SLOW]! + rows[at + UP_FAST]! + rows[at + DOWN_SLOW]! + rows[at + DOWN_FAST]!) / 4;

/** What a group was off since its evidence began to grow; 0 where there is none. */
export const effectAt = (rows: Float32Array, at: number): number =>
  rows[at + COUNT]! > 0 ? rows[at + SUM]! / rows[at + COUNT]! : 0;

export interface Bounds {
  /** No tick says more than this many nats. */
  readonly stepNats: number;
  readonly cap: number;
}

/** `above`, `below`: residuals less the least effect, as for `stepEvidence`. Returns the mean over the mixture. */
export function stepTrace(
  rows: Float32Array,
  at: number,
  above: number,
  below: number,
  effect: number,
  { stepNats, cap }: Bounds,
): number {
  const before = evidenceAt(rows, at);
  grow(rows, at + UP_SLOW, above, stepNats, cap);
  grow(rows, at + DOWN_SLOW, below, stepNats, cap);
  const value = evidenceAt(rows, at);
  if (value <= 1) {
    rows[at + SUM] = 0;
    rows[at + COUNT] = 0;
    return value;
  }
  const isNew = value > JUMP * (1 + before) && Math.abs(effect - effectAt(rows, at)) > Math.abs(effect) / 2;
  const count = isNew ? 0 : rows[at + COUNT]!;
  const kept = count >= COUNT_MAX ? 0.5 : 1;
  rows[at + COUNT] = count * kept + 1;
  rows[at + SUM] = (isNew ? 0 : rows[at + SUM]! * kept) + bounded(effect, EFFECT_MAX);
  return value;
}

/** M ← (1 + M)·exp(δ·u − δ²/2) for both sizes of one sign. */
function grow(rows: Float32Array, at: number, u: number, stepNats: number, cap: number): void {
  // The larger size falls faster: far below 0 both are as good as 0.
  if (u < -40) {
    rows[at] = 0;
    rows[at + 1] = 0;
    return;
  }
  const slow = Math.min(SLOW * u - (SLOW * SLOW) / 2, stepNats);
  const fast = Math.min(FAST * u - (FAST * FAST) / 2, stepNats);
  rows[at] = Math.min(cap, (1 + rows[at]!) * Math.exp(slow));
  rows[at + 1] = fast < -40 ? 0 : Math.min(cap, (1 + rows[at + 1]!) * Math.exp(fast));
}

export const bounded = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));

export const rememberLast = (rows: Float32Array, at: number, residual: number): void => {
  rows[at + LAST] = bounded(residual, LAST_MAX);
};

/**
 * A t value of ν degrees of freedom as the normal one of about the same tail: Wallace, "Bounds on normal approximations
 * to Student's and the chi-square distributions" (1959).
 */
export function normalOf(t: number, freedom: number): number {
  if (freedom >= 1e5) return t;
  const z = Math.sqrt(freedom * Math.log1p((t * t) / freedom)) * ((8 * freedom + 1) / (8 * freedom + 3));
  return t < 0 ? -z : z;
}
