/** Variance components: recovered from simulated one-way data whose σ² and τ² are known. */
import { describe, expect, it } from 'vitest';
import { addTick, BUCKET_STRIDE, type Bucket, newBucket } from '../../../../agent/core/bucket.ts';
import { components, predictiveVariance } from '../../../../agent/core/score/components.ts';
import { createGaussian } from '../../../kit/events.ts';
import { bareTick } from '../../../kit/ticks.ts';
import { createRandom } from '../../../simulation/world/random.ts';

interface Truth {
  readonly mean: number;
  readonly sigma2: number;
  readonly tau2: number;
}

/** Ticks of 4 to 16 flushes of 1 to 40 requests: flush mean = tick's own level + N(0, σ²/requests). */
function simulate({ mean, sigma2, tau2 }: Truth, ticks: number, seed: number): Bucket {
  const gaussian = createGaussian(seed);
  const random = createRandom(seed + 1);
  const bucket = newBucket(1);
  for (let index = 0; index < ticks; index++) {
    const level = mean + Math.sqrt(tau2) * gaussian();
    const flushes = Array.from({ length: random.between(4, 16) }, () => {
      const requests = random.between(1, 40);
      const value = level + Math.sqrt(sigma2 / requests) * gaussian();
      return { requests, mean: value, variance: value };
    });
    addTick(bucket, bareTick(index, 1, flushes), 'full');
  }
  return bucket;
}

describe('variance components', () => {
  it.each<Truth>([
    { mean: 3, sigma2: 4, tau2: 0.5 },
    { mean: -40, sigma2: 1, tau2: 0.01 },
    { mean: 0.2, sigma2: 0.01, tau2: 0.05 },
  ])('are those of the data: $mean, $sigma2, $tau2', (truth) => {
    for (const statistic of ['mean', 'variance'] as const) {
      const found = components(simulate(truth, 3_000, 7).cells, 0, statistic)!;
      expect(found.requestVariance / truth.sigma2).toBeCloseTo(1, 1);
      expect(found.tickVariance / truth.tau2).toBeGreaterThan(0.85);
      expect(found.tickVariance / truth.tau2).toBeLessThan(1.15);
      expect(Math.abs(found.mean - truth.mean)).toBeLessThan(4 * Math.sqrt(found.errorVariance));
    }
  });

  it('see next to no scatter of ticks where requests explain all', () => {
    const found = components(simulate({ mean: 1, sigma2: 2, tau2: 0 }, 2_000, 3).cells, 0, 'mean')!;
    expect(found.requestVariance).toBeCloseTo(2, 0);
    expect(found.tickVariance).toBeLessThan(0.002);
    expect(found.tickVariance).toBeGreaterThanOrEqual(0);
  });

  it('predict how ticks of any volume scatter', () => {
    const truth = { mean: 0, sigma2: 4, tau2: 0.1 };
    const found = components(simulate(truth, 3_000, 5).cells, 0, 'mean')!;
    const gaussian = createGaussian(99);
    for (const requests of [1, 10, 1_000]) {
      const draws = Array.from(
        { length: 20_000 },
        () => (Math.sqrt(truth.tau2) * gaussian() + Math.sqrt(truth.sigma2 / requests) * gaussian()) ** 2,
      );
      const scatter = draws.reduce((a, b) => a + b, 0) / draws.length;
      expect(predictiveVariance(found, requests) / scatter).toBeGreaterThan(0.9);
      expect(predictiveVariance(found, requests) / scatter).toBeLessThan(1.1);
    }
  });

  it('of one tick are not known, of two are', () => {
    const one = newBucket(1);
    addTick(one, bareTick(0, 1, [{ requests: 1, mean: 1 }]), 'full');
    expect(components(one.cells, 0, 'mean')).toBeNull();
    addTick(one, bareTick(1, 1, [{ requests: 1, mean: 2 }]), 'full');
    expect(components(one.cells, 0, 'mean')).not.toBeNull();
    expect(components(new Float64Array(BUCKET_STRIDE), 5, 'mean')).toBeNull();
  });

  it('with a flush a tick take all scatter for that of requests', () => {
    // Values 1 and 3 at 10 requests each: Σ W·(m − 2)² = 20 with one degree of freedom.
    const bucket = newBucket(1);
    for (const [index, mean] of [1, 3].entries())
      addTick(bucket, bareTick(index, 1, [{ requests: 10, mean }]), 'full');
    const found = components(bucket.cells, 0, 'mean')!;
    expect(found).toEqual({ mean: 2, requestVariance: 20, tickVariance: 0, errorVariance: 1 });
    expect(predictiveVariance(found, 4)).toBe(6);
  });

  it('of a constant are finite and positive, so that no score is a division by zero', () => {
    for (const value of [0, 1, -1e-9, 1e30]) {
      const bucket = newBucket(1);
      for (let index = 0; index < 60; index++)
        addTick(
          bucket,
          bareTick(index, 1, Array(10).fill({ requests: 1_000_000, mean: value, variance: 1 })),
          'full',
        );
      const found = components(bucket.cells, 0, 'mean')!;
      expect(Math.sqrt(predictiveVariance(found, 1e9))).toBeGreaterThan(0);
      expect(found.requestVariance).toBeLessThan(Number.POSITIVE_INFINITY);
      expect(found.tickVariance).toBe(0);
    }
  });
});
