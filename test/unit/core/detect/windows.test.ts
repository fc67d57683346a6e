/** e-values of windows: below 1 on average while nothing is wrong, also where the scatter was estimated from few. */
import { describe, expect, it } from 'vitest';
import {
  evidenceAt,
  FORGET_MS,
  normalOf,
  stepWindow,
  W_ONSET_MS,
  WINDOW_STRIDE,
  windowEvidence,
} from '../../../../agent/core/detect/windows.ts';
import { createGaussian } from '../../../kit/events.ts';

/** One e-value of a residual of `freedom` degrees, divided by a deviation estimated from as many. */
function mean(freedom: number, least: number, count = 30_000): number {
  const gaussian = createGaussian(7);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let squares = 0;
    for (let k = 0; k < freedom; k++) squares += gaussian() ** 2;
    const t = gaussian() / Math.sqrt(squares / freedom);
    // Held as the detectors hold it: one draw must not decide the average of a heavy tail.
    sum += Math.min(1_000, windowEvidence(t - least, -t - least, freedom));
  }
  return sum / count;
}

describe('normalOf', () => {
  it.each([
    // Quantiles of Student's t from a table, with the normal one of the same probability.
    [5, 4.032, 2.576],
    [5, 2.015, 1.645],
    [10, 3.169, 2.576],
    [30, 2.75, 2.576],
  ])('of %i degrees at %f is %f', (freedom, t, z) => {
    expect(normalOf(t, freedom)).toBeCloseTo(z, 1);
    expect(normalOf(-t, freedom)).toBe(-normalOf(t, freedom));
  });

  it('is finite however far out', () => {
    expect(normalOf(1e150, 20)).toBeLessThan(200);
    expect(normalOf(0, 20)).toBe(0);
  });
});

describe('evidence of a window', () => {
  it.each([5, 20, 60])('is 1 at most on average with %i degrees of freedom', (freedom) => {
    expect(mean(freedom, 0)).toBeLessThan(1.05);
    expect(mean(freedom, 1)).toBeLessThan(0.5);
  });

  it('grows with the residual, on either side, and is finite', () => {
    const of = (t: number): number => windowEvidence(t, -t, 20);
    expect(of(6)).toBeGreaterThan(100 * of(3));
    expect(of(-6)).toBe(of(6));
    expect(of(1e200)).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(windowEvidence(-50, -70, 20)).toBe(0);
  });
});

describe('evidence over windows', () => {
  const tick = (n: number) => ({ startMs: n * 30_000, endMs: n * 30_000 + 10_000 });

  it('is the sum of Shiryaev and Roberts, held at the cap, with the onset where it began to grow', () => {
    const rows = new Float64Array(2 * WINDOW_STRIDE);
    const seen = [0.5, 4, 4, 1e9].map((e, n) => {
      stepWindow(rows, WINDOW_STRIDE, e, tick(n), 1_000);
      return evidenceAt(rows, WINDOW_STRIDE, tick(n).endMs);
    });
    expect(seen).toEqual([0.5, 6, 28, 1_000]);
    expect(rows[WINDOW_STRIDE + W_ONSET_MS]).toBe(tick(1).startMs);
    expect([...rows.subarray(0, WINDOW_STRIDE)]).toEqual([0, 0, 0]);
  });

  it('is forgotten once its last window is long past, and begins anew then', () => {
    const rows = new Float64Array(WINDOW_STRIDE);
    stepWindow(rows, 0, 100, tick(0), 1e6);
    const { endMs } = tick(0);
    expect(evidenceAt(rows, 0, endMs + FORGET_MS)).toBe(100);
    expect(evidenceAt(rows, 0, endMs + FORGET_MS + 1)).toBe(0);
    stepWindow(rows, 0, 3, tick(100), 1e6);
    expect(evidenceAt(rows, 0, tick(100).endMs)).toBe(3);
  });
});
