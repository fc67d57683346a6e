/** Open ticks against sums over all flushes at once, and the same bytes however sources interleave. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import type { ActivationsEvent } from '../../../agent/core/decode/event.ts';
import { histogramTotal } from '../../../agent/core/histogram.ts';
import { placesOf } from '../../../agent/core/layout.ts';
import * as m from '../../../agent/core/moments.ts';
import {
  addActivations,
  addOutputs,
  closeTick,
  moveTick,
  newOpenTick,
  type OpenTick,
  openTickCodec,
} from '../../../agent/core/tick.ts';
import { type Cell, createEmitter, type EventOfKind, T0 } from '../../kit/events.ts';
import { TICK_MS, tickOf } from '../../kit/ticks.ts';

const LAYERS = ['a', 'b'];
const bytesOf = (tick: OpenTick): string => Buffer.from(encode(openTickCodec, tick)).toString('hex');

function fill(tick: OpenTick, events: readonly (ActivationsEvent | EventOfKind<'outputs'>)[]): OpenTick {
  for (const event of events) {
    if (event.kind === 'outputs') addOutputs(tick, event);
    else addActivations(tick, event, placesOf(event.layers ?? [], LAYERS), LAYERS.length);
  }
  return tick;
}

/** Sources with some flushes each, some of which know one layer only. */
const number = fc.integer({ min: -100, max: 100 });
const aCell = fc.record({
  mean: number,
  variance: fc.nat(50),
  count: fc.integer({ min: 1, max: 90 }),
  min: number,
  nan: fc.nat(2),
});
const aFlush = fc.record({
  requests: fc.integer({ min: 1, max: 20 }),
  a: aCell,
  b: fc.option(aCell),
  scale: fc.integer({ min: -1, max: 3 }),
});
const someSources = fc.array(fc.array(aFlush, { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 4,
});

const eventsOf = (
  sources: readonly (readonly { requests: number; a: Cell; b: Cell | null; scale: number }[])[],
) =>
  sources.map((flushes, i) => {
    const emitter = createEmitter(`pod-${i}`);
    return flushes.flatMap(({ requests, a, b, scale }) => {
      const histogram = { scale, zero_count: 1, positive: { offset: i, counts: [1, 2] } };
      const layers = { a: { input: { ...a, histogram } }, ...(b === null ? {} : { b: { input: b } }) };
      return [emitter.flush(T0, layers, { requests }), emitter.outputs(T0, [0.25, 0.75], { requests })];
    });
  });

describe('an open tick', () => {
  it('holds the same bytes however its sources interleave', () => {
    fc.assert(
      fc.property(someSources, fc.infiniteStream(fc.nat()), (sources, chance) => {
        const queues = eventsOf(sources);
        const straight = fill(newOpenTick(7, 2), queues.flat());
        const left = queues.map((queue) => [...queue]);
        const turned = newOpenTick(7, 2);
        for (let count = queues.flat().length; count > 0; count--) {
          const open = left.filter((queue) => queue.length > 0);
          fill(turned, [open[chance.next().value! % open.length]!.shift()!]);
        }
        expect(bytesOf(turned)).toBe(bytesOf(straight));
      }),
    );
  });

  it('comes back from its bytes', () => {
    fc.assert(
      fc.property(someSources, (sources) => {
        const tick = fill(newOpenTick(7, 2), eventsOf(sources).flat());
        expect(bytesOf(decodeBytes(openTickCodec, encode(openTickCodec, tick)))).toBe(bytesOf(tick));
      }),
      { numRuns: 30 },
    );
  });

  it('under other layers holds the same cells at their new places', () => {
    const emitter = createEmitter('pod-0');
    const events = [
      emitter.flush(T0, { a: { input: { mean: 1, variance: 2, min: -3, max: 4, nan: 5, inf: 6 } } }),
    ];
    const tick = newOpenTick(0, 1);
    addActivations(tick, events[0]!, Int32Array.of(0), 1);
    moveTick(tick, Int32Array.of(2), 3);
    const closed = closeTick(tick, TICK_MS, 3);
    const row = 4 * m.TICK_STRIDE;
    expect([closed.cells[row + m.A_MEAN], closed.cells[row + m.V_MEAN]]).toEqual([1, 2]);
    expect([closed.min[4], closed.max[4], closed.nan[4], closed.inf[4]]).toEqual([-3, 4, 5, 6]);
    expect([closed.min[0], closed.max[0], closed.nan[0]]).toEqual([Infinity, -Infinity, 0]);
  });
});

describe('a closed tick', () => {
  it('sums up all flushes of all sources', () => {
    fc.assert(
      fc.property(someSources, (sources) => {
        const closed = tickOf(0, LAYERS, eventsOf(sources).flat());
        const all = sources.flat();
        const weight = all.reduce((sum, f) => sum + f.requests, 0);
        const mean = all.reduce((sum, f) => sum + f.requests * f.a.mean!, 0) / weight;
        expect([closed.flushes, closed.requests]).toEqual([all.length, weight]);
        expect(closed.cells[m.A_MEAN]).toBeCloseTo(mean, 9);
        expect(closed.cells[2 * m.TICK_STRIDE + m.FLUSHES]).toBe(all.filter((f) => f.b !== null).length);
        expect(closed.min[0]).toBe(Math.min(...all.map((f) => f.a.min!)));
        expect(closed.nan[0]).toBe(all.reduce((sum, f) => sum + f.a.nan!, 0));
        expect(histogramTotal(closed.histograms[0]!)).toBe(4 * all.length);
        expect(closed.outputs.get('logits')).toMatchObject({ requests: weight, weight });
        expect(closed.sources.map(({ source }) => source)).toEqual(sources.map((_, i) => `pod-${i}`));
        expect([closed.startMs, closed.endMs]).toEqual([0, TICK_MS]);
      }),
    );
  });

  it.each<[string, Cell, number]>([
    ['a mean alone', { mean: 1 }, 0],
    ['a variance alone', { variance: 1 }, 0],
    ['a mean that was not finite', { mean: null, variance: 1 }, 0],
    ['no finite element', { mean: 1, variance: 1, count: 0 }, 0],
    ['mean and variance', { mean: 1, variance: 1 }, 1],
  ])('has no sample of a cell with %s', (_, input, flushes) => {
    const closed = tickOf(0, LAYERS, [createEmitter('pod-0').flush(T0, { a: { input } })]);
    expect(closed.cells[m.FLUSHES]).toBe(flushes);
  });

  it('watches the variance within tokens where it is sent, else that of the flush', () => {
    const emitter = createEmitter('pod-0');
    const closed = tickOf(0, LAYERS, [
      emitter.flush(T0, {
        a: { input: { mean: 1, variance: 9, token_variance_mean: 4 } },
        b: { input: { mean: 1, variance: 9 } },
      }),
    ]);
    expect([closed.cells[m.V_MEAN], closed.cells[m.M2]! / closed.cells[m.COUNT]!]).toEqual([4, 9]);
    const other = tickOf(0, LAYERS, [emitter.flush(T0, { a: { input: { mean: 1, variance: 9 } } })]);
    expect(other.cells[m.V_MEAN]).toBe(9);
  });

  it('of signs of life has sources and no flushes', () => {
    const closed = tickOf(0, LAYERS, [createEmitter('pod-0').sign(T0)]);
    expect([closed.flushes, closed.requests]).toEqual([0, 0]);
    expect(closed.sources[0]!.tick.signs).toBe(1);
  });

  it('weighs outputs by their finite requests', () => {
    const emitter = createEmitter('pod-0');
    const closed = tickOf(0, LAYERS, [
      emitter.outputs(T0, [0, 1], { requests: 10, non_finite_requests: 7 }),
      emitter.outputs(T0, [1, 0], { requests: 1 }),
      emitter.send('outputs', T0, { name: 'logits', requests: 5, non_finite_requests: 5 }),
    ]);
    const output = closed.outputs.get('logits')!;
    expect(output).toMatchObject({ requests: 16, nonFiniteRequests: 12, weight: 4 });
    expect([...output.probabilities]).toEqual([0.25, 0.75]);
  });
});
