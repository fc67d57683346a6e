/** What counts as the same constant, and what a baseline keeps of extremes tick by tick. */
import { describe, expect, it } from 'vitest';
import * as b from '../../../agent/core/bucket.ts';
import { digitStep, moveTolerance } from '../../../agent/core/constant.ts';
import * as m from '../../../agent/core/moments.ts';
import { bareTick } from '../../kit/ticks.ts';

describe('five digits', () => {
  it.each([
    [1.2345, 1e-4],
    [9.661, 1e-4],
    [-28.485, 1e-3],
    [0.0123, 1e-6],
    [0, 0],
  ])('%d has a last step of %d', (value, step) => expect(digitStep(value)).toBeCloseTo(step, 12));

  it.each([
    ['one step is rounding', 1.2345, 1.2346, true],
    ['three steps of a small leading digit are a move', 1.2345, 1.2348, false],
    ['what other texts do to it is none', 8.1314, 8.1316, true],
    ['n − 1 for n of 384 features is a move', 9.661, 9.6484, false],
  ])('%s', (_, one, other, same) => {
    expect(Math.abs(one - other) <= moveTolerance(one, other)).toBe(same);
    expect(moveTolerance(one, other)).toBe(moveTolerance(-other, one));
  });
});

/** Ticks of one flush whose output maximum and input minimum are given. */
function baselineOf(extremes: readonly (number | null)[]): b.Bucket {
  const bucket = b.newBucket(1);
  extremes.forEach((value, i) => {
    const tick = bareTick(i, 1, [{ requests: 1, mean: i }]);
    tick.cells[m.LOW] = value === null ? Number.NaN : -value;
    tick.cells[m.TICK_STRIDE + m.HIGH] = value ?? Number.NaN;
    b.addTick(bucket, tick, 'full');
  });
  return bucket;
}

const constantsOf = ({ cells }: b.Bucket) => [
  [cells[b.B_LOW]! * -1, cells[b.B_LOW_TICKS]],
  [cells[b.BUCKET_STRIDE + b.B_HIGH], cells[b.BUCKET_STRIDE + b.B_HIGH_TICKS]],
];

describe('a baseline', () => {
  it.each([
    ['counts the ticks that met the constant', [6.335, 6.335, 6.335], 6.335, 3],
    ['does not count ticks in which all flushes held a rarer text', [6.335, 6.8, 6.335, 7.1], 6.335, 2],
    ['counts two neighbours of the last digit as one', [6.335, 6.3349, 6.3351, 6.335], 6.335, 4],
    ['takes no chain of neighbours for a constant', [6.3351, 6.335, 6.3349], 6.3349, 1],
    [
      'begins anew when a value is less extreme: what came before was no constant',
      [6.335, 6.335, 6.2],
      6.2,
      1,
    ],
    ['leaves out ticks that do not know', [null, 6.335, null], 6.335, 1],
  ])('%s', (_, extremes, value, ticks) => {
    expect(constantsOf(baselineOf(extremes))).toEqual([
      [value, ticks],
      [value, ticks],
    ]);
  });

  it('counts the same in two parts', () => {
    const merged = baselineOf([6.8, 6.335]);
    b.mergeBuckets(merged, baselineOf([6.3351, 7.2, 6.335]));
    expect(constantsOf(merged)).toEqual(constantsOf(baselineOf([6.8, 6.335, 6.3351, 7.2, 6.335])));
  });
});
