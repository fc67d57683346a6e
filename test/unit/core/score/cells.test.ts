/** Scores of cells against figures worked out by hand from the flushes themselves. */
import { describe, expect, it } from 'vitest';
import { addTick, type Bucket, newBucket } from '../../../../agent/core/bucket.ts';
import { decodeBytes, encode } from '../../../../agent/core/codec.ts';
import { fromWire } from '../../../../agent/core/histogram.ts';
import * as s from '../../../../agent/core/score/cells.ts';
import { histogramDivergence } from '../../../../agent/core/score/histogram.ts';
import { createEmitter, type Layer, T0 } from '../../../kit/events.ts';
import { bareTick, tickOf } from '../../../kit/ticks.ts';

const OWN = Int32Array.of(0);

/**
 * Two ticks of six flushes, ten requests each, means 9 and 11 in turn: mean 10, within = 2·6·10·1 = 120 with
 * 12 − 2 degrees of freedom, so σ² = 12; both ticks have the mean 10, so τ² = 0. The variances are 3 and 5 in turn:
 * the same figures around 4.
 */
function baseline(): Bucket {
  const bucket = newBucket(1);
  for (const index of [0, 1]) {
    const flushes = [9, 11, 9, 11, 9, 11].map((mean) => ({ requests: 10, mean, variance: mean - 6 }));
    addTick(bucket, bareTick(index, 1, flushes), 'full');
  }
  return bucket;
}
const SIGMA2 = 12;
const ERROR = SIGMA2 / 120;

const row = (scores: s.CellScores, cell = 0) =>
  scores.rows.subarray(cell * s.SCORE_STRIDE, (cell + 1) * s.SCORE_STRIDE);

describe('scores of a cell', () => {
  // 40 requests in the tick: predictive variance of its mean 12/40 + 12/120 = 0.4.
  const scored = row(
    s.scoreCells(bareTick(2, 1, [{ requests: 40, mean: 13, variance: 6 }]), baseline(), OWN),
  );
  const spread = Math.sqrt(SIGMA2 / 40 + ERROR);

  it.each([
    ['mean shift in deviations of a request', s.S_MEAN_EFFECT, 3 / Math.sqrt(SIGMA2)],
    ['mean shift in deviations of such a tick', s.S_MEAN_Z, 3 / spread],
    ['mean of the baseline', s.S_BASELINE_MEAN, 10],
    ['band of the mean', s.S_MEAN_BAND, 3 * spread],
    ['error of the baseline mean', s.S_MEAN_ERROR, Math.sqrt(ERROR / SIGMA2)],
    ['log variance ratio', s.S_LOG_VARIANCE_RATIO, Math.log(6 / 4)],
    [
      'variance shift in deviations of a request',
      s.S_VARIANCE_EFFECT,
      Math.log(1.5) / (Math.sqrt(SIGMA2) / 4),
    ],
    ['variance shift in deviations of such a tick', s.S_VARIANCE_Z, Math.log(1.5) / (spread / 4)],
    ['variance of the baseline', s.S_BASELINE_VARIANCE, 4],
    ['factor of the variance', s.S_VARIANCE_FACTOR, Math.exp((3 * spread) / 4)],
    ['error of the baseline variance', s.S_VARIANCE_ERROR, Math.sqrt(ERROR / SIGMA2)],
    // Elements: mean 10, variance 4 + 1 (means scatter by 1 around 10).
    ['Gaussian KL', s.S_KL, 0.5 * (Math.log(5 / 6) + (6 + 9) / 5 - 1)],
  ])('%s', (_, column, value) => {
    expect(scored[column]).toBeCloseTo(value, 10);
  });

  it('without histograms are not known there', () => {
    expect([scored[s.S_HISTOGRAM_KL], scored[s.S_HISTOGRAM_JS], scored[s.S_HISTOGRAM_PSI]]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });

  it('do not grow with traffic, while their z does', () => {
    const at = (requests: number) =>
      row(s.scoreCells(bareTick(2, 1, [{ requests, mean: 13, variance: 6 }]), baseline(), OWN));
    expect(at(4_000)[s.S_MEAN_EFFECT]).toBe(at(4)[s.S_MEAN_EFFECT]);
    expect(at(4_000)[s.S_MEAN_Z]).toBeGreaterThan(2 * at(4)[s.S_MEAN_Z]!);
  });

  it('compare histograms where both have one', () => {
    const histogram = (counts: number[]) => ({ scale: 0, zero_count: 0, positive: { offset: 0, counts } });
    const layer = (counts: number[]): Record<string, Layer> => ({
      a: { input: { mean: 1, variance: 1, count: 9, histogram: histogram(counts) } },
    });
    const emitter = createEmitter('pod-0');
    const bucket = newBucket(1);
    for (const index of [0, 1])
      addTick(bucket, tickOf(index, ['a'], [emitter.flush(T0, layer([5, 4]))]), 'full');
    const found = row(s.scoreCells(tickOf(2, ['a'], [emitter.flush(T0, layer([1, 8]))]), bucket, OWN));
    const wanted = histogramDivergence(
      fromWire(histogram([1, 8]) as never),
      fromWire(histogram([10, 8]) as never),
    )!;
    expect(found[s.S_HISTOGRAM_KL]).toBe(wanted.klNats);
    expect(found[s.S_HISTOGRAM_JS]).toBe(wanted.jsNats);
    expect(found[s.S_HISTOGRAM_PSI]).toBe(wanted.psi);
  });

  it('find each layer at its place in the baseline, and know nothing of a layer that is not there', () => {
    const bucket = newBucket(2);
    for (const index of [0, 1])
      addTick(bucket, bareTick(index, 2, [{ requests: 5, mean: (cell) => cell * 10 }]), 'full');
    const tick = bareTick(2, 3, [{ requests: 5, mean: 0 }]);
    const found = s.scoreCells(tick, bucket, Int32Array.of(1, -1, 0));
    const means = Array.from({ length: 6 }, (_, cell) => row(found, cell)[s.S_BASELINE_MEAN]);
    expect(means).toEqual([20, 30, Number.NaN, Number.NaN, 0, 10]);
  });

  it('of a cell without flushes in this tick are not known', () => {
    const emitter = createEmitter('pod-0');
    const tick = tickOf(2, ['a'], [emitter.flush(T0, { a: { input: { mean: 1, variance: 1, count: 4 } } })]);
    const found = s.scoreCells(tick, baseline(), OWN);
    expect(row(found, 0)[s.S_MEAN_EFFECT]).not.toBeNaN();
    expect([...row(found, 1)].every(Number.isNaN)).toBe(true);
  });

  it('of a variance that fell to zero are finite', () => {
    const found = row(
      s.scoreCells(bareTick(2, 1, [{ requests: 40, mean: 10, variance: 0 }]), baseline(), OWN),
    );
    expect(found[s.S_LOG_VARIANCE_RATIO]).toBe(-50);
    expect(found[s.S_VARIANCE_EFFECT]).toBeCloseTo(-50 / (Math.sqrt(SIGMA2) / 4), 9);
  });

  it('against a variance of zero are not known, while the mean is scored', () => {
    const bucket = newBucket(1);
    for (const index of [0, 1])
      addTick(bucket, bareTick(index, 1, [{ requests: 5, mean: 0, variance: 0 }]), 'full');
    const found = row(s.scoreCells(bareTick(2, 1, [{ requests: 5, mean: 1, variance: 1 }]), bucket, OWN));
    expect([found[s.S_VARIANCE_EFFECT], found[s.S_VARIANCE_Z], found[s.S_KL]]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect(Number.isFinite(found[s.S_MEAN_EFFECT]!)).toBe(true);
    expect(Number.isFinite(found[s.S_MEAN_Z]!)).toBe(true);
  });

  it('against a single tick are not known but for the Gaussian KL', () => {
    const bucket = newBucket(1);
    addTick(bucket, bareTick(0, 1, [{ requests: 5, mean: 0, variance: 1 }]), 'full');
    const found = row(s.scoreCells(bareTick(1, 1, [{ requests: 5, mean: 1, variance: 1 }]), bucket, OWN));
    expect(found[s.S_MEAN_EFFECT]).toBeNaN();
    expect(found[s.S_KL]).toBe(0.5);
  });

  it('come back from their bytes, unknown ones included', () => {
    const found = s.scoreCells(bareTick(2, 1, [{ requests: 1, mean: 1 }]), baseline(), OWN);
    expect(decodeBytes(s.cellScoresCodec, encode(s.cellScoresCodec, found))).toEqual(found);
  });
});
