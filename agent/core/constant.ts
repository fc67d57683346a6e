/**
 * Extremes that are the same in every tick: a token that every request carries ([CLS] at position 0) has one embedding,
 * so where it holds the least or greatest value, that value is the arithmetic's alone. Values come with 5 significant
 * digits, of which the last may fall either way, and other texts alone move a constant by up to 3e-5.
 */
export const MOVE_SHARE = 5e-5;
const MEET_SHARE = 2e-5;
const DIGITS = 5;

/** One step of the last of 5 significant digits; 0 for 0. */
export const digitStep = (value: number): number =>
  10 ** (Math.floor(Math.log10(Math.abs(value))) - DIGITS + 1);

/** Values so far apart are one constant: two neighbours of the last digit, or 2e-5 of the value. */
export function meetTolerance(one: number, other: number): number {
  const value = Math.max(Math.abs(one), Math.abs(other));
  return Math.max(MEET_SHARE * value, 1.01 * digitStep(value));
}

/**
 * Further apart it has moved. Wider than what is met, so that values that wander over a few last digits are not a constant
 * that moves each time.
 */
export function moveTolerance(one: number, other: number): number {
  const value = Math.max(Math.abs(one), Math.abs(other));
  return Math.max(MOVE_SHARE * value, 2.5 * digitStep(value));
}
