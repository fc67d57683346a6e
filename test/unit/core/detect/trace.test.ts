/** Slim evidence: the same mixture as the wide one, in a row of four doubles that survives being stored. */
import { describe, expect, it } from 'vitest';
import {
  COUNT,
  effectAt,
  evidenceAt,
  floatsOf,
  normalOf,
  stepTrace,
  TRACE_DOUBLES,
} from '../../../../agent/core/detect/trace.ts';

const BOUNDS = [600, 1e9] as const;
const rowOf = () => floatsOf(new Float64Array(TRACE_DOUBLES));

describe('evidence', () => {
  it('is the mean over two sizes and both signs', () => {
    const wanted = (Math.exp(1.5) + Math.exp(0) + Math.exp(0) + Math.exp(-6)) / 4;
    expect(stepTrace(rowOf(), 0, 2, 0.5, 2, ...BOUNDS)).toBeCloseTo(wanted, 5);
  });

  it('restarts by itself: M ← (1 + M)·e', () => {
    const row = rowOf();
    stepTrace(row, 0, 0.5, -100, 0, ...BOUNDS);
    expect(stepTrace(row, 0, 0.5, -100, 0, ...BOUNDS)).toBeCloseTo((2 + Math.exp(-6) + Math.exp(-12)) / 4, 5);
  });

  it.each([
    ['of one tick by its bound', 3, 1e9, Math.exp(3) / 2],
    ['by the cap', 600, 7, 3.5],
  ])('is held %s', (_, stepNats, cap, wanted) => {
    expect(stepTrace(rowOf(), 0, 50, -50, 50, stepNats, cap)).toBeCloseTo(wanted, 4);
  });

  it('is finite whatever it is given', () => {
    const doubles = new Float64Array(TRACE_DOUBLES);
    for (const value of [1e308, -1e308, 1e30, 0])
      stepTrace(floatsOf(doubles), 0, value, -value, value, ...BOUNDS);
    expect([...floatsOf(doubles)].every(Number.isFinite)).toBe(true);
    expect([...doubles].some(Number.isNaN)).toBe(false);
    expect(evidenceAt(floatsOf(Float64Array.from([...doubles])), 0)).toBe(evidenceAt(floatsOf(doubles), 0));
  });
});

describe('the effect', () => {
  it('is a mean since evidence began to grow', () => {
    const row = rowOf();
    for (const effect of [1.8, 2.2, 2]) stepTrace(row, 0, effect, -effect, effect, ...BOUNDS);
    expect(effectAt(row, 0)).toBeCloseTo(2, 5);
    expect(row[COUNT]).toBe(3);
  });

  it('forgets chance before a jump, and what has ended', () => {
    const row = rowOf();
    stepTrace(row, 0, 2, -2, 2, ...BOUNDS);
    stepTrace(row, 0, 9, -9, 9, ...BOUNDS);
    expect(effectAt(row, 0)).toBe(9);
    for (let i = 0; i < 10; i++) stepTrace(row, 0, -4, -4, 0, ...BOUNDS);
    expect(effectAt(row, 0)).toBe(0);
  });
});

describe('a t value as a normal one', () => {
  // Tail probabilities of the t distribution of 5 degrees of freedom: 0.05 and 0.001 beyond 2.015 and 5.893.
  it.each([
    [2.015, 1.645],
    [5.893, 3.09],
    [-5.893, -3.09],
  ])('%f is about %f', (t, z) => {
    expect(normalOf(t, 5)).toBeCloseTo(z, 1);
  });

  it('is itself where the scatter is known', () => {
    expect(normalOf(40, 1e6)).toBe(40);
  });
});
