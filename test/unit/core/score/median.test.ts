/** Medians, by insertion for few numbers and by the engine's sort for many. */
import { describe, expect, it } from 'vitest';
import { medianOf, sortFirst } from '../../../../agent/core/score/median.ts';
import { createGaussian } from '../../../kit/events.ts';

describe('the median', () => {
  it.each([
    [[3], 3],
    [[2, 1], 1.5],
    [[9, -1, 4], 4],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %d', (values, wanted) => {
    expect(medianOf(Float64Array.from(values), values.length)).toBe(wanted);
  });

  it('leaves alone what lies beyond', () => {
    const values = Float64Array.of(3, 1, 2, -9);
    expect(medianOf(values, 3)).toBe(2);
    expect(values[3]).toBe(-9);
  });

  it.each([5, 32, 33, 200])('of %d numbers puts them in order', (count) => {
    const values = Float64Array.from({ length: count }, createGaussian(count));
    const wanted = [...values].sort((a, b) => a - b);
    sortFirst(values, count);
    expect([...values]).toEqual(wanted);
  });
});
