/**
 * What a stream has learnt, against a plain list of all ticks. Tick i has i + 1 requests and the mean i, so that count,
 * requests and mean of a bucket tell which ticks it holds.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as bl from '../../../agent/core/baseline.ts';
import { B_A_MEAN, type Bucket, bucketCodec } from '../../../agent/core/bucket.ts';
import { CodecError, encode } from '../../../agent/core/codec.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../kit/events.ts';
import { bareTick, TICK_MS } from '../../kit/ticks.ts';

const FIRST = 200_000_000;
const { rollingDelayMs } = DEFAULT_SETTINGS;

/** A baseline, and beside it the numbers of the ticks it was given. */
function createPair(learns: boolean) {
  const baseline = bl.newBaseline(1, learns);
  const given: { index: number; endMs: number }[] = [];
  const tickAt = (offsetMs: number) => {
    const index = FIRST + Math.floor(offsetMs / TICK_MS);
    const id = given.length;
    given.push({ index, endMs: (index + 1) * TICK_MS });
    return bareTick(index, 1, [{ requests: id + 1, mean: id }]);
  };
  return {
    baseline,
    given,
    learn: (offsetMs: number) => bl.learnTick(baseline, tickAt(offsetMs), 1, DEFAULT_SETTINGS),
    setAside: (offsetMs: number) => bl.setTickAside(baseline, tickAt(offsetMs), 1),
    tickAt,
  };
}

/** What a bucket must show if it holds exactly these ticks. */
function signature(ids: readonly number[]) {
  const requests = ids.reduce((sum, id) => sum + id + 1, 0);
  const mean = requests === 0 ? 0 : ids.reduce((sum, id) => sum + id * (id + 1), 0) / requests;
  return { ticks: ids.length, requests, mean: mean.toFixed(6) };
}

function signatureOf(buckets: readonly Bucket[]) {
  const requests = buckets.reduce((sum, b) => sum + b.requests, 0);
  const weighted = buckets.reduce((sum, b) => sum + b.requests * b.cells[B_A_MEAN]!, 0);
  return {
    ticks: buckets.reduce((sum, b) => sum + b.ticks, 0),
    requests,
    mean: (requests === 0 ? 0 : weighted / requests).toFixed(6),
  };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const every = (stepMs: number, fromMs: number, toMs: number): number[] =>
  range(0, Math.ceil((toMs - fromMs) / stepMs)).map((i) => fromMs + i * stepMs);
const rollingOf = (b: bl.Baseline): Bucket[] => b.rolling.flat();

/** Steps between ticks from one tick to half a day. */
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => n * TICK_MS) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }).map((n) => n * MINUTE) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map((n) => n * HOUR) },
  ),
  { minLength: 1, maxLength: 250 },
);
const timesOf = (list: readonly number[]): number[] => {
  let at = 0;
  return list.map((step) => {
    at += step;
    return at;
  });
};

describe('rolling buckets', () => {
  it('hold each of the newest ticks once, and forget whole days beyond a week', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { baseline, given, learn } = createPair(true);
        timesOf(list).forEach(learn);
        const held = rollingOf(baseline);
        const kept = held.reduce((sum, b) => sum + b.ticks, 0);
        expect(signatureOf(held)).toEqual(signature(range(given.length - kept, given.length)));
        const newestMs = given.at(-1)!.endMs;
        for (const forgotten of given.slice(0, given.length - kept))
          expect(forgotten.endMs).toBeLessThanOrEqual(newestMs - 7 * DAY);
        const oldest = given[given.length - kept]!;
        expect(oldest.endMs).toBeGreaterThan(newestMs - 8 * DAY);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['10m', 10 * MINUTE, 10 * MINUTE],
    ['1h', HOUR, 10 * MINUTE],
    ['24h', DAY, 4 * HOUR],
    ['7d', 7 * DAY, DAY],
  ] as const)('of the last %s hold all of its ticks, and at most a bucket more', (name, rangeMs, spanMs) => {
    fc.assert(
      fc.property(steps, (list) => {
        const { baseline, given, learn } = createPair(true);
        timesOf(list).forEach(learn);
        const window = bl.rollingWindow(baseline, name, 1)!;
        expect(signatureOf([window])).toEqual(signature(range(given.length - window.ticks, given.length)));
        const newestMs = given.at(-1)!.endMs;
        const within = given.filter(({ endMs }) => endMs > newestMs - rangeMs).length;
        const around = given.filter(({ endMs }) => endMs > newestMs - rangeMs - spanMs).length;
        expect(window.ticks).toBeGreaterThanOrEqual(within);
        expect(window.ticks).toBeLessThanOrEqual(around);
      }),
      { numRuns: 60 },
    );
  });

  it('of a month of full traffic are few, and their bytes do not grow with it', () => {
    const { baseline, learn } = createPair(true);
    const sizes: number[] = [];
    let most = 0;
    for (const atMs of every(MINUTE, 0, 30 * DAY)) {
      learn(atMs);
      most = Math.max(most, rollingOf(baseline).length);
      if (atMs % DAY === 0) {
        const bytes = rollingOf(baseline).reduce((sum, b) => sum + encode(bucketCodec, b).length, 0);
        sizes.push(bytes);
      }
    }
    expect(most).toBeLessThanOrEqual(26);
    expect(Math.max(...sizes)).toBeLessThan(8 * 1024);
    expect(Math.max(...sizes.slice(20))).toBe(Math.max(...sizes.slice(9, 20)));
  });

  it('of nothing are no window', () => {
    expect(bl.rollingWindow(bl.newBaseline(1, true), '7d', 1)).toBeNull();
    expect(bl.bucketsBetween(bl.newBaseline(1, true), 0, Number.MAX_SAFE_INTEGER, 1)).toBeNull();
  });

  it('take a tick that comes late into the bucket of its time', () => {
    const { baseline, learn } = createPair(true);
    for (const atMs of [0, 30 * MINUTE, 5 * MINUTE, 25 * MINUTE]) learn(atMs);
    const [first, second] = baseline.rolling[0]!;
    expect(signatureOf([first!])).toEqual(signature([0, 2]));
    expect(signatureOf([second!])).toEqual(signature([3]));
  });
});

describe('learning', () => {
  it('takes ticks at once while calibrating', () => {
    const { baseline, learn } = createPair(true);
    every(TICK_MS, 0, 5 * MINUTE).forEach(learn);
    expect(signatureOf([baseline.learning!, baseline.trial!])).toEqual(signature(range(0, 30)));
    expect(signatureOf(rollingOf(baseline))).toEqual(signature(range(0, 30)));
    expect(baseline.waiting).toEqual([]);
  });

  it('lets ticks wait half an hour afterwards, and loses none', () => {
    const { baseline, given, learn } = createPair(false);
    for (const atMs of every(TICK_MS, 0, 3 * HOUR)) {
      learn(atMs);
      const nowMs = given.at(-1)!.endMs;
      const entered = rollingOf(baseline).reduce((sum, b) => sum + b.ticks, 0);
      const due = given.filter(({ endMs }) => endMs <= nowMs - rollingDelayMs).length;
      expect(entered).toBeLessThanOrEqual(due);
      expect(due - entered).toBeLessThanOrEqual((10 * MINUTE) / TICK_MS);
    }
    const all = [...rollingOf(baseline), ...baseline.waiting];
    expect(signatureOf(all)).toEqual(signature(range(0, given.length)));
  });

  it.each([
    [59, 10, false],
    [60, 10, true],
    [60, 9, false],
    [120, 5, true],
  ])('of %d ticks of %d flushes is enough: %s', (ticks, flushes, enough) => {
    const { baseline } = createPair(true);
    for (let i = 0; i < ticks; i++) {
      const tick = bareTick(FIRST + i, 1, Array(flushes).fill({ requests: 1, mean: 0 }));
      bl.learnTick(baseline, tick, 1, DEFAULT_SETTINGS);
    }
    expect(bl.isEnough(baseline.learning!, DEFAULT_SETTINGS)).toBe(enough);
  });
});

describe('an incident', () => {
  /** Two hours of quiet, an onset told a minute late, and ten minutes of incident. */
  function withIncident() {
    const pair = createPair(false);
    every(TICK_MS, 0, 2 * HOUR).forEach(pair.learn);
    const onsetMs = FIRST * TICK_MS + 2 * HOUR - MINUTE;
    const quiet = pair.given.length;
    bl.setWaitingAside(pair.baseline, onsetMs, 1);
    every(TICK_MS, 2 * HOUR, 2 * HOUR + 10 * MINUTE).forEach(pair.setAside);
    return { ...pair, onsetMs, quiet };
  }

  it('teaches nothing: what waits from its onset on is set aside, what is older enters at once', () => {
    const { baseline, given, onsetMs } = withIncident();
    expect(baseline.waiting).toEqual([]);
    const aside = baseline.setAside!;
    const entered = rollingOf(baseline);
    expect(signatureOf([...entered, aside])).toEqual(signature(range(0, given.length)));
    expect(signatureOf([aside])).toEqual(signature(range(given.length - aside.ticks, given.length)));
    const first = given[given.length - aside.ticks]!;
    expect(first.endMs - TICK_MS).toBeLessThanOrEqual(onsetMs);
    expect(first.endMs - TICK_MS).toBeGreaterThan(onsetMs - 10 * MINUTE);
  });

  it('that is over leaves no trace, and learning goes on', () => {
    const { baseline, quiet, learn, given } = withIncident();
    const aside = baseline.setAside!.ticks;
    bl.dropSetAside(baseline);
    every(TICK_MS, 3 * HOUR, 4 * HOUR).forEach(learn);
    const ids = [...range(0, given.length)].filter(
      (id) => id < quiet + 60 - aside || given[id]!.endMs > FIRST * TICK_MS + 3 * HOUR,
    );
    expect(signatureOf([...rollingOf(baseline), ...baseline.waiting])).toEqual(signature(ids));
  });

  it('that is accepted starts the new baseline', () => {
    const { baseline, given } = withIncident();
    const aside = baseline.setAside!.ticks;
    bl.relearn(baseline, 1);
    const ids = range(given.length - aside, given.length);
    expect(signatureOf([baseline.learning!])).toEqual(signature(ids));
    expect(signatureOf(rollingOf(baseline))).toEqual(signature(ids));
    expect([baseline.setAside, baseline.waiting]).toEqual([null, []]);
  });

  it('that is accepted before any tick starts from nothing', () => {
    const { baseline, learn } = createPair(false);
    every(TICK_MS, 0, HOUR).forEach(learn);
    bl.relearn(baseline, 1);
    expect([baseline.learning!.ticks, rollingOf(baseline)]).toEqual([0, []]);
    expect([baseline.trial, baseline.series]).toEqual([null, []]);
    learn(2 * HOUR);
    expect([baseline.learning!.ticks, baseline.trial!.ticks, baseline.series.length]).toEqual([0, 1, 1]);
  });
});

it('time taken back forgets what lies after it, and goes on from there', () => {
  const { baseline, given, learn } = createPair(false);
  every(TICK_MS, 0, 20 * HOUR).forEach(learn);
  const backMs = FIRST * TICK_MS + 10 * HOUR;
  bl.forgetFrom(baseline, backMs);
  const kept = rollingOf(baseline).reduce((sum, b) => sum + b.ticks, 0);
  expect(signatureOf(rollingOf(baseline))).toEqual(signature(range(0, kept)));
  expect(given[kept - 1]!.endMs).toBeLessThanOrEqual(backMs);
  expect(given[kept - 1]!.endMs).toBeGreaterThan(backMs - 4 * HOUR);
  expect(baseline.waiting).toEqual([]);
  every(TICK_MS, 10 * HOUR, 11 * HOUR).forEach(learn);
  expect(signatureOf([...rollingOf(baseline), ...baseline.waiting]).ticks).toBe(kept + 360);
  expect(bl.baselineOf(bl.namedBuckets(baseline))).toEqual(baseline);
});

describe('stored buckets', () => {
  it('make the same baseline again', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (list, learns) => {
        const { baseline, learn, setAside } = createPair(learns);
        const times = timesOf(list);
        times.forEach(learn);
        if (list.length % 2 === 0) setAside(times.at(-1)! + TICK_MS);
        // The series is stored beside the buckets.
        const { series } = baseline;
        expect({ ...bl.baselineOf(bl.namedBuckets(baseline)), series }).toEqual(baseline);
      }),
      { numRuns: 60 },
    );
  });

  it('of a place nobody knows are refused', () => {
    const bucket = createPair(true).baseline.learning!;
    for (const name of ['elsewhere', '9-1', '-1', ''])
      expect(() => bl.baselineOf(new Map([[name, bucket]]))).toThrow(CodecError);
  });
});

it('a reference of a time range is made of the buckets that lie within it', () => {
  const { baseline, given, learn } = createPair(false);
  every(TICK_MS, 0, 2 * HOUR).forEach(learn);
  const startMs = FIRST * TICK_MS;
  const half = bl.bucketsBetween(baseline, startMs, startMs + HOUR, 1)!;
  expect(half.ticks).toBeGreaterThan(0);
  expect(half.fromMs).toBeGreaterThanOrEqual(startMs);
  expect(half.toMs).toBeLessThanOrEqual(startMs + HOUR);
  const all = bl.bucketsBetween(baseline, startMs, startMs + 3 * HOUR, 1)!;
  expect(signatureOf([all])).toEqual(signature(range(0, given.length)));
  expect(bl.bucketsBetween(baseline, startMs + SECOND, startMs + MINUTE, 1)).toBeNull();
});
