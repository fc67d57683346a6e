/** Calibrations with absurd ticks in them: what is learnt is as if those had not been. */
import { describe, expect, it } from 'vitest';
import { learnTick, newBaseline } from '../../../agent/core/baseline.ts';
import { restorePartition, takeDirty, viewPartition } from '../../../agent/core/fold.ts';
import { components } from '../../../agent/core/score/components.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { endTrial, seriesOf } from '../../../agent/core/trial.ts';
import { createGaussian, MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, QUICK } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';
import { bareTick } from '../../kit/ticks.ts';

const FIRST = 200_000_000;
const PART = 10;
/** Parts of one tick of a flush or two. */
const SHORT = { ...QUICK, calibration: { ticks: 6, flushes: 6 } };

interface Odd {
  readonly mean?: number;
  readonly variance?: number;
}

/** Sixty ticks of three flushes on two layers, some of them odd in one flush (or all, for a level). */
function learnt(odd: (tick: number, flush: number) => Odd = () => ({}), { ticks = 60, scale = 1 } = {}) {
  const gaussian = createGaussian(3);
  const baseline = newBaseline(2, true);
  for (let i = 0; i < ticks; i++) {
    const flushes = [0, 1, 2].map((flush) => {
      const draws = Array.from({ length: 8 }, () => gaussian() / Math.sqrt(10));
      const { mean = 0, variance = 1 } = odd(i, flush);
      return {
        requests: 10,
        mean: (cell: number) => 5 + scale * (draws[cell]! + mean),
        variance: (cell: number) => 4 * Math.exp(0.1 * scale * draws[4 + cell]!) * variance,
      };
    });
    learnTick(baseline, bareTick(FIRST + i, 2, flushes), 2, DEFAULT_SETTINGS);
  }
  const { learning } = baseline;
  const of = (cell: number) => components(learning!.cells, cell, 'mean')!;
  return { baseline, learning: learning!, of, series: seriesOf(baseline).ticks };
}
const only = (at: number, what: Odd) => (tick: number, flush: number) =>
  tick === at && flush === 1 ? what : {};

describe('learning', () => {
  it('of ordinary ticks takes each part once it is full', () => {
    const { baseline, learning, series } = learnt(undefined, { ticks: 47 });
    expect([learning.ticks, baseline.trial!.ticks, series.length]).toEqual([40, 7, 47]);
    endTrial(baseline);
    expect([learning.ticks, baseline.trial, series.length]).toEqual([47, null, 47]);
  });

  it.each([
    ['a mean a thousand deviations off', 35, { mean: 1_000 }],
    ['a variance a thousand times as large', 35, { variance: 1_000 }],
    ['an absurd flush in the last part', 55, { mean: 300 }],
    ['an absurd flush at the end of a part', 39, { mean: 300 }],
  ])('forgets the part with %s, and is as without it', (_, at, what) => {
    const { learning, of, series, baseline } = learnt(only(at, what));
    const plain = learnt();
    expect(learning.ticks).toBe(60 - PART);
    expect(series.length).toBe(60 - PART);
    expect(baseline.trial).toBeNull();
    for (const cell of [0, 1, 2, 3]) {
      expect(of(cell).mean).toBeCloseTo(plain.of(cell).mean, 1);
      expect(of(cell).requestVariance / plain.of(cell).requestVariance).toBeCloseTo(1, 0);
      expect(of(cell).tickVariance).toBeLessThan(0.05);
    }
  });

  it('begins anew where the first part was the absurd one', () => {
    const { learning, of, series } = learnt(only(4, { mean: 1_000 }));
    expect(learning.ticks).toBe(60 - PART);
    expect(series.length).toBe(60 - PART);
    expect(learning.fromMs).toBe((FIRST + PART) * DEFAULT_SETTINGS.tickMs);
    expect(of(0).requestVariance).toBeLessThan(2);
  });

  it('survives two absurd parts of six', () => {
    const { learning, of } = learnt((tick, flush) => (flush === 0 && tick % 30 === 15 ? { mean: 500 } : {}));
    expect(learning.ticks).toBe(60 - 2 * PART);
    expect(of(0).requestVariance).toBeLessThan(2);
  });

  it('keeps what is merely restless: four times the deviation', () => {
    const { learning } = learnt((tick) => ({ mean: tick < 30 ? 0 : (tick % 3) - 1 }));
    expect(learning.ticks).toBe(60);
  });

  it('keeps a level that changes between parts: that is traffic', () => {
    const { learning, of } = learnt((tick) => ({ mean: tick < 30 ? 0 : 2 }));
    expect(learning.ticks).toBe(60);
    expect(of(0).mean).toBeCloseTo(6, 0);
    expect(of(0).tickVariance).toBeGreaterThan(0.5);
  });

  it('goes on from a level that is a world apart', () => {
    const { learning, of } = learnt((tick) => ({ mean: tick < 30 ? 0 : 20 }));
    expect(learning.ticks).toBe(2 * PART);
    expect(of(0).mean).toBeCloseTo(25, 0);
    expect(of(0).tickVariance).toBeLessThan(0.5);
  });

  it('comes to its end where ticks hold a flush or two, however these scatter', () => {
    for (const perTick of [1, 2, 3]) {
      const gaussian = createGaussian(perTick);
      const baseline = newBaseline(2, true);
      for (let i = 0; i < 120; i++) {
        const flushes = Array.from({ length: perTick }, () => ({ requests: 1, mean: () => gaussian() }));
        learnTick(baseline, bareTick(FIRST + i, 2, flushes), 2, SHORT);
      }
      expect(baseline.learning!.ticks).toBeGreaterThan(100);
    }
  });

  it('keeps constants that differ in their last digits', () => {
    // A digit of the mean 5 is a hundred thousandth of it.
    const { learning } = learnt((tick, flush) => ({ mean: tick < 30 ? 0 : 30 * (flush - 1) }), {
      scale: 1e-6,
    });
    expect(learning.ticks).toBe(60);
  });

  it('keeps no series of more ticks than calibration looks at, nor of more layers', () => {
    expect(learnt(undefined, { ticks: 200 }).series.length).toBe(120);
    const wide = newBaseline(2_049, true);
    learnTick(wide, bareTick(FIRST, 2_049, [{ requests: 1, mean: 0 }]), 2_049, DEFAULT_SETTINGS);
    expect(wide.series).toEqual([]);
    expect(wide.trial!.ticks).toBe(1);
  });
});

describe('a stream', () => {
  /** Two minutes of which one flush is absurd, then a shift. Deviations of one request in the reference. */
  function fleetWith(absurd: number) {
    const fleet = createFleet({ pods: ['pod-0'] });
    fleet.play(25 * SECOND);
    const flush = { mean: absurd, variance: 4, count: 1_000 };
    const cells = { input: flush, output: flush };
    fleet.fold(fleet.emitter('pod-0').flush(fleet.nowMs, { a: cells, b: cells }));
    fleet.play(2 * MINUTE);
    return fleet;
  }

  it('that saw one absurd flush while it calibrated tells of shifts as one that did not', () => {
    const shifted = { mean: (_: string, layer: string) => (layer === 'b' ? 1 : 0) };
    for (const absurd of [0, 1e6]) {
      const fleet = fleetWith(absurd);
      expect(fleet.stream().state).toBe('guarded');
      const told = fleet.play(30 * SECOND, shifted);
      expect(told).toMatchObject([{ event: 'opened', layers: ['b'] }]);
    }
  });

  it('that is restored while it calibrates learns the same', () => {
    const whole = createFleet();
    whole.play(45 * SECOND);
    const stopped = createFleet();
    stopped.play(45 * SECOND);
    const restored = restorePartition(QUICK, takeDirty(stopped.partition).set);
    takeDirty(whole.partition);
    const [stream] = onlyModel(restored).streams.values();
    expect(stream!.baseline.series.length).toBeGreaterThan(2);
    expect(viewPartition(restored)).toEqual(viewPartition(whole.partition));
    expect(onlyModel(restored).streams.get(stream!.id)!.baseline).toEqual(
      onlyModel(whole.partition).streams.get(stream!.id)!.baseline,
    );
  });
});
