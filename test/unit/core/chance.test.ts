/** Chance: repeatable, and what it claims to be. */
import { describe, expect, it } from 'vitest';
import { createChance } from '../../../agent/core/chance.ts';

const COUNT = 100_000;
const draws = (next: () => number): number[] => Array.from({ length: COUNT }, next);
const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('chance', () => {
  it('is the same for the same seed and another for the next', () => {
    const ten = (seed: number): number[] => Array.from({ length: 10 }, createChance(seed).uniform);
    expect(ten(7)).toEqual(ten(7));
    expect(ten(7)).not.toEqual(ten(8));
    expect(ten(7)).not.toEqual(ten(7 + 2 ** 32));
  });

  it('is uniform in [0, 1)', () => {
    const values = draws(createChance(1).uniform);
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThan(1);
    // Five standard errors.
    expect(Math.abs(meanOf(values) - 0.5)).toBeLessThan(5 / Math.sqrt(12 * COUNT));
    const cells = new Float64Array(16);
    for (const value of values) cells[Math.floor(value * 16)]!++;
    const chi = cells.reduce((sum, n) => sum + (n - COUNT / 16) ** 2 / (COUNT / 16), 0);
    expect(chi).toBeLessThan(50);
  });

  it('is normal where asked, one draw as the next, and pairs hang together in nothing', () => {
    const values = draws(createChance(2).normal);
    expect(Math.abs(meanOf(values))).toBeLessThan(5 / Math.sqrt(COUNT));
    expect(Math.abs(meanOf(values.map((v) => v * v)) - 1)).toBeLessThan(5 * Math.sqrt(2 / COUNT));
    expect(Math.abs(meanOf(values.map((v) => v ** 4)) - 3)).toBeLessThan(5 * Math.sqrt(96 / COUNT));
    const next = values.slice(1).map((v, i) => v * values[i]!);
    expect(Math.abs(meanOf(next))).toBeLessThan(5 / Math.sqrt(COUNT));
  });
});
