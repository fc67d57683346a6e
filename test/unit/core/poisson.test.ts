/** Limits of a rate, against tables and against the definition summed the other way round. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poissonLimits, poissonUpper } from '../../../agent/core/poisson.ts';

/** P(X ≤ count), term by term from the smallest: slow, plain, for small means. */
function cumulative(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = 0;
  for (let i = 0; i <= count; i++) {
    sum += term;
    term *= mean / (i + 1);
  }
  return sum;
}

describe('limits of a Poisson mean', () => {
  // Garwood's table, as reprinted in Pearson and Hartley, "Biometrika Tables for Statisticians", table 40.
  it.each([
    [0, 0, 3.689],
    [1, 0.0253, 5.572],
    [3, 0.619, 8.767],
    [10, 4.795, 18.39],
    [50, 37.11, 65.92],
  ])('of %i events are %f and %f (95 %%)', (count, low, high) => {
    const limits = poissonLimits(count, 0.95);
    expect(limits.low).toBeCloseTo(low, 2);
    expect(limits.high).toBeCloseTo(high, 2);
  });

  it('are three on one side when nothing happened', () => {
    expect(poissonUpper(0, 0.95)).toBeCloseTo(-Math.log(0.05), 9);
  });

  it('leave half of what is left out on either side', () => {
    fc.assert(
      fc.property(fc.nat(150), fc.double({ min: 0.5, max: 0.999, noNaN: true }), (count, confidence) => {
        const { low, high } = poissonLimits(count, confidence);
        expect(cumulative(count, high)).toBeCloseTo((1 - confidence) / 2, 6);
        if (count > 0) expect(1 - cumulative(count - 1, low)).toBeCloseTo((1 - confidence) / 2, 6);
        expect(cumulative(count, poissonUpper(count, confidence))).toBeCloseTo(1 - confidence, 6);
      }),
    );
  });

  it('stay finite and around the count for many events', () => {
    for (const count of [1_000, 1_000_000]) {
      const { low, high } = poissonLimits(count, 0.95);
      expect(low).toBeGreaterThan(count - 2.1 * Math.sqrt(count));
      expect(low).toBeLessThan(count - 1.9 * Math.sqrt(count));
      expect(high).toBeGreaterThan(count + 1.9 * Math.sqrt(count));
      expect(high).toBeLessThan(count + 2.1 * Math.sqrt(count) + 3);
    }
  });
});
