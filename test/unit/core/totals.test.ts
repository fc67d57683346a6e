/** What a stream counts: requests, errors and durations that only rise, survive a restart and add up. */
import { describe, expect, it } from 'vitest';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import { restorePartition, takeDirty, viewPartition } from '../../../agent/core/fold.ts';
import { countTick, OP_BOUNDS_SECONDS, type Totals, totalsCodec } from '../../../agent/core/totals.ts';
import { viewLatency } from '../../../agent/core/view-latency.ts';
import { SECOND } from '../../kit/events.ts';
import { createFleet, QUICK } from '../../kit/fleet.ts';
import { sumTick } from '../../kit/latency.ts';

const LAYERS = ['a', 'b'];
const durations = (counts: readonly number[], offset: number) => ({
  scale: 2,
  zero_count: 0,
  positive: { offset, counts },
});
type Sent = Parameters<typeof sumTick>[2][number];
const activations = (op: object, source = 'pod-0'): Sent => ({
  kind: 'activations',
  source,
  requests: 4,
  layers: LAYERS,
  op,
});
const requests = (body: object): Sent => ({ kind: 'requests', source: 'pod-0', ...body });

function viewOf(...ticks: readonly (readonly Sent[])[]) {
  const totals: Totals = new Map();
  for (const [i, events] of ticks.entries()) countTick(totals, sumTick(i, LAYERS, events), LAYERS);
  return viewLatency(decodeBytes(totalsCodec, encode(totalsCodec, totals)), LAYERS);
}
const filled = ({ counts }: { counts: readonly number[] }): [number, number][] =>
  counts.flatMap((count, i) => (count === 0 ? [] : [[i, count] as [number, number]]));

describe('totals', () => {
  it('know nothing of errors and durations that nobody tells', () => {
    expect(viewOf([])).toEqual({ requests: 0, errors: null, durations: null, nonFinite: [], ops: [] });
    expect(viewOf([requests({ count: 3 })])).toMatchObject({ requests: 3, errors: null, durations: null });
  });

  it('count requests and errors over ticks', () => {
    const view = viewOf([requests({ count: 3, errors: 1 })], [], [requests({ count: 5, errors: 0 })]);
    expect(view).toMatchObject({ requests: 8, errors: 1 });
  });

  it('count durations up to each bound, the bound itself among them', () => {
    // 2^-10 s is the first bound; the bin that ends there begins a quarter octave before.
    const view = viewOf([requests({ count: 10, latency: durations([1, 2, 0, 0, 0, 4], -41) })]);
    expect(view.durations!.boundsSeconds[0]).toBe(2 ** -10);
    expect(filled(view.durations!)).toEqual([
      [0, 1],
      [1, 2],
      [2, 4],
    ]);
    const middle = (bin: number): number => 2 ** ((bin + 0.5) / 4);
    expect(view.durations!.seconds).toBeCloseTo(middle(-41) + 2 * middle(-40) + 4 * middle(-36), 12);
    expect(filled(viewOf([requests({ count: 1, latency: durations([1], 100) })]).durations!)).toEqual([
      [16, 1],
    ]);
  });

  it('place calls of an op without a histogram at the typical time of their tick', () => {
    // Two sources of 40 µs and one that is stuck: the mean is 27 ms, and nearly all calls take 40 µs.
    const flush = (source: string, time: number) =>
      activations({ count: [10, 10], time_ns: [time, 400_000] }, source);
    const view = viewOf([flush('a', 400_000), flush('b', 400_000), flush('c', 800_000_000)]);
    const [a, b] = view.ops;
    expect(a!.layer).toBe('a');
    expect(a!.durations.seconds).toBeCloseTo(0.8008, 10);
    expect(filled(a!.durations)).toEqual([[5, 30]]);
    expect(OP_BOUNDS_SECONDS[5]).toBe(2 ** -14);
    expect(filled(b!.durations)).toEqual([[5, 30]]);
  });

  it('count calls with a histogram once', () => {
    const op = { count: [10, 0], time_ns: [1_000_000, 0], histogram: [durations([6], -57), null] };
    const view = viewOf([activations(op)]);
    expect(view.ops.map(({ layer }) => layer)).toEqual(['a']);
    // Six in the bin that ends at 2^-14 s, the other four at the mean of 100 µs.
    expect(filled(view.ops[0]!.durations)).toEqual([
      [5, 6],
      [6, 4],
    ]);
    expect(view.ops[0]!.durations.seconds).toBeCloseTo(1e-3, 12);
    const alone = viewOf([activations({ histogram: [durations([6], -57), null] })]);
    expect(alone.ops[0]!.durations.seconds).toBeCloseTo(6 * 2 ** (-56.5 / 4), 12);
  });
});

describe('a stream', () => {
  it('counts requests of flushes until `requests` events tell of them', () => {
    const fleet = createFleet({ pods: ['pod-0', 'pod-1'] });
    fleet.play(20 * SECOND);
    const counted = fleet.stream().latency.requests!;
    expect(counted).toBe(200);
    fleet.send('requests', { window_ms: 1_000, count: 7, errors: 2 }, 'pod-0');
    fleet.play(30 * SECOND);
    const after = fleet.stream().latency;
    // Its own tick brings no flushes into the count, nor does any later one.
    expect(after.requests! - counted).toBeLessThanOrEqual(200 + 7);
    expect(after.errors).toBe(2);
    fleet.play(30 * SECOND);
    expect(fleet.stream().latency).toMatchObject({ requests: after.requests, errors: 2 });
  });

  it('counts requests whose output is not finite, by output, from 0', () => {
    const fleet = createFleet({ pods: ['pod-0', 'pod-1'] });
    fleet.play(20 * SECOND);
    fleet.send('outputs', { window_ms: 1_000, name: 'z', requests: 4, non_finite_requests: 0 }, 'pod-0');
    fleet.send('outputs', { window_ms: 1_000, name: 'a', requests: 4, non_finite_requests: 3 }, 'pod-0');
    fleet.play(30 * SECOND);
    expect(fleet.stream().latency.nonFinite).toEqual([
      { output: 'a', requests: 3 },
      { output: 'z', requests: 0 },
    ]);
  });

  it('goes on counting where it was when its state is read back', () => {
    const fleet = createFleet();
    const op = { count: [10, 10], time_ns: [400_000, 800_000] };
    fleet.play(40 * SECOND, { given: { op } });
    const before = viewPartition(fleet.partition).models[0]!.streams[0]!.latency;
    expect(before.ops.map(({ durations }) => durations.counts.reduce((a, b) => a + b, 0))).toEqual([
      900, 900,
    ]);
    const restored = restorePartition(QUICK, takeDirty(fleet.partition).set);
    expect(viewPartition(restored).models[0]!.streams[0]!.latency).toEqual(before);
  });
});
