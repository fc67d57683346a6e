/**
 * What a probe's answers say of the arithmetic. Inputs are the same every time, so the first number that differs in forward
 * order is where it changed; y = γ·x̂ + β with x̂ = (x − μ)/√(σ² + ε) tells how, once the layer's own input is as it was.
 */
import { digitStep } from '../constant.ts';
import { atColumn, P_ORDER, PROBE_COLUMNS, type ProbeColumn } from '../sums/probe.ts';

/** One layer: what it answered by reference and now, and what is declared of it. */
export interface ProbeLayer {
  readonly name: string;
  readonly base: Float64Array;
  readonly now: Float64Array;
  readonly features: number | null;
  readonly epsilon: number | null;
}

export type ProbeCause =
  | 'missing_affine'
  | 'norm_type'
  | 'variance_estimator'
  | 'epsilon_mismatch'
  | 'precision_change'
  | 'quantization'
  | 'weight_corruption'
  | 'unknown';

export interface ProbeVerdict {
  readonly layer: string;
  readonly site: 'input' | 'output';
  readonly order: number;
  readonly cause: ProbeCause;
  readonly confidence: number;
  /** Largest change there, as a share (of the mean: in standard deviations). */
  readonly change: number;
  /** Variance now against before; NaN where it is not known. */
  readonly ratio: number;
  readonly impliedEpsilon: number;
}

/** Numbers with more digits than five differ by chance up to this: single precision on another machine. */
const SINGLE_SHARE = 5e-7;
/** A mean near 0 is a difference of large numbers: it is known to this share of the standard deviation. */
const MEAN_SIGMAS = 1e-6;

/** Less precise arithmetic changes nothing by more than this, and single values by half a step of 8 binary digits. */
export const PRECISION_SHARE = 1e-3;
const VALUE_SHARE = 2 ** -8;
/** Quantized weights nothing by more than this. */
const QUANTIZED_SHARE = 0.1;
/** Variance and mean that γ = 1 and β = 0 give. */
const UNIT_SHARE = 0.03;
const ZERO_MEAN = 0.02;
/** Root mean squares move the mean by at least so many deviations, and the variance as they should up to this log ratio. */
const FOLLOWED_SIGMAS = 2e-3;
const FOLLOWED_LOG_RATIO = 0.02;
/** Shares of what n − 1 for n or an epsilon should do that still count as that. */
const LIKE_LEAST = 0.5;
const LIKE_MOST = 2;
const LIKE_EPSILON = 0.2;
const ESTIMATOR_LEAST = 0.7;
const ESTIMATOR_MOST = 1.3;
/** A change of a few steps of the last digit says little of its kind. */
const FAINT_SHARE = 2e-4;
/** Features of a layer, when nobody tells them. */
const FEATURES_MIN = 16;
const FEATURES_MAX = 32_768;

type Site = 0 | 1;

const middle = (row: Float64Array, site: Site, column: ProbeColumn): number => {
  const at = atColumn(site, column);
  return (row[at]! + row[at + 1]!) / 2;
};

const isShort = (value: number): boolean => Number(value.toPrecision(5)) === value;

/** How far two values may lie apart and be one: a step of the fifth digit, where no more are sent. */
function resolutionOf(a: number, b: number): number {
  const most = Math.max(Math.abs(a), Math.abs(b));
  return most > 0 && isShort(a) && isShort(b) ? 1.001 * digitStep(most) : SINGLE_SHARE * most;
}

/** Whether the values of a row lie outside those of another by more than these have varied. */
export function departs(base: Float64Array, now: Float64Array, at: number, floor: number): boolean {
  const low = base[at]!;
  const high = base[at + 1]!;
  const above = now[at + 1]! - high;
  const below = low - now[at]!;
  // Written so that what was not measured (NaN) departs from nothing.
  if (!(above > 0 || below > 0)) return false;
  const resolution = above > below ? resolutionOf(now[at + 1]!, high) : resolutionOf(now[at]!, low);
  return Math.max(above, below) > Math.max(resolution, floor) + (high - low);
}

function departsAt({ base, now }: ProbeLayer, site: Site, column: ProbeColumn): boolean {
  const floor = column === 'mean' ? MEAN_SIGMAS * deviationOf(base, site) : 0;
  return departs(base, now, atColumn(site, column), floor);
}

const deviationOf = (row: Float64Array, site: Site): number =>
  Math.sqrt(Math.max(0, middle(row, site, 'variance') || 0));

const anyDeparts = (layer: ProbeLayer, site: Site): boolean =>
  PROBE_COLUMNS.some((column) => departsAt(layer, site, column));

/** Change of a magnitude as a share, with its sign; of the mean in standard deviations. NaN where it is not known. */
function changeOf({ base, now }: ProbeLayer, site: Site, column: ProbeColumn): number {
  const before = middle(base, site, column);
  const after = middle(now, site, column);
  if (column === 'mean') return (after - before) / deviationOf(base, site);
  return Math.abs(before) > 0 ? Math.abs(after) / Math.abs(before) - 1 : Number.NaN;
}

/** Null when the answers are as they were. `layers` in forward order; `deployed`: the version has just come. */
export function judgeProbe(layers: readonly ProbeLayer[], deployed: boolean): ProbeVerdict | null {
  for (const [place, layer] of layers.entries()) {
    for (const site of [0, 1] as const) {
      if (!anyDeparts(layer, site)) continue;
      const { cause, confidence, impliedEpsilon = Number.NaN } = causeOf(layers, place, site, deployed);
      const changes = PROBE_COLUMNS.map((column) => Math.abs(changeOf(layer, site, column)));
      return {
        layer: layer.name,
        site: site === 0 ? 'input' : 'output',
        order: layer.now[P_ORDER]! * 2 + site,
        cause,
        confidence,
        change: Math.max(0, ...changes.filter(Number.isFinite)),
        ratio: middle(layer.now, site, 'variance') / middle(layer.base, site, 'variance'),
        impliedEpsilon,
      };
    }
  }
  return null;
}

interface Told {
  readonly cause: ProbeCause;
  readonly confidence: number;
  readonly impliedEpsilon?: number;
}

function causeOf(layers: readonly ProbeLayer[], place: number, site: Site, deployed: boolean): Told {
  const layer = layers[place]!;
  const spread = spreadOf(layers.slice(place));
  const precision: Told = { cause: 'precision_change', confidence: 0.8 };
  const isPrecision =
    spread.isMixed &&
    spread.most < PRECISION_SHARE &&
    spread.mostValue < (site === 0 ? PRECISION_SHARE : VALUE_SHARE);
  if (site === 0) {
    if (isPrecision) return precision;
    if (deployed && spread.isMixed && Math.max(spread.most, spread.mostValue) < QUANTIZED_SHARE)
      return { cause: 'quantization', confidence: 0.7 };
    // The same text goes in, so it is what the block computes.
    return { cause: 'weight_corruption', confidence: place === 0 || deployed ? 0.5 : 0.8 };
  }
  if (isUnit(layer)) return { cause: 'missing_affine', confidence: 0.95 };
  if (Number.isNaN(middle(layer.base, 0, 'variance'))) return { cause: 'unknown', confidence: 0 };
  if (followsInput(layer)) return { cause: 'norm_type', confidence: 0.85 };
  if (shrinks(layer)) {
    if (isEstimator(layers.slice(place))) return { cause: 'variance_estimator', confidence: 0.9 };
    const impliedEpsilon = epsilonOf(layer);
    const confidence = Math.abs(changeOf(layer, 1, 'variance')) < FAINT_SHARE ? 0.6 : 0.85;
    if (impliedEpsilon !== null) return { cause: 'epsilon_mismatch', confidence, impliedEpsilon };
  }
  if (isPrecision) return precision;
  const impliedEpsilon = layer.epsilon !== null && layer.epsilon > 0 ? epsilonOf(layer) : null;
  return impliedEpsilon === null
    ? { cause: 'unknown', confidence: 0 }
    : { cause: 'epsilon_mismatch', confidence: 0.7, impliedEpsilon };
}

interface Spread {
  /** Of moments, and of extremes, which are single values. */
  readonly most: number;
  readonly mostValue: number;
  /** Whether magnitudes go both ways. */
  readonly isMixed: boolean;
}

/** The largest changes from here on. */
function spreadOf(layers: readonly ProbeLayer[]): Spread {
  let most = 0;
  let mostValue = 0;
  let up = 0;
  let down = 0;
  for (const layer of layers) {
    for (const site of [0, 1] as const) {
      for (const column of PROBE_COLUMNS) {
        if (!departsAt(layer, site, column)) continue;
        const change = changeOf(layer, site, column);
        if (column === 'min' || column === 'max') mostValue = Math.max(mostValue, Math.abs(change));
        else if (Math.abs(change) > most) most = Math.abs(change);
        if (column === 'mean') continue;
        if (change > 0) up++;
        else if (change < 0) down++;
      }
    }
  }
  return { most, mostValue, isMixed: up > 0 && down > 0 };
}

function isUnit({ base, now }: ProbeLayer): boolean {
  const off = (row: Float64Array, share: number, mean: number): boolean =>
    Math.abs(middle(row, 1, 'variance') - 1) > share || Math.abs(middle(row, 1, 'mean')) > mean;
  return !off(now, UNIT_SHARE, ZERO_MEAN) && off(base, 2 * UNIT_SHARE, 2 * ZERO_MEAN);
}

/**
 * The mean of the output follows that of the input, or no longer does. Root mean squares divide by √(σ² + μ²) for σ, so the
 * variance changes by σ²/(σ² + μ²), one way or the other, and by nothing else.
 */
function followsInput(layer: ProbeLayer): boolean {
  const { base } = layer;
  const moved = changeOf(layer, 1, 'mean');
  const ratio = Math.abs(Math.log1p(changeOf(layer, 1, 'variance')));
  const variance = middle(base, 0, 'variance');
  const wanted = Math.abs(Math.log(variance / (variance + middle(base, 0, 'mean') ** 2)));
  const beside = Math.abs(ratio - wanted);
  return beside <= FOLLOWED_LOG_RATIO && Math.abs(moved) >= Math.max(FOLLOWED_SIGMAS, 3 * beside);
}

/** Variance and both extremes are smaller by what one factor on x̂ takes from them. */
function shrinks(layer: ProbeLayer): boolean {
  const variance = changeOf(layer, 1, 'variance');
  const loss = 1 - Math.sqrt(1 + variance);
  if (!(loss > 0)) return false;
  return (['min', 'max'] as const).every((column) => {
    const change = changeOf(layer, 1, column);
    const value = Math.abs(middle(layer.base, 1, column));
    // Of one that was not sent nothing is asked, and no more than its digits can tell of any.
    if (Number.isNaN(change) || Math.abs(change + loss) <= digitStep(value) / value) return true;
    return isLike(-change / loss, LIKE_LEAST, LIKE_MOST);
  });
}

const isLike = (share: number, least: number, most: number): boolean => share >= least && share <= most;

/** n − 1 for n: x̂ is smaller by √(1 − 1/F) ≈ 1 − 1/(2F), F features, in every layer and whatever its variance. */
function isEstimator(layers: readonly ProbeLayer[]): boolean {
  const losses = layers.filter((layer) => anyDeparts(layer, 1)).map(lossOf);
  const first = losses[0]!;
  const { features } = layers[0]!;
  if (features !== null) return isLike(first * 2 * features, ESTIMATOR_LEAST, ESTIMATOR_MOST);
  if (losses.length < 3 || !isLike(1 / (2 * first), FEATURES_MIN, FEATURES_MAX)) return false;
  return losses.every((loss) => isLike(loss / first, ESTIMATOR_LEAST, ESTIMATOR_MOST));
}

/** What the greater of the two extremes has lost; extremes owe more to γ·x̂ than to β. */
function lossOf(layer: ProbeLayer): number {
  const { base } = layer;
  const isLow = Math.abs(middle(base, 1, 'min')) > Math.abs(middle(base, 1, 'max'));
  const change = changeOf(layer, 1, isLow ? 'min' : 'max');
  return Number.isNaN(change) ? 1 - Math.sqrt(1 + changeOf(layer, 1, 'variance')) : -change;
}

/** From R = (σ² + ε₀)/(σ² + ε): ε = (σ² + ε₀)/R − σ², with the variance across a token's features at the input. */
function epsilonOf({ base, now, epsilon }: ProbeLayer): number | null {
  const tokens = middle(base, 0, 'token_variance_mean');
  const variance = Number.isNaN(tokens) ? middle(base, 0, 'variance') : tokens;
  const ratio = middle(now, 1, 'variance') / middle(base, 1, 'variance');
  const implied = (variance + (epsilon ?? 0)) / ratio - variance;
  if (!(variance > 0 && ratio > 1e-4 && Number.isFinite(implied))) return null;
  // Where it should be 0 the difference of two large numbers is about 0.
  return implied >= -LIKE_EPSILON * (epsilon ?? 0) ? Math.max(0, implied) : null;
}
