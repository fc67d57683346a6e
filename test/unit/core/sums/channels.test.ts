/** Rows of features against sums over all tokens at once; what cannot be read is left out. */
import { describe, expect, it } from 'vitest';
import * as c from '../../../../agent/core/sums/channels.ts';
import { addEvent, enterSums, mergeSums, type Sums, sumSources } from '../../../../agent/core/sums.ts';
import { createEmitter, T0 } from '../../../kit/events.ts';

const KEY = c.channelKey('a', 'input');
const send = (body: Record<string, unknown>) =>
  createEmitter('pod-0').send('channels', T0, { layers: ['a'], sites: ['input'], ...body });
const sumsOf = (...bodies: Record<string, unknown>[]): Sums => {
  const sums: Sums = new Map();
  for (const body of bodies) addEvent(sums, send(body));
  return sums;
};
const featureOf = (row: Float64Array, feature: number) => [
  row[c.tickAt(feature) + c.F_MEAN],
  row[c.tickAt(feature) + c.F_VARIANCE],
];

describe('features of a tick', () => {
  it('are those of all tokens together, over flushes and sources', () => {
    // 1, 3 | 5 | 9, 9, 9: mean 6, squares 198 / 6 − 36.
    const one = sumsOf(
      { tokens: 2, mean: [[2]], variance: [[1]] },
      { tokens: 1, mean: [[5]], variance: [[0]] },
    );
    const other = sumsOf({ tokens: 3, mean: [[9]], variance: [[0]] });
    const row = sumSources([one, other]).get(KEY)!;
    expect(row[c.C_TOKENS]).toBe(6);
    expect(row[c.C_PARTS]).toBe(3);
    expect(c.tickFeatures(row)).toBe(1);
    expect(row[c.tickAt(0) + c.F_MEAN]).toBeCloseTo(6, 12);
    expect(row[c.tickAt(0) + c.F_VARIANCE]).toBeCloseTo((1 + 9 + 25 + 3 * 81) / 6 - 36, 12);
  });

  it('keep layers and sites apart, and tell which is which', () => {
    const sums = sumsOf({
      tokens: 1,
      layers: ['a', 'a', 'input/x'],
      sites: ['input', 'output', 'output'],
      mean: [[1], [2], [3]],
      variance: [[1], [1], [1]],
    });
    expect([...sums.keys()].map(c.channelOf)).toEqual([
      { layer: 'a', site: 'input' },
      { layer: 'a', site: 'output' },
      { layer: 'input/x', site: 'output' },
    ]);
    expect(c.channelOf('shape/a')).toBeNull();
  });

  it('are NaN where one of them was not finite, and only there', () => {
    const row = sumsOf(
      { tokens: 1, mean: [[1, null, 3]], variance: [[1, 1, null]] },
      { tokens: 1, mean: [[3, 4, 5]], variance: [[1, 1, 1]] },
    ).get(KEY)!;
    expect(featureOf(row, 0)).toEqual([2, 2]);
    expect(featureOf(row, 1)).toEqual([Number.NaN, Number.NaN]);
    expect(featureOf(row, 2)).toEqual([Number.NaN, Number.NaN]);
  });

  it('begin anew with another width', () => {
    const row = sumsOf(
      { tokens: 1, mean: [[1, 2]], variance: [[1, 1]] },
      { tokens: 1, mean: [[7]], variance: [[2]] },
    ).get(KEY)!;
    expect(c.tickFeatures(row)).toBe(1);
    expect(featureOf(row, 0)).toEqual([7, 2]);
  });

  it.each([
    ['without means', { tokens: 1, variance: [[1]] }],
    ['without variances', { tokens: 1, mean: [[1]] }],
    ['of a probe', { tokens: 1, probe: 'p', mean: [[1]], variance: [[1]] }],
    ['over no tokens', { tokens: 0, mean: [[1]], variance: [[1]] }],
    ['of no features', { tokens: 1, mean: [[]], variance: [[]] }],
    [
      'of more features than are kept',
      { tokens: 1, mean: [new Array(4_097).fill(0)], variance: [new Array(4_097).fill(1)] },
    ],
  ])('are not there %s', (_, body) => expect(sumsOf(body).has(KEY)).toBe(false));

  it('are those of the first 64 rows of an event', () => {
    const layers = Array.from({ length: 70 }, (_, i) => `layer ${i}`);
    const ones = layers.map(() => [1]);
    const sums = sumsOf({ tokens: 1, layers, sites: layers.map(() => 'input'), mean: ones, variance: ones });
    expect([...sums.keys()]).toEqual(layers.slice(0, 64).map((layer) => c.channelKey(layer, 'input')));
  });

  it('take a bounded room, whatever layers a source makes up', () => {
    const sums: Sums = new Map();
    const bucket: Sums = new Map();
    const row = new Array<number>(4_096).fill(1);
    for (let i = 0; i < 100; i++) {
      const body = { tokens: 1, layers: [`layer ${i}`], mean: [row], variance: [row] };
      addEvent(sums, send(body));
      enterSums(bucket, sumsOf(body));
    }
    const bytes = (all: Sums): number =>
      [...all.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (const all of [sums, bucket]) {
      expect(bytes(all)).toBeGreaterThan(1 << 20);
      expect(bytes(all)).toBeLessThanOrEqual(1 << 21);
    }
  });
});

describe('features of a baseline', () => {
  const at = c.baselineAt(0);
  const windows = [
    { tokens: 10, mean: [[1]], variance: [[Math.E]] },
    { tokens: 30, mean: [[2]], variance: [[1]] },
    { tokens: 10, mean: [[6]], variance: [[Math.E ** 2]] },
  ];
  const enter = (...bodies: Record<string, unknown>[]): Sums => {
    const bucket: Sums = new Map();
    for (const body of bodies) enterSums(bucket, sumsOf(body));
    return bucket;
  };

  it('hold mean and scatter of means and of log variances, weighted by tokens', () => {
    const row = enter(...windows).get(KEY)!;
    expect([row[c.C_TOKENS], row[c.C_PARTS], c.baselineFeatures(row)]).toEqual([50, 3, 1]);
    expect(row[at + c.F_MEAN]).toBeCloseTo(2.6, 12);
    expect(row[at + c.F_MEAN_M2]).toBeCloseTo(10 * 1.6 ** 2 + 30 * 0.6 ** 2 + 10 * 3.4 ** 2, 9);
    expect(row[at + c.F_LOG_VARIANCE]).toBeCloseTo(0.6, 6);
    expect(row[at + c.F_LOG_VARIANCE_M2]).toBeCloseTo(10 * 0.4 ** 2 + 30 * 0.6 ** 2 + 10 * 1.4 ** 2, 5);
  });

  it('merge to the same in two halves', () => {
    const whole = enter(...windows).get(KEY)!;
    const half = enter(windows[0]!);
    mergeSums(half, enter(windows[1]!, windows[2]!));
    half.get(KEY)!.forEach((value, i) => {
      expect(value).toBeCloseTo(whole[i]!, 9);
    });
  });

  it('leave out what was not finite, also in the first window', () => {
    const hole = { tokens: 10, mean: [[null, 1]], variance: [[1, 1]] };
    const full = { tokens: 10, mean: [[4, 3]], variance: [[1, 1]] };
    const row = enter(hole, full, hole).get(KEY)!;
    expect(row[c.baselineAt(0) + c.F_MEAN]).toBe(4);
    expect(row[c.baselineAt(0) + c.F_MEAN_M2]).toBe(0);
    expect(row[c.baselineAt(1) + c.F_MEAN]).toBeCloseTo(5 / 3, 12);
  });

  it('begin anew with another width', () => {
    const row = enter(windows[0]!, { tokens: 1, mean: [[5, 6]], variance: [[1, 1]] }).get(KEY)!;
    expect([c.baselineFeatures(row), row[c.C_PARTS], row[at + c.F_MEAN]]).toEqual([2, 1, 5]);
  });

  it('take a variance of 0 for a very small one', () => {
    const row = enter({ tokens: 1, mean: [[5]], variance: [[0]] }).get(KEY)!;
    expect(row[at + c.F_LOG_VARIANCE]).toBeCloseTo(Math.log(1e-30), 9);
  });
});
