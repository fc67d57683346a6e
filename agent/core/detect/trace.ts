/**
 * Slim evidence for comparisons of groups, where each statistic has a row per group: two sizes and both signs of the
 * mixture in `evidence.ts`, with what is usual for the group and what it has been off since evidence began to grow.
 * A row is four doubles that hold eight single-precision numbers, none of which is ever NaN or infinite.
 */
import { normalOf as exactNormalOf } from './windows.ts';

const SLOW = 1;
const FAST = 4;
const SLOW_FACTOR = Math.exp(-(SLOW * SLOW) / 2);
const FAST_FACTOR = Math.exp(-(FAST * FAST) / 2);
/** Residuals between which evidence is told apart. */
const U_MIN = -10;
const U_MAX = 150;

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

/**
 * `above`, `below`: residuals less the least effect, as for `stepEvidence`. No tick says more than `stepNats`, and
 * evidence is held at `cap`. Returns the mean over the mixture.
 */
export function stepTrace(
  rows: Float32Array,
  at: number,
  above: number,
  below: number,
  effect: number,
  stepNats: number,
  cap: number,
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

/** M ← (1 + M)·exp(δ·u − δ²/2) for both sizes of one sign; δ = 4 by the fourth power of the exponential of δ = 1. */
function grow(rows: Float32Array, at: number, u: number, stepNats: number, cap: number): void {
  // Evidence that is none and does not grow is 0: most is, so most exponentials need not be taken.
  if (!(u > U_MIN) || (u < 0 && rows[at]! < 1 && rows[at + 1]! < 1)) {
    rows[at] = 0;
    rows[at + 1] = 0;
    return;
  }
  const once = Math.exp(Math.min(u, U_MAX));
  const twice = once * once;
  let slow = once * SLOW_FACTOR;
  let fast = twice * twice * FAST_FACTOR;
  if (slow > 1 || fast > 1) {
    const most = Math.exp(stepNats);
    slow = Math.min(slow, most);
    fast = Math.min(fast, most);
  }
  rows[at] = Math.min(cap, (1 + rows[at]!) * slow);
  rows[at + 1] = Math.min(cap, (1 + rows[at + 1]!) * fast);
}

export const bounded = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));

export const rememberLast = (rows: Float32Array, at: number, residual: number): void => {
  rows[at + LAST] = bounded(residual, LAST_MAX);
};

/** As the exact one, at the cost of none where most values lie: near 0, and with many degrees of freedom, t is normal. */
export const normalOf = (t: number, freedom: number): number =>
  freedom >= 1e5 || (t > -1 && t < 1) ? t : exactNormalOf(t, freedom);
