/** Buckets against sums of squares written from the definition over all flushes at once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as b from '../../../agent/core/bucket.ts';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import { fromWire } from '../../../agent/core/histogram.ts';
import * as o from '../../../agent/core/output-sum.ts';
import { createEmitter, SECOND, T0 } from '../../kit/events.ts';
import { bareTick, TICK_MS, tickOf } from '../../kit/ticks.ts';

interface Flush {
  readonly requests: number;
  readonly mean: number;
  readonly variance: number;
}

const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);

/** within = Σ ticks Σ flushes r·(m − m̄_tick)², between = Σ ticks W·(m̄_tick − m̄)². */
function squares(ticks: readonly (readonly Flush[])[], value: (f: Flush) => number) {
  const weighted = (flushes: readonly Flush[]): number =>
    sum(flushes.map((f) => f.requests * value(f))) / sum(flushes.map((f) => f.requests));
  const mean = weighted(ticks.flat());
  const within = sum(
    ticks.flatMap((flushes) => flushes.map((f) => f.requests * (value(f) - weighted(flushes)) ** 2)),
  );
  const between = sum(
    ticks.map((flushes) => sum(flushes.map((f) => f.requests)) * (weighted(flushes) - mean) ** 2),
  );
  return { mean, within, between };
}

const bucketOf = (ticks: readonly (readonly Flush[])[], first = 0): b.Bucket => {
  const bucket = b.newBucket(1);
  ticks.forEach((flushes, i) => {
    b.addTick(bucket, bareTick(first + i, 1, flushes), 'full');
  });
  return bucket;
};

const SIZE = 100;
/** Doubles crowd around 0: extremes that differ by about their tolerance chain up, and then order would matter. */
const value = fc.double({ min: -SIZE, max: SIZE, noNaN: true }).map((x) => (Math.abs(x) < 1e-3 ? 0 : x));
const flush = fc.record({
  requests: fc.integer({ min: 1, max: 300 }),
  mean: value,
  variance: fc.double({ min: 0, max: SIZE, noNaN: true }),
});
const someTicks = fc.array(fc.array(flush, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });

/** Close in units of the largest value that went in. */
function expectClose(found: number, wanted: number, unit: number): void {
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-12 * Math.max(Math.abs(wanted), unit));
}

function expectSameBucket(found: b.Bucket, wanted: b.Bucket): void {
  const { cells: foundCells, changed: _, ...foundRest } = found;
  const { cells: wantedCells, changed: __, ...wantedRest } = wanted;
  expect(foundRest).toEqual(wantedRest);
  const weight = wanted.requests * SIZE ** 2 * 100;
  wantedCells.forEach((value, i) => {
    expectClose(foundCells[i]!, value, i % b.BUCKET_STRIDE === b.B_MEAN ? SIZE : weight);
  });
}

describe('bucket', () => {
  it('keeps what requests scatter in a tick apart from what ticks scatter', () => {
    fc.assert(
      fc.property(someTicks, (ticks) => {
        const { cells, requests, flushes } = bucketOf(ticks);
        const weight = sum(ticks.flat().map((f) => f.requests));
        expect([requests, flushes, cells[b.B_TICKS]]).toEqual([weight, ticks.flat().length, ticks.length]);
        for (const [value, column] of [
          [(f: Flush) => f.mean, b.B_A_MEAN],
          [(f: Flush) => f.variance, b.B_V_MEAN],
        ] as const) {
          const wanted = squares(ticks, value);
          expectClose(cells[column]!, wanted.mean, SIZE);
          expectClose(cells[column + 1]!, wanted.between, weight * SIZE ** 2);
          expectClose(cells[column + 2]!, wanted.within, weight * SIZE ** 2);
        }
      }),
    );
  });

  it('holds the mean, variance and extremes of all elements', () => {
    fc.assert(
      fc.property(someTicks, (ticks) => {
        const { cells } = bucketOf(ticks);
        const all = ticks.flat();
        const elements = sum(all.map((f) => f.requests * 100));
        const mean = sum(all.map((f) => f.requests * 100 * f.mean)) / elements;
        const squared = sum(all.map((f) => f.requests * 100 * (f.variance + (f.mean - mean) ** 2)));
        expect(cells[b.B_COUNT]).toBe(elements);
        expectClose(cells[b.B_MEAN]!, mean, SIZE);
        expectClose(cells[b.B_M2]!, squared, elements * SIZE ** 2);
      }),
    );
  });

  it('merged from buckets is the bucket of their ticks one by one, in any grouping', () => {
    fc.assert(
      fc.property(someTicks, fc.nat(), fc.nat(), (ticks, one, other) => {
        const [cut, end] = [one % (ticks.length + 1), other % (ticks.length + 1)].sort((x, y) => x - y);
        const parts = [ticks.slice(0, cut), ticks.slice(cut, end), ticks.slice(end)];
        const firsts = [0, cut!, end!];
        const merged = b.newBucket(1);
        // The last first: order does not matter either.
        for (const i of [2, 0, 1]) b.mergeBuckets(merged, bucketOf(parts[i]!, firsts[i]!));
        expectSameBucket(merged, bucketOf(ticks));
      }),
    );
  });

  it('covers event time from the start of its first tick to the end of its last', () => {
    const bucket = b.newBucket(1);
    for (const index of [7, 3, 5]) b.addTick(bucket, bareTick(index, 1, [{ requests: 1, mean: 0 }]), 'full');
    expect([bucket.fromMs, bucket.toMs]).toEqual([3 * TICK_MS, 8 * TICK_MS]);
  });

  it('counts a cell only in ticks that measured it', () => {
    const emitter = createEmitter('pod-0');
    const both = { input: { mean: 1, variance: 2, count: 10 }, output: { mean: 3, variance: 4, count: 10 } };
    const bucket = b.newBucket(2);
    b.addTick(bucket, tickOf(0, ['a', 'b'], [emitter.flush(T0, { a: both, b: both })]), 'full');
    b.addTick(
      bucket,
      tickOf(1, ['a', 'b'], [emitter.flush(T0 + SECOND, { a: { input: both.input } })]),
      'full',
    );
    const ticks = [0, 1, 2, 3].map((cell) => bucket.cells[cell * b.BUCKET_STRIDE + b.B_TICKS]);
    expect(ticks).toEqual([2, 1, 1, 1]);
    expect(bucket.cells[3 * b.BUCKET_STRIDE + b.B_A_MEAN]).toBe(3);
    expect(bucket.ticks).toBe(2);
  });

  it('keeps histograms and outputs only when told to', () => {
    const emitter = createEmitter('pod-0');
    const histogram = { scale: 0, zero_count: 1, positive: { offset: 0, counts: [2] } };
    const layer = { a: { input: { mean: 1, variance: 1, count: 3, histogram } } };
    const tick = tickOf(0, ['a'], [emitter.flush(T0, layer), emitter.outputs(T0, [0.25, 0.75])]);
    const full = b.newBucket(1);
    b.addTick(full, tick, 'full');
    b.addTick(full, tick, 'full');
    const moments = b.newBucket(1);
    b.addTick(moments, tick, 'moments');
    const detail = b.newBucket(0);
    b.addTick(detail, tick, 'detail');
    expect(full.histograms[0]).toEqual(
      fromWire({ ...histogram, zero_count: 2, positive: { offset: 0, counts: [4] } } as never),
    );
    expect([...full.outputs.get('logits')!.probabilities]).toEqual([0.25, 0.75]);
    expect(full.outputs.get('logits')!.weight).toBe(20);
    expect([moments.histograms, moments.outputs.size, moments.ticks]).toEqual([[], 0, 1]);
    expect([detail.cells.length, detail.histograms.length, detail.outputs.size]).toEqual([0, 1, 1]);
  });

  it('weighs distributions by requests, and starts anew where their length changes', () => {
    const into = new Map<string, o.OutputSum>();
    const of = (requests: number, ...probabilities: number[]): o.OutputSum => ({
      ...o.newOutputSum(),
      requests,
      weight: requests,
      probabilities: Float64Array.from(probabilities),
    });
    o.mergeOutput(into, 'x', of(10, 0.1, 0.9));
    o.mergeOutput(into, 'x', of(30, 0.5, 0.5));
    expect([...into.get('x')!.probabilities].map((p) => p.toFixed(12))).toEqual([
      '0.400000000000',
      '0.600000000000',
    ]);
    o.mergeOutput(into, 'x', of(5, 0.2, 0.3, 0.5));
    expect([into.get('x')!.requests, into.get('x')!.weight]).toEqual([45, 5]);
    expect([...into.get('x')!.probabilities]).toEqual([0.2, 0.3, 0.5]);
  });

  it('under other layers holds the same numbers at their new places', () => {
    const bucket = b.newBucket(2);
    b.addTick(bucket, bareTick(0, 2, [{ requests: 2, mean: (cell) => cell }]), 'full');
    bucket.histograms = [null, null, null, fromWire({ scale: 0, zero_count: 5 } as never)];
    b.moveBucket(bucket, Int32Array.of(2, 0), 3);
    const means = Array.from({ length: 6 }, (_, cell) => bucket.cells[cell * b.BUCKET_STRIDE + b.B_A_MEAN]);
    expect(means).toEqual([2, 3, 0, 0, 0, 1]);
    expect(bucket.histograms.map((h) => h?.zeroCount ?? null)).toEqual([null, 5, null, null, null, null]);
  });

  it('comes back from its bytes', () => {
    const bucket = bucketOf([
      [{ requests: 3, mean: 1.5, variance: 2 }],
      [{ requests: 1, mean: -1, variance: 0 }],
    ]);
    o.mergeOutput(bucket.outputs, 'x', { ...o.newOutputSum(), requests: 4 });
    const back = decodeBytes(b.bucketCodec, encode(b.bucketCodec, bucket));
    expect(back).toEqual({ ...bucket, changed: false });
  });
});
