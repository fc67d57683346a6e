/** Groups side by side: the unit of a tick, where values lie, and what is shown of them. */
import { describe, expect, it } from 'vitest';
import {
  D_LOG_VARIANCE_RATIO,
  D_MEAN_EFFECT,
  D_VARIANCE_EFFECT,
  DIFFERENCE_STRIDE,
  differencesOf,
  type GroupScores,
  scorePeers,
} from '../../../../agent/core/score/peers.ts';
import { createGaussian } from '../../../kit/events.ts';
import { bareTick } from '../../../kit/ticks.ts';
import { type Change, trafficBaseline, trafficTick } from '../detect/suite.ts';

const PLACES = Int32Array.of(0, 1, 2);
const BASELINE = trafficBaseline();
const CELL = 2;

const scoreOf = (change: Change, baseline = false): GroupScores =>
  scorePeers(trafficTick(0, createGaussian(3), change), baseline ? BASELINE : null, PLACES)!;

const valuesAt = ({ values, names }: GroupScores, statistic: number): number[] => [
  ...values.subarray(statistic * names.length, (statistic + 1) * names.length),
];

describe('values', () => {
  it('lie about their mean over requests, in deviations of one request', () => {
    const scores = scoreOf({ volume: 1000, mean: (source) => (source === 'pod-1' ? 3 : 0) }, true);
    const [a, b, c] = valuesAt(scores, CELL * 2);
    expect(a! + b! + c!).toBeCloseTo(0, 6);
    expect((b! - a!) * scores.unit[CELL * 2]!).toBeCloseTo(3, 1);
    // By chance requests of this tick scatter a little more than in the baseline.
    expect(b! - a!).toBeGreaterThan(2);
  });

  it('of a variance are logarithms', () => {
    const scores = scoreOf({ volume: 1000, variance: (source) => (source === 'pod-1' ? 10 : 0) }, true);
    const [a, b] = valuesAt(scores, CELL * 2 + 1);
    // One request scatters by 0.4 around a variance of 4: a tenth of it; 4 → 8 is ln 2.
    expect((b! - a!) * scores.unit[CELL * 2 + 1]!).toBeCloseTo(Math.log(2), 1);
  });

  it('are not known of a cell that nobody, or one source only, measured', () => {
    const tick = trafficTick(0, createGaussian(3));
    const sources = tick.sources.map((one, i) =>
      i === 0 ? one : { ...one, tick: { ...one.tick, cells: new Float64Array(one.tick.cells.length) } },
    );
    const scores = scorePeers({ ...tick, sources }, BASELINE, PLACES)!;
    expect([...scores.freedom].every((freedom) => freedom === 0)).toBe(true);
    expect([...differencesOf(scores, -1)].every(Number.isNaN)).toBe(true);
  });

  it('need two sources', () => {
    expect(scorePeers(trafficTick(0, createGaussian(3), { pods: ['pod-0'] }), BASELINE, PLACES)).toBeNull();
  });

  it('that overflow are not known', () => {
    const flush = (source: string) => ({ source, requests: 10, mean: 1e308, variance: 1e308 });
    const scores = scorePeers(bareTick(0, 3, ['a', 'a', 'b', 'b'].map(flush)), BASELINE, PLACES)!;
    expect([...scores.values].some((value) => Number.isFinite(value) && Math.abs(value) > 1e9)).toBe(false);
    expect([...differencesOf(scores, -1)].some((value) => value === Infinity)).toBe(false);
  });
});

describe('the unit', () => {
  it('is never less than that of the baseline', () => {
    const flush = (source: string) => ({ source, requests: 10, mean: 20, variance: 4 });
    const even = bareTick(0, 3, ['a', 'a', 'a', 'b', 'b', 'b'].map(flush));
    expect(scorePeers(even, BASELINE, PLACES)!.unit[0]).toBeCloseTo(1, 1);
  });

  it('is that of the tick where requests scatter more than in the baseline', () => {
    const gaussian = createGaussian(8);
    const flushes = Array.from({ length: 60 }, (_, i) => ({
      source: `pod-${i % 3}`,
      requests: 10,
      mean: () => (10 * gaussian()) / Math.sqrt(10),
      variance: 4,
    }));
    const scores = scorePeers(bareTick(0, 3, flushes), BASELINE, PLACES)!;
    expect(scores.unit[0]).toBeGreaterThan(7);
    expect(scores.freedom[0]).toBeLessThan(60);
  });

  it('is not set by one source that scatters for itself', () => {
    const gaussian = createGaussian(8);
    const flushes = Array.from({ length: 60 }, (_, i) => ({
      source: `pod-${i % 3}`,
      requests: 10,
      mean: () => ((i % 3 === 0 ? 50 : 1) * gaussian()) / Math.sqrt(10),
      variance: 4,
    }));
    expect(scorePeers(bareTick(0, 3, flushes), null, PLACES)!.unit[0]).toBeLessThan(2);
  });

  it('is that of the busiest where others have few flushes', () => {
    const gaussian = createGaussian(8);
    const flush = (source: string, scale: number) => ({
      source,
      requests: 10,
      mean: () => (scale * gaussian()) / Math.sqrt(10),
      variance: 4,
    });
    const busy = Array.from({ length: 20 }, () => flush('busy', 1));
    const rare = ['a', 'b', 'c'].flatMap((source) => [flush(source, 0.001), flush(source, 0.001)]);
    const scores = scorePeers(bareTick(0, 3, [...busy, ...rare]), null, PLACES)!;
    expect(scores.unit[0]).toBeGreaterThan(0.5);
    expect(scores.freedom[0]).toBe(19);
  });

  it('is not known with few flushes and no baseline', () => {
    const tick = bareTick(
      0,
      3,
      ['a', 'b', 'c'].map((source) => ({ source, requests: 10, mean: 0, variance: 4 })),
    );
    expect(scorePeers(tick, null, PLACES)!.freedom[0]).toBe(0);
    expect(scorePeers(tick, BASELINE, PLACES)!.freedom[0]).toBeGreaterThan(0);
  });
});

describe('what is shown', () => {
  const scores = scoreOf(
    { volume: 1000, mean: (source) => (source === 'pod-2' ? -4 : source === 'pod-1' ? 1 : 0) },
    true,
  );
  const row = CELL * DIFFERENCE_STRIDE;

  it('is the source furthest off the others', () => {
    expect(differencesOf(scores, -1)[row + D_MEAN_EFFECT]).toBeCloseTo(-4.5 / scores.unit[CELL * 2]!, 1);
  });

  it('is one source where one is asked for', () => {
    expect(differencesOf(scores, 0)[row + D_MEAN_EFFECT]).toBeCloseTo(1.5 / scores.unit[CELL * 2]!, 1);
  });

  it('has the ratio of variances beside their difference', () => {
    const rows = differencesOf(scores, -1);
    const unit = scores.unit[CELL * 2 + 1]!;
    expect(rows[row + D_LOG_VARIANCE_RATIO]).toBeCloseTo(rows[row + D_VARIANCE_EFFECT]! * unit, 9);
  });
});
