/**
 * Extremes that are the same in every tick: a token that every request carries ([CLS] at position 0) has one embedding,
 * so where it holds the least or greatest value, that value is the arithmetic's alone. Values come with 5 significant
 * digits, of which the last may fall either way, and other texts alone move a constant by up to 3e-5.
 */
export const MOVE_SHARE = 5e-5;
const DIGITS = 5;

/** One step of the last of 5 significant digits; 0 for 0. */
export const digitStep = (value: number): number =>
  10 ** (Math.floor(Math.log10(Math.abs(value))) - DIGITS + 1);

/** Two values so far apart are the same constant, further apart it has moved. */
export function moveTolerance(one: number, other: number): number {
  const value = Math.max(Math.abs(one), Math.abs(other));
  return Math.max(MOVE_SHARE * value, 1.5 * digitStep(value));
}
