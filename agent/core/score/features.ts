/**
 * Features of one layer and site in one window against the baseline: mean and log variance of each, standardized.
 *
 * A baseline of ten minutes knows some twenty windows, so the scatter of each feature is shrunk towards what is usual among
 * all features of the row, as in Smyth, "Linear models and empirical Bayes methods" (Stat. Appl. Genet. Mol. Biol. 3, 2004):
 * s̃² = (ν·s² + ν₀·s₀²)/(ν + ν₀), and residuals are t with ν + ν₀ degrees. Other texts or another language move all features
 * a little, which mean and variance of the layer tell already; so residuals are divided by how far the row has moved as a
 * whole (median |z|, where that is more than chance gives), and what stays is what a few features do alone.
 */
import { normalOf, windowEvidence } from '../detect/windows.ts';
import * as c from '../sums/channels.ts';

/** Windows of a baseline below which its scatter is not known. */
const WINDOWS_MIN = 6;
/** Windows that the row's usual scatter is worth. */
const PRIOR_FREEDOM = 10;
/** Values carry three or four digits. */
const RESOLUTION = 1e-3;
/** A variance below this share of the row's median is a dead feature: it is taken for this share. */
const DEAD_SHARE = 1e-4;
/** Median of |z| of a standard normal. */
const NORMAL_MEDIAN = 0.6745;
/** Log variance counts from twice the least effect on, in nats: fresh texts move single features by up to 0.14. */
const LOG_LEAST = 2;
/** Standard errors of the baseline that no effect may be below. */
const ERRORS = 3;
/** Evidence is counted from so many standard deviations within the least effect on. */
const NEAR = -1;
/** A feature is named from this many standard deviations beyond its least effect on. */
const NAMED_SIGMAS = 3;
/** A feature has collapsed below this share of its variance, while a quarter of all keep theirs within a factor of two. */
const COLLAPSED = Math.log(0.05);
const KEPT = Math.LN2;
const KEPT_SHARE = 0.25;

/** What a baseline says of each statistic: 2·feature for the mean, 2·feature + 1 for the log variance. */
export interface FeatureModel {
  readonly features: number;
  readonly freedom: number;
  /** Tokens of the baseline, and of one of its windows. */
  readonly tokens: number;
  readonly windowTokens: number;
  readonly centre: Float64Array;
  /** Variance of one token's worth, shrunk. */
  readonly scatter: Float64Array;
  readonly least: Float64Array;
  /** Usual scatter of the row, of means and of log variances. */
  readonly usual: readonly [number, number];
  readonly varianceMin: number;
}

export interface FeatureScore {
  /** Mean e-value over all statistics. */
  readonly evidence: number;
  /** The statistic that is furthest out, and how far: shift in its own unit, and in deviations of one token's worth. */
  readonly worst: number;
  readonly shift: number;
  readonly tokenSigmas: number;
  /** Features furthest out, worst first. */
  readonly features: readonly number[];
  /** Features whose variance has collapsed while that of the others has not. */
  readonly collapsed: number;
  readonly measured: number;
}

interface Remembered {
  readonly windows: number;
  readonly tokens: number;
  readonly leastSigmas: number;
  readonly model: FeatureModel | null;
}

/** Models of baselines, made anew when a baseline has learnt more: they cost more than a score does. */
const REMEMBERED = new WeakMap<Float64Array, Remembered>();

/** Null when the baseline has too few windows. */
export function featureModel(then: Float64Array, leastSigmas: number): FeatureModel | null {
  const known = REMEMBERED.get(then);
  const windows = then[c.C_PARTS]!;
  const tokens = then[c.C_TOKENS]!;
  if (known?.windows === windows && known.tokens === tokens && known.leastSigmas === leastSigmas)
    return known.model;
  const model = makeModel(then, leastSigmas);
  REMEMBERED.set(then, { windows, tokens, leastSigmas, model });
  return model;
}

function makeModel(then: Float64Array, leastSigmas: number): FeatureModel | null {
  const windows = then[c.C_PARTS]!;
  const features = c.baselineFeatures(then);
  if (windows < WINDOWS_MIN || !Number.isInteger(features)) return null;
  const variance = new Float64Array(features);
  for (let f = 0; f < features; f++) variance[f] = Math.exp(then[c.baselineAt(f) + c.F_LOG_VARIANCE]!);
  const usualVariance = median(variance);
  const varianceMin = usualVariance * DEAD_SHARE;
  const meanScatter = new Float64Array(features);
  const logScatter = new Float64Array(features);
  for (let f = 0; f < features; f++) {
    variance[f] = Math.max(varianceMin, variance[f]!);
    const at = c.baselineAt(f);
    // In units of the feature's own variance, in which features are alike.
    meanScatter[f] = then[at + c.F_MEAN_M2]! / (windows - 1) / variance[f]!;
    logScatter[f] = then[at + c.F_LOG_VARIANCE_M2]! / (windows - 1);
  }
  const usualMean = median(meanScatter);
  const usualLog = median(logScatter);
  const freedom = windows - 1 + PRIOR_FREEDOM;
  const shrunk = (own: number, prior: number): number =>
    ((windows - 1) * own + PRIOR_FREEDOM * prior) / freedom;
  const windowTokens = then[c.C_TOKENS]! / windows;
  const centre = new Float64Array(2 * features);
  const scatter = new Float64Array(2 * features);
  const least = new Float64Array(2 * features);
  for (let f = 0; f < features; f++) {
    const mean = then[c.baselineAt(f) + c.F_MEAN]!;
    const v = variance[f]!;
    centre[2 * f] = mean;
    scatter[2 * f] = shrunk(meanScatter[f]!, usualMean) * v + windowTokens * (RESOLUTION * mean) ** 2;
    least[2 * f] = leastSigmas * Math.sqrt(Math.max(v, usualVariance));
    centre[2 * f + 1] = Math.log(v);
    scatter[2 * f + 1] = shrunk(logScatter[f]!, usualLog) + windowTokens * RESOLUTION ** 2;
    least[2 * f + 1] = leastSigmas * LOG_LEAST;
  }
  return {
    features,
    freedom,
    tokens: then[c.C_TOKENS]!,
    windowTokens,
    centre,
    scatter,
    least,
    usual: [usualMean * usualVariance, usualLog],
    varianceMin,
  };
}

/** Shift of one statistic of a tick's row; NaN when it was not measured. */
export function featureShift(model: FeatureModel, now: Float64Array, statistic: number): number {
  const at = c.tickAt(statistic >> 1);
  if ((statistic & 1) === 0) return now[at + c.F_MEAN]! - model.centre[statistic]!;
  const variance = Math.max(model.varianceMin, now[at + c.F_VARIANCE]!);
  return Math.log(variance) - model.centre[statistic]!;
}

/**
 * Variance of one token's worth → of the difference between a window and the baseline. A larger window is not taken to be
 * surer than those of the baseline: what windows have in common does not average out.
 */
const spread = (model: FeatureModel, tokens: number): number =>
  1 / Math.min(tokens, model.windowTokens) + 1 / model.tokens;

export function featureSigma(model: FeatureModel, now: Float64Array, statistic: number): number {
  return Math.sqrt(model.scatter[statistic]! * spread(model, now[c.C_TOKENS]!));
}

/** Null when the row has other features than the baseline's, or none was measured. */
export function scoreFeatures(
  now: Float64Array,
  model: FeatureModel,
  worstCount: number,
): FeatureScore | null {
  if (c.tickFeatures(now) !== model.features) return null;
  const count = 2 * model.features;
  const shifts = new Float64Array(count);
  const sigmas = new Float64Array(count);
  const factor = spread(model, now[c.C_TOKENS]!);
  for (let s = 0; s < count; s++) {
    shifts[s] = featureShift(model, now, s);
    sigmas[s] = Math.sqrt(model.scatter[s]! * factor);
  }
  // What is within its least effect stays there, however far the row has moved as a whole.
  const far = [isAnyFar(model, shifts, sigmas, 0), isAnyFar(model, shifts, sigmas, 1)];
  const bulk = [far[0] ? bulkOf(shifts, sigmas, 0) : 1, far[1] ? bulkOf(shifts, sigmas, 1) : 1];
  const partly = hasPartlyCollapsed(shifts);
  const error = ERRORS / Math.sqrt(model.tokens * factor);
  const excess = new Float64Array(model.features).fill(Number.NEGATIVE_INFINITY);
  let sum = 0;
  let measured = 0;
  let worst = -1;
  let most = Number.NEGATIVE_INFINITY;
  let collapsed = 0;
  for (let s = 0; s < count; s++) {
    const shift = shifts[s]!;
    const hasCollapsed = partly && (s & 1) === 1 && shift < COLLAPSED;
    const sigma = sigmas[s]! * (hasCollapsed ? 1 : bulk[s & 1]!);
    const least = Math.max(model.least[s]! / sigma, error);
    const z = shift / sigma;
    // Written so that what is no number changes nothing.
    if (!(sigma > 0) || !Number.isFinite(z) || !Number.isFinite(least)) continue;
    measured++;
    const beyond = Math.abs(z) - least;
    // Far within the least effect an e-value is next to 0, and to take it for 0 is on the safe side.
    if (beyond > NEAR) sum += windowEvidence(z - least, -z - least, model.freedom);
    if (hasCollapsed) collapsed++;
    excess[s >> 1] = Math.max(excess[s >> 1]!, beyond);
    if (beyond <= most) continue;
    most = beyond;
    worst = s;
  }
  if (measured === 0) return null;
  return {
    evidence: sum / measured,
    worst,
    shift: shifts[worst]!,
    // A dead feature scatters next to nothing, and hardly tells how large a shift is.
    tokenSigmas:
      Math.abs(shifts[worst]!) / Math.sqrt(Math.max(model.scatter[worst]!, model.usual[worst & 1]!)),
    features: largest(excess, worstCount),
    collapsed,
    measured,
  };
}

function isAnyFar(
  model: FeatureModel,
  shifts: Float64Array,
  sigmas: Float64Array,
  statistic: 0 | 1,
): boolean {
  for (let s: number = statistic; s < shifts.length; s += 2)
    if (Math.abs(shifts[s]!) - model.least[s]! > NEAR * sigmas[s]!) return true;
  return false;
}

/** How far a row has moved as a whole, 1 where no more than by chance. */
function bulkOf(shifts: Float64Array, sigmas: Float64Array, statistic: 0 | 1): number {
  const z = new Float64Array(shifts.length / 2);
  for (let f = 0; f < z.length; f++) z[f] = Math.abs(shifts[2 * f + statistic]! / sigmas[2 * f + statistic]!);
  const middle = median(z) / NORMAL_MEDIAN;
  return Math.max(1, middle);
}

function hasPartlyCollapsed(shifts: Float64Array): boolean {
  let kept = 0;
  let collapsed = 0;
  let measured = 0;
  for (let s = 1; s < shifts.length; s += 2) {
    const shift = shifts[s]!;
    if (Number.isNaN(shift)) continue;
    measured++;
    if (shift < COLLAPSED) collapsed++;
    else if (Math.abs(shift) <= KEPT) kept++;
  }
  return collapsed > 0 && kept >= KEPT_SHARE * measured;
}

/** The least of the upper half, numbers that are none left out; NaN when there is none. */
function median(given: Float64Array): number {
  const values = new Float64Array(given.length);
  let count = 0;
  for (let i = 0; i < given.length; i++) if (!Number.isNaN(given[i]!)) values[count++] = given[i]!;
  return count === 0 ? Number.NaN : select(values, count);
}

/** What would be in the middle of the first `count` if they were sorted: Hoare, "Algorithm 65: Find", CACM 4 (1961). */
function select(values: Float64Array, count: number): number {
  const place = count >> 1;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = values[place]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (j < place) low = i;
    if (i > place) high = j;
  }
  return values[place]!;
}

/** Indexes of the `count` largest that are out for certain, largest first; equal ones in order. */
function largest(excess: Float64Array, count: number): number[] {
  const chosen: number[] = [];
  for (let f = 0; f < excess.length; f++) {
    if (excess[f]! < NAMED_SIGMAS) continue;
    let place = chosen.length;
    while (place > 0 && excess[chosen[place - 1]!]! < excess[f]!) place--;
    if (place >= count) continue;
    chosen.splice(place, 0, f);
    if (chosen.length > count) chosen.pop();
  }
  return chosen;
}

/** Out by itself, standard deviations of a normal. */
export const standardized = (model: FeatureModel, now: Float64Array, statistic: number): number =>
  normalOf(featureShift(model, now, statistic) / featureSigma(model, now, statistic), model.freedom);
