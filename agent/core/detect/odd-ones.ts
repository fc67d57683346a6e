/** Which of several groups are off the rest: a minority that is clearly out, or nobody. */
import { normalOf } from './trace.ts';

export interface Estimates {
  /** By group: what was measured, request standard deviations about any origin; NaN where it was not. */
  readonly values: Float64Array;
  /** Requests of a tick, and how many ticks the value is a mean of. */
  readonly requests: Float64Array;
  readonly ticks: Float64Array;
  /** Variance between groups beyond what requests explain. */
  readonly spread: number;
  /** Degrees of freedom behind the unit. */
  readonly freedom: number;
  /** The baseline on the scale of the values; NaN where not known. */
  readonly baseline: number;
}

/** A group is out when it is so many standard deviations off the rest … */
const SIGMAS_MIN = 5;
/** … and at least this share as far as the one that is furthest out. */
const SHARE_MIN = 0.25;
/** The rest is as ever when it is off the baseline by no more than this share of what the odd ones are. */
const CLEAN_SHARE_MAX = 0.25;
const CLEAN_SIGMAS = 2;
/** The rest may have moved by so many times what the odd ones are off it: hours and weeks move all. */
const REST_SHARE_MAX = 2;
/** Against the baseline a group is suspect from this share of the furthest on; in doubt from so many deviations on. */
const SUSPECT_SHARE_MIN = 0.5;
const DOUBT_SIGMAS = 4;

export interface Odd {
  readonly groups: readonly number[];
  /** Of the one furthest out, against the rest, with its sign. */
  readonly effect: number;
}

const NOBODY: Odd = { groups: [], effect: 0 };

/**
 * Takes away, one by one, the group that is most surely off the mean of the others, until what is left agrees: backward
 * elimination of outliers (Rosner, "Percentage points for a generalized ESD many-outlier procedure", 1983, without its
 * tables). More than half are nobody; a half is somebody only where the baseline shows the other half untouched.
 */
export function oddOnes(of: Estimates): Odd {
  const rest = measuredOf(of);
  const count = rest.length;
  const odd: number[] = [];
  while (rest.length > 1) {
    const { at, sigmas, effect } = furthest(of, rest);
    const least = odd.length === 0 ? 0 : SHARE_MIN * Math.abs(effectOf(of, odd, rest));
    if (!(sigmas >= SIGMAS_MIN) || Math.abs(effect) < least) break;
    odd.push(rest[at]!);
    rest.splice(at, 1);
    if (odd.length * 2 > count) return NOBODY;
  }
  if (odd.length === 0) return NOBODY;
  if (odd.length * 2 < count) return isFurther(of, odd, rest) ? toldOf(of, odd, rest) : NOBODY;
  const halves = [
    [odd, rest],
    [rest, odd],
  ] as const;
  const moved = halves.find(([suspects, others]) => isClean(of, suspects, others));
  return moved === undefined ? NOBODY : toldOf(of, moved[0], moved[1]);
}

/** Groups that have surely left the baseline while the others, taken together and one by one, have not. */
export function leftBaseline(of: Estimates): readonly number[] {
  const all = measuredOf(of);
  const shift = (i: number): number => Math.abs(of.values[i]! - of.baseline);
  const most = Math.max(...all.map(shift));
  const sigmas = (i: number): number =>
    normalOf(
      shift(i) / Math.sqrt((1 / of.requests[i]! + of.spread) / of.ticks[i]!),
      of.freedom * of.ticks[i]!,
    );
  const suspects = all.filter((i) => shift(i) >= SUSPECT_SHARE_MIN * most && sigmas(i) >= SIGMAS_MIN);
  const others = all.filter((i) => !suspects.includes(i));
  if (suspects.length === 0 || others.length === 0 || !isClean(of, suspects, others)) return [];
  const isOut = (i: number): boolean => shift(i) > CLEAN_SHARE_MAX * most && sigmas(i) >= DOUBT_SIGMAS;
  return others.some(isOut) ? [] : suspects;
}

const measuredOf = ({ values, requests }: Estimates): number[] =>
  [...values.keys()].filter((i) => requests[i]! > 0 && !Number.isNaN(values[i]!));

const toldOf = (of: Estimates, suspects: readonly number[], others: readonly number[]): Odd => ({
  groups: [...suspects].sort((a, b) => a - b),
  effect: effectOf(of, suspects, others),
});

/** The one of `rest` that differs most surely from the others of it. */
function furthest(of: Estimates, rest: readonly number[]): { at: number; sigmas: number; effect: number } {
  const { mean, requests } = meanOf(of, rest);
  const found = { at: 0, sigmas: -1, effect: 0 };
  for (const [at, i] of rest.entries()) {
    const own = of.requests[i]!;
    const others = requests - own;
    const effect = ((of.values[i]! - mean) * requests) / others;
    const variance = (1 / own + 1 / others + 2 * of.spread) / of.ticks[i]!;
    const sigmas = normalOf(Math.abs(effect) / Math.sqrt(variance), of.freedom * of.ticks[i]!);
    if (sigmas > found.sigmas) Object.assign(found, { at, sigmas, effect });
  }
  return found;
}

/** Where everything moves, one moves somewhat more than another, and one may stay where it was: neither is odd. */
function isFurther(of: Estimates, suspects: readonly number[], others: readonly number[]): boolean {
  if (Number.isNaN(of.baseline)) return true;
  const other = meanOf(of, others);
  const error = Math.sqrt(1 / other.requests + of.spread / others.length);
  const rest = Math.max(0, Math.abs(other.mean - of.baseline) - CLEAN_SIGMAS * error);
  const moved = Math.abs(meanOf(of, suspects).mean - of.baseline);
  return rest <= moved && rest <= REST_SHARE_MAX * Math.abs(effectOf(of, suspects, others));
}

/** The others are at the baseline, as far as so few requests can tell, and surely not where any suspect is. */
function isClean(of: Estimates, suspects: readonly number[], others: readonly number[]): boolean {
  const { mean, requests } = meanOf(of, others);
  const error = Math.sqrt(1 / requests + of.spread / others.length);
  const most = Math.max(...suspects.map((i) => Math.abs(of.values[i]! - of.baseline)));
  if (!(Math.abs(mean - of.baseline) - CLEAN_SIGMAS * error <= CLEAN_SHARE_MAX * most)) return false;
  return suspects.every(
    (i) =>
      Math.abs(of.values[i]! - mean) >=
      DOUBT_SIGMAS * Math.hypot(error, Math.sqrt(1 / of.requests[i]! / of.ticks[i]!)),
  );
}

function effectOf(of: Estimates, odd: readonly number[], rest: readonly number[]): number {
  const { mean } = meanOf(of, rest);
  let most = 0;
  for (const i of odd) if (Math.abs(of.values[i]! - mean) > Math.abs(most)) most = of.values[i]! - mean;
  return most;
}

function meanOf({ values, requests }: Estimates, groups: readonly number[]) {
  let weight = 0;
  let sum = 0;
  for (const i of groups) {
    weight += requests[i]!;
    sum += requests[i]! * values[i]!;
  }
  return { mean: sum / weight, requests: weight };
}
