/**
 * What a pattern says of its cause, one rule each; the most certain one is told. Normalization computes y = γ·x̂ + β with
 * x̂ = (x − μ)/√(σ² + ε), so its output tells of γ, β, ε and μ once its input is known to be as before.
 */
import { round } from '../detect/shift.ts';
import { layerOfCell } from '../layout.ts';
import { type CellPattern, isOutput, largestShift, nameOfCell, type Pattern } from './pattern.ts';
import { tokenVarianceOf } from './token-variance.ts';

export interface Verdict {
  readonly cause: string;
  readonly confidence: number;
  readonly says: string;
  readonly evidence: Readonly<Record<string, number | string>>;
}

type Rule = (pattern: Pattern, origin: CellPattern) => Verdict | null;

/** Variance across features that γ = 1, β = 0 give, up to ε and scatter; and the mean they give. */
const UNIT_SHARE = 0.03;
const ZERO_MEAN = 0.02;
/** RMS normalization keeps the variance, up to this log ratio. */
const KEPT_LOG_RATIO = 0.1;
/** Shifts of a quantized model stay below this, request standard deviations. */
const QUANTIZED_MAX = 2;
/** An output whose variance is this small against its baseline is dead. */
const DEAD_RATIO = 1e-4;

export const arithmetic = ['epsilon_mismatch', 'missing_affine', 'norm_type', 'weight_corruption'] as const;

const inputShift: Rule = (pattern) => {
  if (layerOfCell(pattern.origin) !== 0 || isOutput(pattern.origin)) return null;
  return {
    cause: 'input_shift',
    confidence: pattern.sources.length > 0 ? 0.5 : 0.8,
    says: `the input has moved: ${nameOfCell(pattern, 0)}, the first normalization, already sees it`,
    evidence: {},
  };
};

/** The block before a layer computes something else. */
const block: Rule = (pattern, origin) => {
  if (layerOfCell(pattern.origin) === 0 || isOutput(pattern.origin)) return null;
  const name = nameOfCell(pattern, pattern.origin);
  const shift =
    Math.abs(origin.meanShift) > Math.abs(origin.varianceShift) ? origin.meanShift : origin.varianceShift;
  const { deployed } = pattern.context;
  return {
    cause: 'weight_corruption',
    confidence: deployed ? 0.5 : 0.8,
    says: `what reaches ${name} has moved by ${Math.abs(shift).toFixed(1)} request standard deviations while all before it is as it was: the block before it computes something else`,
    evidence: {},
  };
};

/** Small shifts of either sign in most layers after the first, right after a deployment. */
const quantization: Rule = (pattern) => {
  const { context, cells, origin } = pattern;
  if (!context.deployed || layerOfCell(origin) === 0 || largestShift(pattern) > QUANTIZED_MAX) return null;
  let up = 0;
  let down = 0;
  let squares = 0;
  let count = 0;
  for (let cell = origin; cell < cells.length; cell++) {
    const one = cells[cell];
    if (one == null) continue;
    const mean = one.meanShift / one.meanSpread;
    const variance = one.varianceShift / one.varianceSpread;
    squares += mean * mean + variance * variance;
    count += 2;
    if (Math.abs(mean) < 1) continue;
    if (mean > 0) up++;
    else down++;
  }
  const scatter = Math.sqrt(squares / count);
  if (count < 8 || scatter < 1.5 || up < 0.2 * (up + down) || down < 0.2 * (up + down)) return null;
  return {
    cause: 'quantization',
    confidence: 0.75,
    says: `small shifts of either sign in most layers from ${nameOfCell(pattern, origin)} on, as lower precision of weights gives`,
    evidence: { layers_scatter: round(scatter), largest_shift_sigmas: round(largestShift(pattern)) },
  };
};

const missingAffine: Rule = (pattern, origin) => {
  if (!isOutput(pattern.origin)) return null;
  const wasUnit = Math.abs(origin.baselineVariance - 1) <= 2 * UNIT_SHARE;
  if (wasUnit || Math.abs(origin.variance - 1) > UNIT_SHARE || Math.abs(origin.mean) > ZERO_MEAN) return null;
  return {
    cause: 'missing_affine',
    confidence: 0.95,
    says: `${nameOfCell(pattern, pattern.origin)} gives mean ${origin.mean.toFixed(3)} and variance ${origin.variance.toFixed(3)}: gamma and beta are not applied`,
    evidence: { output_mean: round(origin.mean), output_variance: round(origin.variance) },
  };
};

/** RMS normalization leaves the mean in: the output's mean follows the input's, its variance stays. */
const normType: Rule = (pattern, origin) => {
  const { cells } = pattern;
  if (!isOutput(pattern.origin)) return null;
  const input = cells[pattern.origin - 1];
  if (input == null) return null;
  const ratio = Math.log(origin.variance / origin.baselineVariance);
  if (Math.abs(ratio) > KEPT_LOG_RATIO || Math.abs(origin.meanShift) < 3 * Math.abs(origin.varianceShift))
    return null;
  const expected = input.mean / Math.sqrt(input.variance + input.mean * input.mean);
  const gain = (origin.mean - origin.baselineMean) / expected;
  if (!(gain > 0.02 && gain < 20)) return null;
  return {
    cause: 'norm_type',
    confidence: 0.85,
    says: `the mean at the output of ${nameOfCell(pattern, pattern.origin)} follows its input while the variance stays: RMS in place of layer normalization`,
    evidence: { mean_gain: round(gain) },
  };
};

/** ε = σ²·(1/v − 1), v the normalized variance: what the output's variance lost while its input stayed. */
const epsilon: Rule = (pattern, origin) => {
  if (!isOutput(pattern.origin)) return null;
  const ratio = origin.variance / origin.baselineVariance;
  if (!(ratio < 1 && ratio > DEAD_RATIO)) return null;
  const tokenVariance = tokenVarianceOf(pattern, pattern.origin - 1);
  if (tokenVariance === null) return null;
  const implied = tokenVariance * (1 / ratio - 1);
  const name = nameOfCell(pattern, pattern.origin);
  return {
    cause: 'epsilon_mismatch',
    confidence: 0.7,
    says: `the variance at the output of ${name} is ${ratio.toFixed(2)} of its baseline with the same input: epsilon is near ${implied.toPrecision(1)}`,
    evidence: { implied_epsilon: round(implied), output_variance_ratio: round(ratio) },
  };
};

const dead: Rule = (pattern, origin) => {
  const ratio = origin.variance / origin.baselineVariance;
  if (!(ratio <= DEAD_RATIO)) return null;
  return {
    cause: 'dead_activation',
    confidence: 0.8,
    says: `the variance at ${nameOfCell(pattern, pattern.origin)} has collapsed to ${origin.variance.toPrecision(2)}`,
    evidence: { variance_ratio: round(ratio) },
  };
};

const RULES: readonly Rule[] = [inputShift, missingAffine, normType, dead, quantization, epsilon, block];

/** The most certain rule that fits; null when none does. */
export function judge(pattern: Pattern): Verdict | null {
  const origin = pattern.cells[pattern.origin];
  if (origin == null) return null;
  let best: Verdict | null = null;
  for (const rule of RULES) {
    const verdict = rule(pattern, origin);
    if (verdict !== null && (best === null || verdict.confidence > best.confidence)) best = verdict;
  }
  return best;
}
