/** Rows of numbers of any kind: who may add one, what fits, and what a baseline takes of a tick. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../agent/core/decode/event.ts';
import { LIMITS } from '../../../agent/core/limits.ts';
import { BINS } from '../../../agent/core/score/latency.ts';
import { CHANNELS } from '../../../agent/core/sums/channels.ts';
import { R_BINS, R_COUNT, REQUESTS_KEY } from '../../../agent/core/sums/requests.ts';
import { addEvent, enterSums, isSummed, mergeSums, type Sums, sumSources } from '../../../agent/core/sums.ts';
import { createEmitter, SECOND, T0 } from '../../kit/events.ts';

const LENGTH = R_BINS + BINS;
const requests = (count: number): Event => createEmitter('pod-0').send('requests', T0, { count, errors: 0 });
const rowOf = (count: number): Float64Array => Float64Array.of(count, ...new Array(LENGTH - 1).fill(0));

/** Windows of so many features of one layer. */
function channels(layer: string, features: number, layers = 1): Event {
  const names = Array.from({ length: layers }, (_, i) => `${layer}${i}`);
  const zeros = names.map(() => new Array<number>(features).fill(0));
  return createEmitter('pod-0').send('channels', T0, {
    window_ms: SECOND,
    tokens: 100,
    layers: names,
    sites: names.map(() => 'output'),
    mean: zeros,
    variance: zeros,
  });
}

describe('an event', () => {
  it('adds to the row of its key, and one of another kind adds nothing', () => {
    const sums: Sums = new Map();
    for (const count of [3, 4]) addEvent(sums, requests(count));
    addEvent(sums, createEmitter('pod-0').send('deployment', T0));
    expect([...sums.keys()]).toEqual([REQUESTS_KEY]);
    expect(sums.get(REQUESTS_KEY)![R_COUNT]).toBe(7);
    expect([isSummed('requests'), isSummed('deployment')]).toEqual([true, false]);
  });

  it('begins a row anew where it has another length', () => {
    const sums: Sums = new Map([[REQUESTS_KEY, Float64Array.of(99)]]);
    addEvent(sums, requests(5));
    expect(sums.get(REQUESTS_KEY)).toHaveLength(LENGTH);
    expect(sums.get(REQUESTS_KEY)![R_COUNT]).toBe(5);
  });

  it('has no place beyond the bound of keys, while rows that are there go on', () => {
    const sums: Sums = new Map();
    addEvent(sums, requests(1));
    for (let i = 0; sums.size < 4 * LIMITS.layers + 64; i++) sums.set(`op/${i}`, new Float64Array(1));
    addEvent(sums, channels('late', 4));
    addEvent(sums, requests(1));
    expect(sums.size).toBe(4 * LIMITS.layers + 64);
    expect(sums.get(REQUESTS_KEY)![R_COUNT]).toBe(2);
  });

  it('of wide layers without end takes two mebibytes, not more', () => {
    const sums: Sums = new Map();
    for (let i = 0; i < 64; i++) addEvent(sums, channels(`layer-${i}-`, 4_096));
    const doubles = [...sums.values()].reduce((sum, row) => sum + row.length, 0);
    expect(doubles).toBeGreaterThan(1 << 17);
    expect(doubles).toBeLessThanOrEqual(1 << 18);
    expect([...sums.keys()].every((key) => key.startsWith(`${CHANNELS.prefix}/`))).toBe(true);
  });
});

describe('sources of a tick', () => {
  it('are added, and stay what they were', () => {
    const [one, other]: Sums[] = [new Map([[REQUESTS_KEY, rowOf(2)]]), new Map([[REQUESTS_KEY, rowOf(5)]])];
    const sum = sumSources([one!, other!]);
    expect(sum.get(REQUESTS_KEY)![R_COUNT]).toBe(7);
    expect([one!.get(REQUESTS_KEY)![R_COUNT], other!.get(REQUESTS_KEY)![R_COUNT]]).toEqual([2, 5]);
  });

  it('with rows of another length are not mixed: the first of their names counts', () => {
    const sum = sumSources([
      new Map([[REQUESTS_KEY, rowOf(2)]]),
      new Map([[REQUESTS_KEY, Float64Array.of(9)]]),
    ]);
    expect([...sum.get(REQUESTS_KEY)!]).toEqual([...rowOf(2)]);
  });
});

describe('a baseline', () => {
  it('takes ticks in, with what it keeps beside their sum', () => {
    const into: Sums = new Map();
    for (const count of [10, 20]) enterSums(into, new Map([[REQUESTS_KEY, rowOf(count)]]));
    expect(into.get(REQUESTS_KEY)![R_COUNT]).toBe(30);
    expect(into.get(REQUESTS_KEY)!.length).toBeGreaterThan(LENGTH);
  });

  it('knows no row of a kind that nobody knows', () => {
    const strange: Sums = new Map([['strange/a', Float64Array.of(1)]]);
    const into: Sums = new Map();
    enterSums(into, strange);
    mergeSums(into, strange);
    expect(into).toEqual(new Map());
  });

  it('is merged row by row; one of another length takes the place of the old', () => {
    const into: Sums = new Map();
    enterSums(into, new Map([[REQUESTS_KEY, rowOf(10)]]));
    const from: Sums = new Map([...into].map(([key, row]) => [key, row.slice()]));
    mergeSums(into, from);
    expect(into.get(REQUESTS_KEY)![R_COUNT]).toBe(20);
    expect(from.get(REQUESTS_KEY)![R_COUNT]).toBe(10);
    mergeSums(into, new Map([[REQUESTS_KEY, Float64Array.of(1, 2)]]));
    expect([...into.get(REQUESTS_KEY)!]).toEqual([1, 2]);
  });

  it('holds copies: what a tick becomes later does not reach it', () => {
    const into: Sums = new Map();
    const from: Sums = new Map([[REQUESTS_KEY, rowOf(1)]]);
    mergeSums(into, from);
    from.get(REQUESTS_KEY)![R_COUNT] = 99;
    expect(into.get(REQUESTS_KEY)![R_COUNT]).toBe(1);
  });
});
