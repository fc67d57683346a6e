/** Scatter of shapes between histograms against sums over them all, weighted by requests. */
import { describe, expect, it } from 'vitest';
import { shapeOf } from '../../../../agent/core/score/shape.ts';
import { H_COUNT, H_REQUESTS, shapeKey, siteAt, statisticAt } from '../../../../agent/core/sums/shape.ts';
import { addEvent, enterSums, mergeSums, type Sums, sumSources } from '../../../../agent/core/sums.ts';
import { createEmitter, createGaussian, T0 } from '../../../kit/events.ts';
import { histogramOf, varianceOf } from '../../../kit/windows.ts';

const gaussian = createGaussian(3);
const values = (): number[] => Array.from({ length: 500 }, () => gaussian() ** 3);
const FLUSHES = [2, 4, 4, 10].map((requests) => ({ requests, values: values() }));
const flushOf = ({ requests, values: seen }: (typeof FLUSHES)[number], site: 'input' | 'output' = 'output') =>
  createEmitter('pod-0').flush(
    T0,
    { a: { [site]: { variance: varianceOf(seen), mean: 0, histogram: histogramOf(seen) } } },
    { requests },
  );
const sumsOf = (...events: ReturnType<typeof flushOf>[]): Sums => {
  const sums: Sums = new Map();
  for (const event of events) addEvent(sums, event);
  return sums;
};
const row = (sums: Sums): Float64Array => sums.get(shapeKey('a'))!;

describe('shapes of histograms', () => {
  const shapes = FLUSHES.map(({ values: seen }) => shapeOf(histogramOf(seen), varianceOf(seen))!);
  const weights = FLUSHES.map(({ requests }) => requests);
  const meanOf = (s: number): number => shapes.reduce((sum, one, i) => sum + one[s]! * weights[i]!, 0) / 20;
  const scatterOf = (s: number): number =>
    shapes.reduce((sum, one, i) => sum + weights[i]! * (one[s]! - meanOf(s)) ** 2, 0);

  it('are weighted by requests, over flushes, sources, ticks and buckets alike', () => {
    const [a, b, c, d] = FLUSHES.map((flush) => flushOf(flush));
    const tick = sumSources([sumsOf(a!, b!), sumsOf(c!)]);
    const bucket: Sums = new Map();
    enterSums(bucket, tick);
    enterSums(bucket, sumsOf(d!));
    const merged: Sums = new Map();
    mergeSums(merged, sumsOf(a!));
    mergeSums(merged, sumSources([sumsOf(b!), sumsOf(c!, d!)]));
    for (const one of [row(bucket), row(merged)]) {
      const at = siteAt(1);
      expect([one[at + H_COUNT], one[at + H_REQUESTS]]).toEqual([4, 20]);
      for (let s = 0; s < 4; s++) {
        expect(one[at + statisticAt(s)]).toBeCloseTo(meanOf(s), 9);
        expect(one[at + statisticAt(s) + 1]).toBeCloseTo(scatterOf(s), 9);
      }
    }
  });

  it('leave the tick alone that entered first', () => {
    const tick = sumsOf(flushOf(FLUSHES[0]!));
    const bucket: Sums = new Map();
    enterSums(bucket, tick);
    enterSums(bucket, sumsOf(flushOf(FLUSHES[1]!)));
    expect(row(tick)[siteAt(1) + H_COUNT]).toBe(1);
  });

  it('keep the sites apart', () => {
    const one = row(sumsOf(flushOf(FLUSHES[0]!, 'input'), flushOf(FLUSHES[1]!, 'output')));
    expect([one[siteAt(0) + H_REQUESTS], one[siteAt(1) + H_REQUESTS]]).toEqual([2, 4]);
  });

  it.each([
    ['without histograms', createEmitter('pod').flush(T0, { a: { input: { mean: 1, variance: 1 } } })],
    ['of a probe', { ...flushOf(FLUSHES[0]!), probe: 'p' }],
    ['without requests', createEmitter('pod').sign(T0)],
    [
      'whose histogram is null',
      createEmitter('pod').flush(T0, { a: { input: { mean: 1, variance: 1, histogram: null } } }),
    ],
    [
      'whose histogram is empty',
      createEmitter('pod').flush(T0, { a: { input: { histogram: { scale: 2, zero_count: 0 } } } }),
    ],
  ])('have nothing of flushes %s', (_, event) => expect(sumsOf(event).has(shapeKey('a'))).toBe(false));
});
