/** Rows of op times and of requests: what events add, what sources and ticks sum up to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../../agent/core/decode/event.ts';
import { medianPlace } from '../../../../agent/core/score/latency.ts';
import * as o from '../../../../agent/core/sums/op.ts';
import * as h from '../../../../agent/core/sums/op_histogram.ts';
import * as r from '../../../../agent/core/sums/requests.ts';
import { addEvent, enterSums, mergeSums, type Sums, sumSources } from '../../../../agent/core/sums.ts';
import { createEmitter, type Given, T0 } from '../../../kit/events.ts';

const LAYERS = ['a', 'b'];
const pod = createEmitter('pod-0');
const op = (more: Given, body: Given = {}): Event =>
  pod.send('activations', T0, { requests: 2, tokens: 60, layers: LAYERS, op: more, ...body });
const requests = (body: Given): Event => pod.send('requests', T0, body);

function sumsOf(...events: readonly Event[]): Sums {
  const sums: Sums = new Map();
  for (const event of events) addEvent(sums, event);
  return sums;
}
const durations = (counts: readonly number[], offset = -40) => ({
  scale: 2,
  zero_count: 0,
  positive: { offset, counts },
});

describe('op times', () => {
  it('are summed by layer', () => {
    const sums = sumsOf(
      op({ count: [2, 4], time_ns: [100_000, 4_000] }),
      op({ count: [2, 0], time_ns: [300_000, 0] }),
    );
    const row = sums.get('op/a')!;
    expect([row[o.OP_CALLS], row[o.OP_FLUSHES], row[o.OP_TOKENS]]).toEqual([4, 2, 120]);
    expect(row[o.OP_SECONDS]).toBeCloseTo(4e-4, 12);
    expect(row[o.OP_RATE]).toBeCloseTo(2 / 1e-4 + 2 / 3e-4, 6);
    expect(2 ** o.opLevel(row)).toBeCloseTo(75e-6, 12);
    expect(sums.get('op/b')![o.OP_FLUSHES]).toBe(1);
  });

  it('are nothing without layers, calls or time, in holes and in probes', () => {
    const whole = { count: [2, 2], time_ns: [1_000, 1_000], histogram: [durations([1]), durations([1])] };
    const sums = sumsOf(
      op(whole, { probe: 'p' }),
      op({ count: [0, 2], time_ns: [1_000, 0] }),
      op({ count: [null, 2], time_ns: [1_000, null], histogram: [null, null] }),
      op({ count: [2, 2] }),
      op({ time_ns: [2, 2] }),
      pod.send('activations', T0, { requests: 2, layers: LAYERS }),
      requests({ count: 1 }),
    );
    expect([...sums.keys()].filter((key) => key.startsWith('op'))).toEqual([]);
  });

  it('of one host that is slow hardly count', () => {
    const normal = op({ count: [1, 1], time_ns: [50_000, 50_000] });
    const slow = op({ count: [1, 1], time_ns: [50_000_000, 50_000] });
    const row = sumSources([sumsOf(normal), sumsOf(normal), sumsOf(normal), sumsOf(slow)]).get('op/a')!;
    expect(2 ** o.opLevel(row) / 50e-6).toBeLessThan(1.34);
  });

  it('give the same sums in any grouping of sources and ticks', () => {
    const flush = fc.record({
      calls: fc.integer({ min: 1, max: 50 }),
      time: fc.integer({ min: 1, max: 1e9 }),
    });
    const tick = fc.array(flush, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(tick, { minLength: 1, maxLength: 6 }), (ticks) => {
        const sums = ticks.map((flushes) =>
          sumSources(
            flushes.map(({ calls, time }) => sumsOf(op({ count: [calls, calls], time_ns: [time, time] }))),
          ),
        );
        const one: Sums = new Map();
        for (const tick of sums) enterSums(one, tick);
        const other: Sums = new Map();
        for (const tick of sums) {
          const alone: Sums = new Map();
          enterSums(alone, tick);
          mergeSums(other, alone);
        }
        const [a, b] = [one.get('op/a')!, other.get('op/a')!];
        for (let i = 0; i < o.OP_PLACES; i++) expect(b[i]! / (a[i]! || 1)).toBeCloseTo(a[i] === 0 ? 0 : 1, 9);
        expect(b[o.OP_PLACES]).toBe(ticks.length);
        expect(a[o.OP_FREEDOM]).toBe(ticks.reduce((sum, flushes) => sum + flushes.length - 1, 0));
      }),
      { numRuns: 30 },
    );
  });

  it('tell how far sources scatter about each other', () => {
    const at = (time: number) => sumsOf(op({ count: [1, 1], time_ns: [time, time] }));
    const baseline: Sums = new Map();
    for (let i = 0; i < 10; i++) enterSums(baseline, sumSources([at(10_000), at(20_000), at(40_000)]));
    const row = baseline.get('op/a')!;
    expect(row[o.OP_SPREAD]! / row[o.OP_FREEDOM]!).toBeCloseTo(1, 10);
  });

  it('stay within the bounds of a row', () => {
    const baseline: Sums = new Map();
    const histogram = [durations([60, 60]), durations([1])];
    enterSums(baseline, sumSources([sumsOf(op({ count: [1, 1], time_ns: [5, 5], histogram }))]));
    expect(baseline.get('op/a')!.length).toBeLessThanOrEqual(64);
    expect(baseline.get('op_histogram/a')!.length).toBeLessThanOrEqual(64);
  });
});

describe('histograms of op times', () => {
  it('have a p99 from a hundred calls on', () => {
    const sums = sumsOf(op({ histogram: [durations([50, 40, 10]), durations([99])] }));
    expect(h.p99Of(sums.get('op_histogram/a')!)).toBeCloseTo(-10 + 2.9 / 4, 10);
    expect(h.p99Of(sums.get('op_histogram/b')!)).toBeNull();
    const baseline: Sums = new Map();
    enterSums(baseline, sums);
    enterSums(baseline, sums);
    const row = baseline.get('op_histogram/a')!;
    expect([...row.slice(0, 3)]).toEqual([200, 120, 2]);
    expect(medianPlace(row, h.HISTOGRAM_PLACES)).toBeCloseTo(-9.3125, 10);
    expect(baseline.get('op_histogram/b')![h.HISTOGRAM_PLACES]).toBe(0);
  });
});

describe('requests', () => {
  it('count errors only where they are told', () => {
    const sums = sumsOf(
      requests({ count: 100, errors: 4, latency: durations([90, 10]) }),
      requests({ count: 50, latency: null }),
    );
    expect([...sums.get('requests')!.slice(0, 3)]).toEqual([150, 100, 4]);
    expect(r.requestP99(sums.get('requests')!)).toBeCloseTo(-10 + 1.9 / 4, 10);
  });

  it('teach a baseline where ticks lie, one with a few requests nothing', () => {
    const baseline: Sums = new Map();
    enterSums(baseline, sumsOf(requests({ count: 100, errors: 10, latency: durations([100]) })));
    enterSums(baseline, sumsOf(requests({ count: 4, errors: 4, latency: durations([4]) })));
    const row = baseline.get('requests')!;
    expect([...row.slice(0, 3)]).toEqual([104, 104, 14]);
    expect(row[r.R_P99_PLACES]).toBe(1);
    expect(row[r.R_ERROR_PLACES]).toBe(1);
    expect(medianPlace(row, r.R_ERROR_PLACES)).toBeCloseTo(Math.log2(0.1), 0);
    const twice: Sums = new Map();
    mergeSums(twice, baseline);
    mergeSums(twice, baseline);
    expect(twice.get('requests')![r.R_ERROR_PLACES]).toBe(2);
    expect(twice.get('requests')![r.R_COUNT]).toBe(208);
  });
});
