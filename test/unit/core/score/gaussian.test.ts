/** Against a numeric integral of p·ln(p/q), which shares nothing with the closed form. */
import { describe, expect, it } from 'vitest';
import { gaussianKlNats } from '../../../../agent/core/score/gaussian.ts';

/** Simpson's rule over twelve deviations on either side. */
function integrated(mean: number, variance: number, mean0: number, variance0: number): number {
  const logDensity = (x: number, m: number, v: number): number =>
    -0.5 * Math.log(2 * Math.PI * v) - (x - m) ** 2 / (2 * v);
  const integrand = (x: number): number => {
    const p = logDensity(x, mean, variance);
    return Math.exp(p) * (p - logDensity(x, mean0, variance0));
  };
  const steps = 4_000;
  const from = mean - 12 * Math.sqrt(variance);
  const width = (24 * Math.sqrt(variance)) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * integrand(from + i * width);
  }
  return (sum * width) / 3;
}

describe('Gaussian KL', () => {
  it.each([
    [0, 1, 0, 1],
    [1, 1, 0, 1],
    [0, 2, 0, 1],
    [0, 0.5, 0, 1],
    [-3, 0.25, 2, 4],
    [100, 9, 101, 16],
  ])('of N(%d, %d) from N(%d, %d) is the integral', (mean, variance, mean0, variance0) => {
    expect(gaussianKlNats(mean, variance, mean0, variance0)).toBeCloseTo(
      integrated(mean, variance, mean0, variance0),
      8,
    );
  });

  it('is half a squared shift at equal unit variances', () => {
    expect(gaussianKlNats(3, 1, 1, 1)).toBe(2);
  });

  it('is never below zero, not even by rounding', () => {
    for (let i = 1; i < 2_000; i++) {
      expect(gaussianKlNats(i / 7, i / 13, i / 7, (i / 13) * (1 + 1e-15))).toBeGreaterThanOrEqual(0);
    }
  });

  it.each([
    [0, 0, 0, 1],
    [0, 1, 0, 0],
    [0, -1, 0, 1],
    [0, Number.NaN, 0, 1],
    [0, 1, 0, Number.NaN],
  ])('is not known for N(%d, %d) from N(%d, %d)', (mean, variance, mean0, variance0) => {
    expect(gaussianKlNats(mean, variance, mean0, variance0)).toBeNaN();
  });
});
