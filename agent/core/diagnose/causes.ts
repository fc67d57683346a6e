/**
 * What a pattern says of its cause, one rule each; the most certain one is told. Normalization computes y = γ·x̂ + β with
 * x̂ = (x − μ)/√(σ² + ε), so its output tells of γ, β, ε and μ once its input is known to be as before. What scatters
 * from flush to flush tells as much as what has moved: x̂ has mean 0 and variance 1 in every token, so without γ the
 * output's mean scatters no more, and without μ it scatters more.
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

/** The output of a normalization whose input is as before. */
interface Normalization {
  readonly name: string;
  readonly output: CellPattern;
  readonly input: CellPattern;
  readonly ratio: number;
  /** Who could have changed the arithmetic: a deployment, or one source that differs from the others. */
  readonly changed: boolean;
}

type Rule = (pattern: Pattern, origin: CellPattern) => Verdict | null;

/** Scatter this small is none, this large is as before at least. */
const NO_SCATTER = 0.03;
const LIVE_SCATTER = 0.3;
const LESS_SCATTER = 0.5;
const MORE_SCATTER = 1.7;
/** γ = 1 and β = 0 give variance 1 up to ε. */
const UNIT_SHARE = 0.005;
/** RMS normalization and a lost β leave the variance about as it was (log ratio). */
const KEPT_LOG_RATIO = 0.15;
/** Smaller moves of one output on all sources are those of texts, request standard deviations. */
const CORRUPTED_SIGMAS = 1;
/** Less scatter is told from chance by as many flushes. */
const CENTRED_FLUSHES_MIN = 30;
const DEAD_RATIO = 1e-4;
/** Shifts of a quantized model stay below this, request standard deviations. */
const QUANTIZED_MAX = 2;

const inputShift: Rule = (pattern, origin) => {
  const { context, sources } = pattern;
  if (layerOfCell(pattern.origin) !== 0) return null;
  const says = `the input has moved: ${nameOfCell(pattern, 0)}, the first normalization, already sees it`;
  const verdict = { cause: 'input_shift', says, evidence: {} };
  if (!isOutput(pattern.origin)) return { ...verdict, confidence: sources.length > 0 ? 0.5 : 0.8 };
  // The first output alone: other tokens of the same mean and variance, if nobody changed the arithmetic.
  if (context.deployed || sources.length > 0 || origin.constant === 'moved') return null;
  return { ...verdict, confidence: origin.constant === 'kept' ? 0.8 : 0.55 };
};

/** The block before a layer computes something else. */
const block: Rule = (pattern, origin) => {
  if (layerOfCell(pattern.origin) === 0 || isOutput(pattern.origin)) return null;
  const name = nameOfCell(pattern, pattern.origin);
  return {
    cause: 'weight_corruption',
    confidence: pattern.context.deployed ? 0.5 : 0.8,
    says: `what reaches ${name} has moved by ${shiftOfCell(origin).toFixed(1)} request standard deviations while all before it is as it was: the block before it computes something else`,
    evidence: {},
  };
};

/** Nobody changed an epsilon on all sources at once without a deployment: bits flip, and texts drift. */
const unexplained: Rule = (pattern, origin) => {
  const { context, sources } = pattern;
  if (context.deployed || sources.length > 0 || !isOutput(pattern.origin)) return null;
  const name = nameOfCell(pattern, pattern.origin);
  const shift = shiftOfCell(origin);
  return shift >= CORRUPTED_SIGMAS || origin.constant === 'moved'
    ? {
        cause: 'weight_corruption',
        confidence: 0.5,
        says: `the output of ${name} has moved by ${shift.toFixed(1)} request standard deviations with the same input, and nothing was deployed`,
        evidence: {},
      }
    : {
        cause: 'input_shift',
        confidence: 0.5,
        says: `activations drift slowly on all sources, first at the output of ${name}, and nothing was deployed: the traffic changes`,
        evidence: {},
      };
};

/** Shifts of either sign in many layers, none far larger than the others, right after a deployment. */
const quantization: Rule = (pattern, origin) => {
  const { context, cells } = pattern;
  if (!context.deployed || layerOfCell(pattern.origin) === 0 || largestShift(pattern) > QUANTIZED_MAX)
    return null;
  const next = cells[pattern.origin + 1] ?? origin;
  const first = Math.max(shiftOfCell(origin), shiftOfCell(next));
  let up = 0;
  let down = 0;
  let moved = 0;
  let most = 0;
  for (let cell = pattern.origin + 2; cell < cells.length; cell++) {
    const one = cells[cell];
    if (one == null) continue;
    const mean = one.meanShift / one.meanSpread;
    const isOut = Math.abs(mean) >= 2 || Math.abs(one.varianceShift / one.varianceSpread) >= 2;
    if (isOut && shiftOfCell(one) >= first / 2) moved++;
    most = Math.max(most, isOut ? shiftOfCell(one) : 0);
    if (mean >= 1) up++;
    else if (mean <= -1) down++;
  }
  // One layer's fault is largest where it begins.
  if (moved < 5 || most < first || Math.min(up, down) < 0.2 * (up + down)) return null;
  return {
    cause: 'quantization',
    confidence: 0.8,
    says: `small shifts of either sign in ${moved} more places from ${nameOfCell(pattern, pattern.origin)} on, as lower precision of weights gives`,
    evidence: { places_moved: moved, largest_shift_sigmas: round(largestShift(pattern)) },
  };
};

const shiftOfCell = (cell: CellPattern): number =>
  Math.max(Math.abs(cell.meanShift), Math.abs(cell.varianceShift));

/** γ = 1: x̂ has mean 0 in every token, so the output's mean no longer scatters (nor its variance, if β is gone too). */
const missingAffine: Rule = (pattern, origin) => {
  const n = normalizationOf(pattern, origin);
  if (n === null || !(n.input.meanScatter > LIVE_SCATTER)) return null;
  const { output, name } = n;
  const isUnit = Math.abs(output.variance - 1) <= UNIT_SHARE && output.varianceScatter <= NO_SCATTER;
  // A huge epsilon leaves β alone, which does not scatter either, but then nothing is left of the variance.
  const noMeanScatter = output.meanScatter <= NO_SCATTER && output.variance > 0.9;
  const nearUnit = Math.abs(output.variance - 1) <= 0.1 && output.varianceScatter <= 2 * NO_SCATTER;
  if (!noMeanScatter && !(nearUnit && Math.abs(Math.log(n.ratio)) > UNIT_SHARE)) return null;
  const what = isUnit && noMeanScatter ? 'gamma and beta are' : 'gamma is';
  return {
    cause: 'missing_affine',
    confidence: noMeanScatter ? 0.95 : 0.85,
    says: `${name} gives mean ${output.mean.toFixed(3)} and variance ${output.variance.toFixed(3)} whatever its input: ${what} not applied`,
    evidence: { output_mean: round(output.mean), output_variance: round(output.variance) },
  };
};

/** RMS normalization leaves the mean in: the output's mean follows the input's, its variance stays. And the reverse. */
const normType: Rule = (pattern, origin) => {
  const n = normalizationOf(pattern, origin);
  if (n === null || Math.abs(Math.log(n.ratio)) > KEPT_LOG_RATIO) return null;
  const { input, output, name } = n;
  const expected = input.mean / Math.sqrt(input.variance + input.mean * input.mean);
  // γ is about the root of the output's variance, so the shift is about that share of the input's mean.
  const gain = (output.mean - output.baselineMean) / expected / Math.sqrt(output.baselineVariance);
  const evidence = { mean_gain: round(gain), mean_scatter_ratio: round(output.meanScatter) };
  const clear = Math.abs(output.meanShift) >= 3 * Math.abs(output.varianceShift);
  const follows = gain > 0.4 && gain < 2.5 && output.meanScatter > LESS_SCATTER;
  const scatters = output.meanScatter > MORE_SCATTER && !(input.meanScatter > MORE_SCATTER);
  if (follows || scatters) {
    return {
      cause: 'norm_type',
      // Nobody changes a norm on all sources at once without a deployment.
      confidence: !n.changed ? 0.4 : follows && clear ? 0.85 : 0.65,
      says: `the mean at the output of ${name} follows its input while the variance stays: RMS in place of layer normalization`,
      evidence,
    };
  }
  if (Math.abs(Math.log(n.ratio)) > 0.05 || output.flushes < CENTRED_FLUSHES_MIN) return null;
  const centred = pattern.cells.filter((_, cell) => isOutput(cell) && isCentred(pattern, cell)).length;
  if (!isCentred(pattern, pattern.origin)) return null;
  return {
    cause: 'norm_type',
    confidence: centred >= 3 ? 0.9 : 0.7,
    says: `the mean at the output of ${name} no longer follows its input: layer normalization in place of RMS`,
    evidence: { ...evidence, outputs_centred: centred },
  };
};

/** The output's mean scatters far less than it did while the input's does as before. */
function isCentred({ cells }: Pattern, cell: number): boolean {
  const output = cells[cell];
  const input = cells[cell - 1];
  if (output == null || input == null) return false;
  return output.meanScatter < LESS_SCATTER && input.meanScatter > 2 * output.meanScatter;
}

/** A constant has gone from the mean, and what scatters is as before. */
const missingBeta: Rule = (pattern, origin) => {
  const n = normalizationOf(pattern, origin);
  if (n === null || !n.changed || Math.abs(Math.log(n.ratio)) > KEPT_LOG_RATIO) return null;
  const { output, name } = n;
  // What ε does to the mean is bounded by what it does to the variance.
  const byEpsilon =
    Math.abs(1 - Math.sqrt(n.ratio)) *
    (Math.abs(output.baselineMean) + 0.1 * Math.sqrt(output.baselineVariance));
  const shift = Math.abs(output.mean - output.baselineMean);
  if (shift < 3 * byEpsilon || Math.abs(output.meanShift) < 1) return null;
  if (output.meanScatter < LESS_SCATTER || output.meanScatter > MORE_SCATTER) return null;
  return {
    cause: 'missing_affine',
    confidence: 0.72,
    says: `the mean at the output of ${name} has moved by a constant (${(output.mean - output.baselineMean).toPrecision(2)}) with the same input: beta is not applied`,
    evidence: { mean_moved: round(output.mean - output.baselineMean) },
  };
};

/** Some channels give nothing any more: the variance falls, and the mean, no longer balanced, scatters more. */
const channels: Rule = (pattern, origin) => {
  const n = normalizationOf(pattern, origin);
  if (n === null || n.ratio > 0.97 || !(n.output.meanScatter > 2) || n.input.meanScatter > MORE_SCATTER)
    return null;
  return {
    cause: 'channel_collapse',
    confidence: 0.78,
    says: `the variance at the output of ${n.name} is ${n.ratio.toFixed(2)} of its baseline while its mean scatters more, as when channels are lost`,
    evidence: { output_variance_ratio: round(n.ratio), mean_scatter_ratio: round(n.output.meanScatter) },
  };
};

/** ε = σ²·(1/v − 1), v the normalized variance: what the output's variance lost while its input stayed. */
const epsilon: Rule = (pattern, origin) => {
  const n = normalizationOf(pattern, origin);
  if (n === null || !(n.ratio < 1 && n.ratio > DEAD_RATIO)) return null;
  const tokenVariance = tokenVarianceOf(pattern, pattern.origin - 1);
  if (tokenVariance === null) return null;
  const implied = tokenVariance * (1 / n.ratio - 1);
  return {
    cause: 'epsilon_mismatch',
    confidence:
      n.changed || (layerOfCell(pattern.origin) === 0 && n.output.constant === 'moved') ? 0.7 : 0.45,
    says: `the variance at the output of ${n.name} is ${n.ratio.toFixed(2)} of its baseline with the same input: epsilon is near ${Number(implied.toPrecision(2))}`,
    evidence: { implied_epsilon: round(implied), output_variance_ratio: round(n.ratio) },
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

/** Null when the fault does not begin at an output whose input is known. */
function normalizationOf(pattern: Pattern, origin: CellPattern): Normalization | null {
  const input = isOutput(pattern.origin) ? pattern.cells[pattern.origin - 1] : null;
  const ratio = origin.variance / origin.baselineVariance;
  if (input == null || !(ratio > 0)) return null;
  return {
    name: nameOfCell(pattern, pattern.origin),
    output: origin,
    input,
    ratio,
    changed: pattern.context.deployed || pattern.sources.length > 0,
  };
}

const RULES: readonly Rule[] = [
  inputShift,
  missingAffine,
  normType,
  missingBeta,
  channels,
  dead,
  quantization,
  epsilon,
  block,
  unexplained,
];

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
