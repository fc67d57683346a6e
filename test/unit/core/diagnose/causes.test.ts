/** What a pattern says of its cause: each rule on what it is made for, and on what only looks like it. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../../agent/core/diagnose/causes.ts';
import type { CellPattern } from '../../../../agent/core/diagnose/pattern.ts';
import { addWire, type Histogram } from '../../../../agent/core/histogram.ts';
import { createGaussian } from '../../../kit/events.ts';
import { type Given, inputOf, LAYERS, outputOf, patternOf } from '../../../kit/patterns.ts';
import { histogramOf } from '../../../kit/windows.ts';

const causeOf = (given: Given): string | null => judge(patternOf(given))?.cause ?? null;
const IN = inputOf(2);
const OUT = outputOf(2);
/** A fault that begins at the output of the third layer. */
const at = (
  output: Partial<CellPattern>,
  input: Partial<CellPattern> = {},
  more: Partial<Given> = {},
): Given => ({
  origin: OUT,
  cells: { [IN]: input, [OUT]: output },
  ...more,
});
const DEPLOYED = { deployed: true };

describe('the input has moved', () => {
  const moved = { meanShift: 1.5, mean: 1.8 };

  it.each([
    ['where the first input has', { origin: inputOf(0), cells: { 0: moved, 1: moved } }, 0.8],
    ['less surely where that is of one source', { origin: 0, cells: { 0: moved }, sources: ['pod-1'] }, 0.5],
    [
      'where only the first output has, and its constants are as they were',
      { origin: 1, cells: { 1: { ...moved, constant: 'kept' as const } } },
      0.8,
    ],
    ['less surely where no constant is known', { origin: 1, cells: { 1: moved } }, 0.55],
  ])('%s', (_, given, confidence) => {
    expect(judge(patternOf(given))).toMatchObject({ cause: 'input_shift', confidence });
  });

  it.each([
    ['where a constant of the first output has moved with it', { constant: 'moved' as const }, {}],
    ['where only the first output has, after a deployment', {}, DEPLOYED],
    ['where only the first output of one source has', {}, { sources: ['pod-1'] }],
  ])('is not said %s', (_, output, more) => {
    expect(causeOf({ origin: 1, cells: { 1: { ...moved, ...output } }, ...more })).not.toBe('input_shift');
  });
});

describe('epsilon', () => {
  /** Input variance σ², another ε: the output keeps σ²/(σ² + ε) of its variance. */
  const with_ = (sigma2: number, epsilon: number, more: Partial<Given> = DEPLOYED): Given => {
    const ratio = sigma2 / (sigma2 + epsilon);
    return at(
      { variance: 0.8 * ratio, mean: 0.3 * Math.sqrt(ratio), varianceShift: -3 },
      { variance: sigma2, baselineVariance: sigma2 },
      more,
    );
  };

  it.each([
    [0.02, 1e-3],
    [0.02, 1e-2],
    [0.5, 0.1],
    [4e-4, 1e-5],
  ])('of an input variance of %d is told as %d', (sigma2, epsilon) => {
    const verdict = judge(patternOf(with_(sigma2, epsilon)))!;
    expect(verdict.cause).toBe('epsilon_mismatch');
    expect(verdict.evidence.implied_epsilon as number).toBeGreaterThan(0.8 * epsilon);
    expect(verdict.evidence.implied_epsilon as number).toBeLessThan(1.2 * epsilon);
  });

  it('is that of the many tokens where a few own the variance of the input', () => {
    const gaussian = createGaussian(4);
    const draw = (deviation: (i: number) => number): Histogram =>
      addWire(
        null,
        histogramOf(
          Array.from({ length: 20_000 }, (_, i) => deviation(i) * gaussian()),
          6,
        ) as never,
      )!;
    // One token in fifty is thirty times as wide: it owns 95 % of the mean of token variances.
    const isFew = (i: number) => i % 50 === 0;
    const [many, few, epsilon] = [0.02, 18, 1e-2];
    const mean = many + few / 50;
    const given = with_(many, epsilon);
    const histograms = {
      [IN]: draw((i) => Math.sqrt(isFew(i) ? few : many)),
      [OUT]: draw(() => Math.sqrt(0.8)),
    };
    const cells = { ...given.cells, [IN]: { variance: mean, baselineVariance: mean } };
    const verdict = judge(patternOf({ ...given, cells, histograms }))!;
    expect(verdict.cause).toBe('epsilon_mismatch');
    expect(verdict.evidence.implied_epsilon as number).toBeGreaterThan(0.8 * epsilon);
    expect(verdict.evidence.implied_epsilon as number).toBeLessThan(1.2 * epsilon);
  });

  it('is told of one source as of a deployment', () => {
    expect(causeOf(with_(0.02, 1e-3, { sources: ['pod-1'] }))).toBe('epsilon_mismatch');
  });

  it('is told of the first layer without a deployment where its constants have moved', () => {
    const { cells } = with_(0.02, 1e-3);
    const first = { 0: cells![IN]!, 1: { ...cells![OUT]!, constant: 'moved' as const } };
    expect(causeOf({ origin: 1, cells: first })).toBe('epsilon_mismatch');
  });

  it.each([
    ['nobody changed anything', with_(0.02, 1e-3, {})],
    ['the variance has grown', at({ variance: 1, varianceShift: 3 }, {}, DEPLOYED)],
    ['it begins at an input', { ...with_(0.02, 1e-3), origin: IN }],
  ])('is not told where %s', (_, given) => {
    expect(causeOf(given)).not.toBe('epsilon_mismatch');
  });
});

describe('a missing affine', () => {
  it('without gamma has a mean that scatters no more', () => {
    const given = at({ variance: 0.97, mean: 0.1, meanScatter: 0.01, varianceShift: 2 });
    expect(judge(patternOf(given))).toMatchObject({ cause: 'missing_affine', confidence: 0.95 });
    expect(judge(patternOf(given))!.says).toContain('gamma is not applied');
  });

  it('without both is mean 0 and variance 1, whatever comes', () => {
    const given = at({
      variance: 1.0001,
      mean: 0,
      meanScatter: 0.001,
      varianceScatter: 0.001,
      varianceShift: 2,
    });
    expect(judge(patternOf(given))!.says).toContain('gamma and beta are not applied');
  });

  it('without beta has a mean that is off by a constant, and scatters as before', () => {
    const moved = at({ mean: -0.2, meanShift: -4, variance: 0.805 }, {}, DEPLOYED);
    expect(judge(patternOf(moved))).toMatchObject({ cause: 'missing_affine', confidence: 0.72 });
    expect(judge(patternOf(moved))!.says).toContain('beta is not applied');
  });

  it.each([
    ['the mean scatters a little still', at({ variance: 0.97, meanScatter: 0.1 })],
    ['the input scatters no more either', at({ variance: 0.97, meanScatter: 0.01 }, { meanScatter: 0.01 })],
    [
      'hardly any variance is left: that is a huge epsilon',
      at(
        { variance: 0.02, meanScatter: 0.01, varianceShift: -9 },
        { variance: 0.02, baselineVariance: 0.02 },
        DEPLOYED,
      ),
    ],
    ['a mean is off that nobody has deployed', at({ mean: -0.2, meanShift: -4 })],
    [
      'a mean is off by less than epsilon explains',
      at({ mean: 0.28, meanShift: -1.2, variance: 0.7 }, {}, DEPLOYED),
    ],
    [
      'a mean is off and scatters three times as much',
      at({ mean: -0.2, meanShift: -4, meanScatter: 3 }, {}, DEPLOYED),
    ],
  ])('is not told where %s', (_, given) => {
    expect(causeOf(given)).not.toBe('missing_affine');
  });
});

describe('the type of a norm', () => {
  /** The output's mean moves by the input's over its root mean square, times γ ≈ the root of the output's variance. */
  const follows = (mean: number, gain: number): Given => {
    const expected = mean / Math.sqrt(1 + mean * mean);
    return at(
      { mean: 0.3 + gain * expected * Math.sqrt(0.8), meanShift: 6, varianceShift: 0.3 },
      { mean, baselineMean: mean, variance: 1, baselineVariance: 1 },
      DEPLOYED,
    );
  };

  it.each([
    [0.5, 1],
    [-2, 1],
    [0.5, 0.6],
    [0.5, 2],
  ])('is RMS where the mean follows an input mean of %d with a gain of %d', (mean, gain) => {
    const verdict = judge(patternOf(follows(mean, gain)))!;
    expect(verdict).toMatchObject({ cause: 'norm_type', confidence: 0.85 });
    expect(verdict.says).toContain('RMS in place of layer normalization');
    expect(verdict.evidence.mean_gain as number).toBeCloseTo(gain, 2);
  });

  it('is RMS where the mean scatters as it never did', () => {
    const given = at({ meanScatter: 4, meanShift: 0.4 }, { mean: 0, baselineMean: 0 }, DEPLOYED);
    expect(judge(patternOf(given))).toMatchObject({ cause: 'norm_type', confidence: 0.65 });
  });

  const centred = (layers: readonly number[], flushes = 45): Given => ({
    origin: OUT,
    cells: Object.fromEntries(
      layers.map((layer) => [outputOf(layer), { meanScatter: 0.1, meanShift: -0.5, flushes }]),
    ),
    deployed: true,
  });

  it.each([
    [[2], 0.7],
    [[2, 3], 0.7],
    [[2, 3, 4], 0.9],
  ])(
    'is layer norm in place of RMS where means of layers %j scatter less than their inputs',
    (layers, confidence) => {
      expect(judge(patternOf(centred(layers)))).toMatchObject({ cause: 'norm_type', confidence });
      expect(judge(patternOf(centred(layers)))!.says).toContain('layer normalization in place of RMS');
    },
  );

  it.each([
    [
      'the variance has changed as well',
      at({ mean: 0.7, meanShift: 6, variance: 0.5 }, { mean: 0.5 }, DEPLOYED),
    ],
    ['the mean moves against the input', follows(0.5, -1)],
    ['the gain is none of a normalization', follows(0.5, 4)],
    ['the input scatters as much', at({ meanScatter: 4 }, { meanScatter: 4, mean: 0 }, DEPLOYED)],
    ['there were too few flushes to see less scatter', centred([2, 3, 4], 20)],
  ])('is not told where %s', (_, given) => {
    expect(causeOf(given)).not.toBe('norm_type');
  });
});

describe('what computes something else', () => {
  it('is the block before a layer whose input has moved alone', () => {
    const given = { origin: inputOf(3), cells: { [inputOf(3)]: { varianceShift: 4 } } };
    expect(judge(patternOf(given))).toMatchObject({ cause: 'weight_corruption', confidence: 0.8 });
    expect(judge(patternOf(given))!.says).toContain('what reaches norm-3 has moved by 4.0');
    expect(judge(patternOf({ ...given, ...DEPLOYED }))).toMatchObject({ confidence: 0.5 });
  });

  it('is a corrupted weight where an output moves far and nobody deployed anything, else traffic that drifts', () => {
    expect(causeOf(at({ meanShift: -1.5, mean: 0.1 }))).toBe('weight_corruption');
    expect(causeOf(at({ meanShift: 0.2, constant: 'moved' }))).toBe('weight_corruption');
    expect(causeOf(at({ meanShift: 0.5, mean: 0.35 }))).toBe('input_shift');
  });

  it('is lost channels where the variance falls and the mean scatters more', () => {
    const lost = { variance: 0.7, varianceShift: -2, meanScatter: 3 };
    expect(causeOf(at(lost, {}, DEPLOYED))).toBe('channel_collapse');
    expect(causeOf(at({ ...lost, meanScatter: 1.5 }, {}, DEPLOYED))).not.toBe('channel_collapse');
    expect(causeOf(at(lost, { meanScatter: 2 }, DEPLOYED))).not.toBe('channel_collapse');
    expect(causeOf(at({ ...lost, variance: 0.79 }, {}, DEPLOYED))).not.toBe('channel_collapse');
  });

  it('is a dead layer where no variance is left', () => {
    expect(causeOf(at({ variance: 1e-6, varianceShift: -90 }, {}, DEPLOYED))).toBe('dead_activation');
    expect(causeOf(at({ variance: 1e-3, varianceShift: -50 }, {}, DEPLOYED))).not.toBe('dead_activation');
  });
});

describe('lower precision of weights', () => {
  /** Shifts of every cell from the second layer's input on. */
  const quantized = (shiftOf: (i: number) => number, more: Partial<Given> = {}): Given => ({
    origin: inputOf(1),
    cells: Object.fromEntries(
      Array.from({ length: LAYERS.length * 2 - 2 }, (_, i) => [inputOf(1) + i, { meanShift: shiftOf(i) }]),
    ),
    deployed: true,
    ...more,
  });
  const mixed = (i: number): number => (i % 2 === 0 ? 0.4 : -0.5);

  it('shifts most later layers a little, in either direction, right after a deployment', () => {
    const verdict = judge(patternOf(quantized(mixed)))!;
    expect(verdict).toMatchObject({ cause: 'quantization', confidence: 0.8 });
    expect(verdict.evidence).toMatchObject({ places_moved: 8, largest_shift_sigmas: 0.5 });
  });

  it.each([
    ['nothing was deployed', quantized(mixed, { deployed: false })],
    ['all shifts go one way', quantized((i) => Math.abs(mixed(i)))],
    ['one shift is far larger', quantized((i) => (i === 5 ? 2.5 : mixed(i)))],
    ['what follows is small beside the origin', quantized((i) => (i < 2 ? 1.5 : mixed(i)))],
    ['most of what follows is small beside it', quantized((i) => (i < 2 ? 1.5 : i === 7 ? 1.8 : mixed(i)))],
    ['few layers have moved', quantized((i) => (i < 4 ? mixed(i) : 0))],
    ['the first normalization has moved', { ...quantized(mixed), origin: inputOf(0) }],
  ])('is not told where %s', (_, given) => {
    expect(causeOf(given)).not.toBe('quantization');
  });
});

it('of a cell that nothing is known of nothing is said', () => {
  const pattern = patternOf({ origin: OUT });
  const cells = pattern.cells.map((cell, i) => (i === OUT ? null : cell));
  expect(judge({ ...pattern, cells })).toBeNull();
  const blind = pattern.cells.map((cell, i) => (i === IN ? null : cell));
  expect(judge({ ...pattern, cells: blind, context: { ...pattern.context, deployed: true } })).toBeNull();
});
