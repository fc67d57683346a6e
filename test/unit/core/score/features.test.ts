/** Features of a window against a baseline: the scatter, what a few do alone, and what cannot be compared. */
import { describe, expect, it } from 'vitest';
import {
  featureModel,
  featureShift,
  featureSigma,
  scoreFeatures,
} from '../../../../agent/core/score/features.ts';
import { channelKey, logVariance } from '../../../../agent/core/sums/channels.ts';
import { createGaussian } from '../../../kit/events.ts';
import { channelBaseline, channelEvents, type FeatureWorld, windowTick } from '../../../kit/windows.ts';

const LAYERS = ['middle'];
const KEY = channelKey('middle', 'output');
const baselineRow = (world: FeatureWorld = {}): Float64Array => channelBaseline(LAYERS, world).sums.get(KEY)!;
const model = featureModel(baselineRow(), 0.125)!;
const windowRow = (world: FeatureWorld = {}, seed = 2): Float64Array =>
  windowTick(1_000, LAYERS, channelEvents(createGaussian(seed), world)).sums.get(KEY)!;
const only =
  (feature: number, value: number, other = 1) =>
  (f: number): number =>
    f === feature ? value : other;

describe('the model of features', () => {
  it('knows centre and scatter of each statistic', () => {
    for (let f = 0; f < 64; f++) {
      expect(model.centre[2 * f]).toBeCloseTo((f % 7) - 3, 0);
      expect(model.centre[2 * f + 1]).toBeCloseTo(0, 0);
    }
    // A window of 12,000 tokens scatters by √(40 / 12,000), and the baseline of twenty adds its own error.
    const expected = Math.sqrt((40 / 12_000) * (1 + 1 / 20));
    const row = windowRow();
    for (let s = 0; s < 128; s++) {
      expect(featureSigma(model, row, s)).toBeGreaterThan(0.6 * expected);
      expect(featureSigma(model, row, s)).toBeLessThan(1.5 * expected);
    }
  });

  it('takes a small window for less sure, a large one for no surer', () => {
    const sigma = (tokens: number): number => featureSigma(model, windowRow({ tokens }), 4);
    expect(sigma(400)).toBeGreaterThan(2.9 * sigma(4_000));
    expect(sigma(40_000)).toBe(sigma(4_000));
  });

  it('is not there with few windows', () => {
    const few = baselineRow().map((value, i) => (i === 1 ? 5 : value));
    expect(featureModel(few, 0.125)).toBeNull();
  });
});

describe('the score of features', () => {
  const evidence = (world: FeatureWorld): number => scoreFeatures(windowRow(world), model, 5)!.evidence;

  it('is next to nothing while nothing is wrong', () => {
    for (let seed = 10; seed < 60; seed++)
      expect(scoreFeatures(windowRow({}, seed), model, 5)!.evidence).toBeLessThan(0.5);
  });

  it('names the feature that alone went far, its statistic and its shift', () => {
    const mean = scoreFeatures(windowRow({ mean: only(11, -2, 0) }), model, 5)!;
    expect(mean.worst).toBe(22);
    expect(mean.features[0]).toBe(11);
    expect(mean.shift).toBeCloseTo(-2, 0);
    // One token's worth scatters by √40.
    expect(mean.tokenSigmas).toBeCloseTo(2 / Math.sqrt(40), 1);
    const variance = scoreFeatures(windowRow({ variance: only(12, 4) }), model, 5)!;
    expect(variance.worst).toBe(25);
    expect(variance.shift).toBeCloseTo(Math.log(4), 0);
    for (const { evidence: e, collapsed } of [mean, variance]) {
      expect(e).toBeGreaterThan(1e6);
      expect(collapsed).toBe(0);
    }
  });

  it('names the worst first, no more than asked for, none that is not out', () => {
    const world = { mean: (f: number) => ({ 3: 1, 9: 3, 20: 2 })[f] ?? 0 };
    expect(scoreFeatures(windowRow(world), model, 5)!.features).toEqual([9, 20, 3]);
    expect(scoreFeatures(windowRow(world), model, 2)!.features).toEqual([9, 20]);
    expect(scoreFeatures(windowRow(), model, 5)!.features).toEqual([]);
  });

  it('leaves to others what all features do', () => {
    expect(evidence({ mean: () => 1 })).toBeLessThan(1);
    expect(evidence({ variance: () => 3 })).toBeLessThan(1);
    expect(evidence({ variance: () => 0 })).toBeLessThan(1);
    expect(evidence({ mean: (f) => (f === 30 ? 9 : 0.3) })).toBeGreaterThan(1e6);
  });

  it('is small below the least effect, however often and however sure', () => {
    for (let seed = 1; seed < 20; seed++) {
      const row = windowRow({ mean: only(5, 0.1, 0), variance: only(6, 1.2), tokens: 40_000 }, seed);
      expect(scoreFeatures(row, model, 5)!.evidence).toBeLessThan(0.5);
    }
  });

  it('counts features that have lost their variance while the others keep theirs', () => {
    const lost = scoreFeatures(windowRow({ variance: (f) => (f < 30 ? 0.001 : 1) }), model, 5)!;
    expect(lost.collapsed).toBe(30);
    expect(lost.evidence).toBeGreaterThan(1e6);
    const most = scoreFeatures(windowRow({ variance: (f) => (f < 44 ? 0.001 : 1) }), model, 5)!;
    expect(most.collapsed).toBe(44);
    expect(most.evidence).toBeGreaterThan(1e6);
    expect(scoreFeatures(windowRow({ variance: () => 0.001 }), model, 5)!.collapsed).toBe(0);
    expect(scoreFeatures(windowRow({ variance: (f) => (f < 60 ? 0.001 : 1) }), model, 5)!.collapsed).toBe(0);
    expect(scoreFeatures(windowRow({ variance: only(4, 0.2) }), model, 5)!.collapsed).toBe(0);
  });

  it('takes a feature that was dead for no more than that', () => {
    const dead = featureModel(baselineRow({ variance: only(8, 0), pods: ['pod-0'] }), 0.125)!;
    const row = windowRow({ variance: only(8, 1e-6), pods: ['pod-0'] });
    expect(scoreFeatures(row, dead, 5)!.evidence).toBeLessThan(0.5);
    expect(featureShift(dead, row, 17)).toBe(0);
    expect(Number.isFinite(logVariance(0))).toBe(true);
  });

  it('measures the shift of a feature that was dead by what is usual in the row', () => {
    const then = baselineRow();
    then.set([0, 0, Math.log(1e-30), 0], 2 + 4 * 8);
    const row = windowRow({ mean: (f) => (f === 8 ? 10 : 0) });
    const { worst, tokenSigmas } = scoreFeatures(row, featureModel(then, 0.125)!, 5)!;
    expect(worst).toBe(16);
    expect(tokenSigmas).toBeGreaterThan(1);
    expect(tokenSigmas).toBeLessThan(3);
  });

  it('leaves out features that were not measured, now or then', () => {
    const row = windowRow({ mean: only(11, -2, 0) });
    const hole = row.slice();
    hole.fill(Number.NaN, 2 + 22, 2 + 24);
    const score = scoreFeatures(hole, model, 5)!;
    expect(score.measured).toBe(126);
    expect(score.evidence).toBeLessThan(0.5);
    expect(scoreFeatures(row.slice().fill(Number.NaN, 2), model, 5)).toBeNull();
    const then = baselineRow();
    then.fill(Number.NaN, 2 + 44, 2 + 48);
    expect(scoreFeatures(row, featureModel(then, 0.125)!, 5)!.measured).toBe(126);
  });

  it.each([
    ['huge means', { mean: () => 1e308 }],
    ['huge variances', { variance: only(3, 1e300) }],
    ['one feature', { features: 1 }],
    ['other features', { features: 65 }],
    ['a thousandth of a window', { tokens: 1 }],
  ])('is null or finite with %s', (_, world) => {
    const score = scoreFeatures(windowRow(world), model, 5);
    for (const value of score === null ? [] : [score.evidence, score.shift, score.tokenSigmas])
      expect(value).toSatisfy(Number.isFinite);
  });

  it('never tells of a row of one feature, which is the layer itself', () => {
    const one = featureModel(baselineRow({ features: 1 }), 0.125)!;
    expect(scoreFeatures(windowRow({ features: 1, mean: () => 9 }), one, 5)!.evidence).toBeLessThan(1);
  });
});
