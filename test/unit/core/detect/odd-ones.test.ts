/** Which of several are off the rest, with and without a baseline. */
import { describe, expect, it } from 'vitest';
import { type Estimates, leftBaseline, oddOnes } from '../../../../agent/core/detect/odd-ones.ts';

const estimates = (values: readonly number[], more: Partial<Estimates> = {}): Estimates => ({
  values: Float64Array.from(values),
  requests: new Float64Array(values.length).fill(100),
  ticks: new Float64Array(values.length).fill(1),
  spread: 0,
  freedom: 1e6,
  baseline: Number.NaN,
  ...more,
});
const AT_ZERO = { baseline: 0 };

describe('odd ones', () => {
  it.each<[string, readonly number[], Partial<Estimates>, readonly number[]]>([
    ['one', [0, 0, 3, 0], {}, [2]],
    ['the busiest one', [3, 0, 0, 0], { requests: Float64Array.of(1000, 50, 50, 50) }, [0]],
    ['two of six, to either side', [0, 3, 0, 0, -2, 0], {}, [1, 4]],
    ['none where all agree', [0.1, 0, -0.1, 0.05], {}, []],
    ['none that few requests could explain', [0, 0, 3, 0], { requests: Float64Array.of(99, 99, 2, 99) }, []],
    ['one that many ticks make certain', [0, 0, 0.4, 0], { ticks: Float64Array.of(1, 1, 9, 1) }, [2]],
    ['none that the usual spread explains', [0, 0, 3, 0], { spread: 1 }, []],
    ['none of two', [0, 3], {}, []],
    ['one of two that has left the baseline', [0, 3], AT_ZERO, [1]],
    ['the other of two that has', [3, 0], AT_ZERO, [0]],
    ['none of two that have', [2, 5], AT_ZERO, []],
    ['none of two halves', [0, 3, 0, 3], {}, []],
    ['the half that has left the baseline', [0, 3, 0, 3], AT_ZERO, [1, 3]],
    ['none where more than half differ', [0, 3, 6, 9], {}, []],
    ['none where one stayed and the rest moved', [3, 3, 3, 0], AT_ZERO, []],
    ['none where all moved far and one a little further', [9, 9, 9, 10], AT_ZERO, []],
    ['one where all moved a little and one further', [0.5, 0.5, 0.5, 3], AT_ZERO, [3]],
    ['one beside another that was not measured', [0, Number.NaN, 3, 0], {}, [2]],
  ])('are %s', (_, values, more, wanted) => {
    expect(oddOnes(estimates(values, more)).groups).toEqual(wanted);
  });

  it('tell what the furthest is off the rest', () => {
    expect(oddOnes(estimates([1, 1, -3, 1])).effect).toBeCloseTo(-4);
  });
});

describe('those that left the baseline', () => {
  it.each<[string, readonly number[], Partial<Estimates>, readonly number[]]>([
    ['are one', [0, 3, 0], {}, [1]],
    ['are most, while one stayed for certain', [3, 3, 0], {}, [0, 1]],
    ['are none, while it is not certain who stayed', [3, 3, 0], { requests: Float64Array.of(99, 99, 1) }, []],
    ['are none when one is in doubt', [0, 3, 1], {}, []],
    ['are none when all left', [3, 3, 3], {}, []],
    ['are none without a baseline', [0, 3, 0], { baseline: Number.NaN }, []],
    ['are none of no one', [], {}, []],
  ])('%s', (_, values, more, wanted) => {
    expect(leftBaseline(estimates(values, { ...AT_ZERO, ...more }))).toEqual(wanted);
  });
});
