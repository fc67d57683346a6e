/** From events to closed ticks: which tick, when it closes, who is late, and what a stream shows of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishPartition } from '../../../agent/core/fold.ts';
import { tickIndex } from '../../../agent/core/serving.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { HOUR, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Fleet } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';

const PODS = ['pod-0', 'pod-1', 'pod-2'];
const cell = { mean: 1, variance: 2, count: 10 };
const LAYER = { a: { input: cell, output: cell } };

describe('the tick of an event', () => {
  it.each([
    ['a flush of a second, at the end of a tick', 10_000, 1_000, 0],
    ['a flush of a second, mostly in the next tick', 10_600, 1_000, 1],
    ['a flush of a second, mostly in the one before', 10_400, 1_000, 0],
    ['a flush split evenly belongs to the later', 10_500, 1_000, 1],
    ['a flush as long as a tick, on the grid', 20_000, 10_000, 1],
    ['a flush as long as a tick, off the grid', 24_999, 10_000, 1],
    ['a longer flush, to the tick of its last millisecond', 30_000, 30_000, 2],
    ['a longer flush that ends just after a tick', 30_001, 30_000, 3],
    ['a flush a millisecond longer than a tick', 20_000, 10_001, 1],
    ['a point at the start of a tick', 20_000, 0, 2],
    ['a point just before', 19_999, 0, 1],
    ['the first moment of all', 0, 0, 0],
  ])('%s', (_, timeMs, windowMs, tick) => {
    expect(tickIndex(timeMs, windowMs, 10_000)).toBe(tick);
  });

  it('of consecutive flushes never goes back, and holds all of a tick that they fill', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(250, 500, 1_000, 2_500, 5_000, 10_000),
        fc.nat(10_000),
        (windowMs, offset) => {
          const ticks = Array.from({ length: 200 }, (_, i) =>
            tickIndex(offset + i * windowMs, windowMs, 10_000),
          );
          expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
          const inner = ticks.filter((tick) => tick > ticks[0]! && tick < ticks.at(-1)!);
          for (const tick of new Set(inner))
            expect(inner.filter((one) => one === tick)).toHaveLength(10_000 / windowMs);
        },
      ),
    );
  });
});

describe('a tick', () => {
  const closed = (fleet: Fleet) => (fleet.stream().tickEndMs ?? T0) - T0;

  it('closes when the watermark is five seconds past its end', () => {
    const fleet = createFleet();
    fleet.play(14 * SECOND);
    expect(closed(fleet)).toBe(0);
    fleet.play(SECOND);
    expect(closed(fleet)).toBe(10 * SECOND);
  });

  it('at the end of a recording closes when it is complete', () => {
    const fleet = createFleet();
    fleet.play(20 * SECOND);
    expect(closed(fleet)).toBe(10 * SECOND);
    finishPartition(fleet.partition);
    expect(closed(fleet)).toBe(20 * SECOND);
    finishPartition(fleet.partition);
    expect(closed(fleet)).toBe(20 * SECOND);
  });

  it('holds the requests, tokens and flushes of all sources', () => {
    const fleet = createFleet();
    fleet.play(15 * SECOND, { given: { tokens: 30 } });
    expect(fleet.stream()).toMatchObject({ requests: 300, tokens: 900 });
    expect(fleet.stream().cells.map(({ layer, site }) => `${layer} ${site}`)).toEqual([
      'a input',
      'a output',
      'b input',
      'b output',
    ]);
  });

  it('counts what comes after it closed as late, by kind of lateness', () => {
    const fleet = createFleet();
    fleet.play(30 * SECOND);
    const before = fleet.stream();
    fleet.fold(fleet.emitter('pod-0').flush(T0 + 15 * SECOND, LAYER));
    fleet.fold(fleet.emitter('pod-0').flush(T0 + 25 * SECOND, LAYER));
    expect(fleet.model().late).toEqual({ closed_tick: 1 });
    fleet.fold(fleet.emitter('pod-1').flush(T0 + 2 * HOUR, LAYER));
    expect(fleet.model().late).toEqual({ closed_tick: 1, clock_skew: 1 });
    expect(fleet.stream().cells).toEqual(before.cells);
    expect(fleet.model().events).toEqual({ activations: 93 });
  });
});

describe('a flush without requests', () => {
  it('is a sign of life and no sample', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const live = (seconds: number) => {
      const told = [];
      for (let i = 0; i < seconds; i++) {
        fleet.nowMs += SECOND;
        for (const pod of PODS) told.push(...fleet.fold(fleet.emitter(pod).sign(fleet.nowMs)));
      }
      return told;
    };
    live(15);
    const before = fleet.stream();
    const told = live(60);
    expect(told).toEqual([]);
    expect(fleet.stream().watermarkMs).toBe(fleet.nowMs);
    expect(fleet.stream().cells).toEqual(before.cells);
    expect(fleet.stream().sources.map(({ status }) => status)).toEqual(['live', 'live', 'live']);
  });

  it('of one source keeps it from being silent', () => {
    const fleet = createFleet();
    fleet.play(MINUTE);
    const told = [];
    for (let i = 0; i < 60; i++) {
      told.push(...fleet.fold(fleet.emitter('pod-2').sign(fleet.nowMs + SECOND)));
      told.push(...fleet.play(SECOND, { pods: ['pod-0', 'pod-1'] }));
    }
    expect(told).toEqual([]);
  });
});

describe('one source beside others', () => {
  it('that falls silent is told of after half a minute, and when it is back', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = fleet.play(2 * MINUTE, { pods: ['pod-0', 'pod-1'] });
    expect(told).toMatchObject([
      { event: 'opened', cause: 'telemetry_gap', severity: 'ticket', scope: 'telemetry', sources: ['pod-2'] },
    ]);
    const delayMs = Date.parse(told[0]!.time as string) - (T0 + 2 * MINUTE);
    expect(delayMs).toBeGreaterThanOrEqual(30 * SECOND);
    expect(delayMs).toBeLessThanOrEqual(40 * SECOND);
    expect(fleet.stream().sources[2]).toMatchObject({ source: 'pod-2', status: 'silent' });
    expect(fleet.stream().state).toBe('guarded');
    expect(fleet.play(MINUTE)).toMatchObject([{ event: 'resolved', id: told[0]!.id }]);
  });

  it('is told of also when most of them die, and the stream goes on', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = fleet.play(4 * MINUTE, { pods: ['pod-2'] });
    expect(told).toMatchObject([{ event: 'opened', cause: 'telemetry_gap', sources: ['pod-0', 'pod-1'] }]);
    expect(fleet.nowMs - fleet.stream().tickEndMs!).toBeLessThanOrEqual(10 * SECOND);
  });

  it('whose clock is an hour ahead does not blind the others', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = [];
    for (let i = 0; i < 600; i++) {
      told.push(...fleet.fold(fleet.emitter('pod-2').flush(fleet.nowMs + HOUR, LAYER)));
      told.push(...fleet.play(SECOND, { pods: ['pod-0', 'pod-1'] }));
    }
    expect(fleet.stream().requests).toBe(200);
    expect(fleet.nowMs - fleet.stream().tickEndMs!).toBeLessThanOrEqual(10 * SECOND);
    expect(fleet.model().late).toEqual({ clock_skew: 600 });
    expect(fleet.stream().sources[2]).toMatchObject({ source: 'pod-2', status: 'skewed' });
    const [stream] = onlyModel(fleet.partition).streams.values();
    expect(stream!.open.size).toBeLessThanOrEqual(2);
    expect(told).toMatchObject([{ event: 'opened', cause: 'clock_skew', sources: ['pod-2'] }]);
  });

  it('whose clock is right again is folded again', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    fleet.fold(fleet.emitter('pod-2').flush(fleet.nowMs + HOUR, LAYER));
    fleet.play(30 * SECOND);
    expect(fleet.stream().sources[2]!.status).toBe('live');
    expect(fleet.stream().requests).toBe(300);
  });
});

describe('a stream', () => {
  it('that moves back as a whole is folded on from there', () => {
    const fleet = createFleet();
    fleet.play(5 * MINUTE);
    fleet.nowMs = T0 - HOUR;
    fleet.play(3 * MINUTE);
    expect(fleet.stream().tickEndMs).toBe(T0 - HOUR + 170 * SECOND);
    expect(fleet.stream().state).toBe('guarded');
    const [stream] = onlyModel(fleet.partition).streams.values();
    for (const bucket of [...stream!.baseline.rolling.flat(), ...stream!.baseline.waiting])
      expect(bucket.toMs).toBeLessThanOrEqual(fleet.nowMs);
  });

  it('of batch jobs with a flush every two minutes closes their ticks', () => {
    const fleet = createFleet({ pods: ['job'] });
    fleet.play(2 * HOUR, { everyMs: 2 * MINUTE });
    expect(fleet.nowMs - fleet.stream().tickEndMs!).toBeLessThanOrEqual(2 * MINUTE + 10 * SECOND);
    expect(fleet.stream().calibration.ticks + 3).toBeGreaterThanOrEqual(57);
    expect(fleet.model().late).toEqual({ clock_skew: 1 });
  });

  it('that pauses for hours goes on, and nobody is called silent', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    fleet.nowMs += 5 * HOUR;
    expect(fleet.play(5 * MINUTE)).toEqual([]);
    expect(fleet.stream().requests).toBe(300);
    expect(fleet.stream().sources.map(({ status }) => status)).toEqual(['live', 'live', 'live']);
  });

  it('learns of layers as they come, in forward order', () => {
    const fleet = createFleet({ pods: ['pod-0'] });
    fleet.fold(fleet.emitter('pod-0').flush(T0 + SECOND, { a: LAYER.a, c: LAYER.a }));
    fleet.fold(fleet.emitter('pod-0').flush(T0 + 2 * SECOND, { a: LAYER.a, b: LAYER.a, c: LAYER.a }));
    fleet.fold(fleet.emitter('pod-0').flush(T0 + 16 * SECOND, { a: LAYER.a }));
    expect(fleet.stream().layers).toEqual(['a', 'b', 'c']);
    expect(fleet.stream().cells.map(({ layer, mean }) => [layer, mean])).toEqual(
      ['a', 'a', 'b', 'b', 'c', 'c'].map((layer) => [layer, 1]),
    );
  });
});

it('outputs are compared over the last minute, and page beyond the budget', () => {
  const fleet = createFleet();
  const [then, now] = [
    [0.5, 0.3, 0.2],
    [0.2, 0.2, 0.6],
  ];
  fleet.play(2 * MINUTE, { probabilities: then! });
  const [opened] = fleet.play(MINUTE, { probabilities: now! });
  expect(opened).toMatchObject({ severity: 'page', cause: 'output_divergence', layers: [] });
  const kl = now!.reduce((sum, p, i) => sum + p * Math.log(p / then![i]!), 0);
  fleet.play(30 * SECOND, { probabilities: now! });
  const [output] = fleet.stream().outputs;
  expect(output).toMatchObject({ output: 'logits', requests: 1_800, nonFiniteRequests: 0 });
  expect(output!.scores.find(({ against }) => against === 'reference')!.klNats).toBeCloseTo(kl, 4);
  expect(DEFAULT_SETTINGS.budget.outputKlNats).toBeLessThan(kl);
});
