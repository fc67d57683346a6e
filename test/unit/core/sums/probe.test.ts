/** Answers of probes in ticks and baselines: the least and the greatest value, in whatever order they come. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../../agent/core/decode/event.ts';
import {
  atColumn,
  atDirection,
  DIRECTIONS,
  LAYER_STRIDE,
  P_COUNT,
  P_ORDER,
  PROBE,
  probeOfKey,
} from '../../../../agent/core/sums/probe.ts';
import { createEmitter, type Given, type Layer, T0 } from '../../../kit/events.ts';

const pod = createEmitter('pod-0');
const answer = (layers: Record<string, Layer>, probe = 'golden') => pod.flush(T0, layers, { probe });
const output = (body: Given) =>
  pod.send('outputs', T0, { probe: 'golden', name: 'logits', requests: 1, ...body });

function rowsOf(...events: Event[]): Map<string, Float64Array> {
  const rows = new Map<string, Float64Array>();
  const rowOf = (key: string, length: number) => {
    if (!rows.has(key)) rows.set(key, new Float64Array(length));
    return rows.get(key)!;
  };
  for (const event of events) PROBE.add(event, rowOf);
  return rows;
}
const pair = (row: Float64Array, at: number) => [row[at], row[at + 1]];

describe('sums of probes', () => {
  it('keep the least and the greatest value of each column and site', () => {
    const of = (mean: number): Record<string, Layer> => ({
      a: { input: { mean: 7 } },
      b: { input: { mean, variance: 2 }, output: { max: mean } },
    });
    const [[, a], [key, b]] = [...rowsOf(answer(of(3)), answer(of(-1)), answer(of(1)))] as [
      [string, Float64Array],
      [string, Float64Array],
    ];
    expect(probeOfKey(key)).toEqual({ id: 'golden', name: 'b', isLayer: true });
    expect([a[P_COUNT], a[P_ORDER], b[P_COUNT], b[P_ORDER]]).toEqual([3, 0, 3, 1]);
    expect(pair(b, atColumn(0, 'mean'))).toEqual([-1, 3]);
    expect(pair(b, atColumn(0, 'variance'))).toEqual([2, 2]);
    expect(pair(b, atColumn(1, 'max'))).toEqual([-1, 3]);
    expect(pair(b, atColumn(1, 'variance'))).toEqual([Number.NaN, Number.NaN]);
  });

  it('leave out what was not finite', () => {
    const [row] = rowsOf(
      answer({ a: { input: { mean: null, variance: 1 } } }),
      answer({ a: { input: { mean: 5 } } }),
    ).values();
    expect(pair(row!, atColumn(0, 'mean'))).toEqual([5, 5]);
    expect(pair(row!, atColumn(0, 'variance'))).toEqual([1, 1]);
  });

  it('are of probes only', () => {
    expect(
      rowsOf(pod.flush(T0, { a: { input: { mean: 1 } } }), pod.outputs(T0, [0.5, 0.5]), pod.sign(T0)).size,
    ).toBe(0);
    expect(rowsOf(pod.sign(T0, { probe: 'x' })).size).toBe(0);
  });

  it('tell probes apart, whatever their ids and layers are called', () => {
    const rows = rowsOf(
      answer({ 'b/c': { input: { mean: 1 } } }, 'a'),
      answer({ c: { input: { mean: 2 } } }, 'a/b'),
    );
    expect([...rows.keys()].map(probeOfKey)).toEqual([
      { id: 'a', name: 'b/c', isLayer: true },
      { id: 'a%2Fb', name: 'c', isLayer: true },
    ]);
    expect(probeOfKey('op/a')).toBe(null);
  });

  it('see a distribution from a few sides, none of which moves by more than it does', () => {
    const [one, other] = [
      [0.2, 0.5, 0.3],
      [0.25, 0.4, 0.35],
    ].map((probabilities) => [...rowsOf(output({ probabilities })).values()][0]!) as [
      Float64Array,
      Float64Array,
    ];
    const moved = Array.from({ length: DIRECTIONS }, (_, d) =>
      Math.abs(one[atDirection(d)]! - other[atDirection(d)]!),
    );
    expect(Math.max(...moved)).toBeGreaterThan(0.05);
    expect(Math.max(...moved)).toBeLessThanOrEqual(0.2);
  });

  it('see a histogram whose buckets have moved', () => {
    const [one, other] = [3, 4].map((offset) => {
      const histogram = { scale: 0, zero_count: 1, zero_threshold: 0, positive: { offset, counts: [2, 1] } };
      return [...rowsOf(output({ histogram })).values()][0]!;
    }) as [Float64Array, Float64Array];
    expect(one[atDirection(0)]).not.toBe(other[atDirection(0)]);
  });

  it('say nothing of an output without finite requests', () => {
    expect(rowsOf(output({ non_finite_requests: 1, probabilities: null, histogram: null })).size).toBe(0);
    const histogram = { scale: 0, zero_count: 0, zero_threshold: 0 };
    expect(rowsOf(output({ histogram })).size).toBe(0);
  });

  it('merge in any order, sources, ticks and baselines alike', () => {
    const row = (mean: number) => [...rowsOf(answer({ a: { input: { mean } } })).values()][0]!;
    const rows = [row(4), row(-2), row(1)];
    const sums = [rows, [...rows].reverse()].map((list) => {
      const entered = list
        .slice(1)
        .reduce((into, tick) => PROBE.enter(into, tick), PROBE.enter(null, list[0]!));
      const merged = Float64Array.from(list[0]!);
      for (const other of list.slice(1)) PROBE.merge(merged, other);
      expect(merged).toEqual(entered);
      return entered;
    });
    expect(sums[0]).toEqual(sums[1]);
    expect(pair(sums[0]!, atColumn(0, 'mean'))).toEqual([-2, 4]);
    expect(sums[0]).toHaveLength(LAYER_STRIDE);
  });

  it('begin anew where a row had another length', () => {
    const tick = [...rowsOf(answer({ a: { input: { mean: 1 } } })).values()][0]!;
    expect(PROBE.enter(new Float64Array(3), tick)).toEqual(tick);
  });
});
