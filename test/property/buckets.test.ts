/** Merging buckets and sums: what was added together is the same however it was grouped. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as b from '../../agent/core/bucket.ts';
import { components } from '../../agent/core/score/components.ts';
import { BINS } from '../../agent/core/score/latency.ts';
import { R_BINS, REQUESTS_KEY } from '../../agent/core/sums/requests.ts';
import type { Sums } from '../../agent/core/sums.ts';
import { enterSums, mergeSums, sumSources } from '../../agent/core/sums.ts';
import { bareTick } from '../kit/ticks.ts';

const flush = fc.record({
  requests: fc.integer({ min: 1, max: 30 }),
  mean: fc.double({ min: -100, max: 100, noNaN: true }),
  variance: fc.double({ min: 0.1, max: 10, noNaN: true }),
});
const tick = fc.array(flush, { minLength: 1, maxLength: 3 });
const ticks = fc.array(tick, { minLength: 1, maxLength: 8 });
type Flushes = readonly { requests: number; mean: number; variance: number }[];

function bucketOf(given: readonly Flushes[], from = 0): b.Bucket {
  const bucket = b.newBucket(1);
  for (const [i, flushes] of given.entries()) b.addTick(bucket, bareTick(from + i, 1, flushes), 'full');
  return bucket;
}
const close = (a: number, other: number, scale = 1) =>
  expect(Math.abs(a - other)).toBeLessThanOrEqual(1e-9 * Math.max(scale, Math.abs(other)));

test('a merged bucket is the bucket of all ticks, near or far', () => {
  fc.assert(
    fc.property(ticks, ticks, (one, other) => {
      const merged = bucketOf(one);
      b.mergeBuckets(merged, bucketOf(other, one.length));
      const all = bucketOf([...one, ...other]);
      for (const at of [b.B_MEAN, b.B_A_MEAN, b.B_A_BETWEEN, b.B_A_WITHIN, b.B_V_MEAN, b.B_V_BETWEEN])
        close(merged.cells[at]!, all.cells[at]!, 1e6);
      for (const at of [b.B_TICKS, b.B_FLUSHES, b.B_REQUESTS]) expect(merged.cells[at]).toBe(all.cells[at]);
    }),
  );
});

test('a local merge has the mean of all, and at most a tick more of the scatter of each by itself', () => {
  fc.assert(
    fc.property(ticks, ticks, (one, other) => {
      const [left, right] = [bucketOf(one), bucketOf(other, one.length)];
      const merged = bucketOf(one);
      b.mergeBuckets(merged, right, true);
      const all = bucketOf([...one, ...other]);
      for (const at of [b.B_A_MEAN, b.B_V_MEAN]) {
        close(merged.cells[at]!, all.cells[at]!);
        const [between, within] = [at + 1, at + 2];
        const own = left.cells[between]! + right.cells[between]!;
        const freedom = one.length + other.length - 2;
        expect(merged.cells[between]!).toBeGreaterThanOrEqual(own * (1 - 1e-9));
        if (freedom > 0)
          expect(merged.cells[between]!).toBeLessThanOrEqual(own * (1 + 1 / freedom) * (1 + 1e-9));
        close(merged.cells[within]!, all.cells[within]!, 1e6);
        // Up to rounding it is never more than that of all ticks together.
        expect(merged.cells[between]!).toBeLessThanOrEqual(all.cells[between]! * (1 + 1e-9) + 2e-3);
      }
    }),
  );
});

test('a baseline that grows by another hour keeps its scatter, however far that hour lies', () => {
  const pair = fc.array(flush, { minLength: 2, maxLength: 2 });
  const quiet = fc.array(pair, { minLength: 12, maxLength: 16 });
  fc.assert(
    fc.property(quiet, fc.double({ min: -1_000, max: 1_000, noNaN: true }), (given, away) => {
      const moved = given.map((flushes) => flushes.map((f) => ({ ...f, mean: f.mean + away })));
      const grown = bucketOf(given);
      const before = components(grown.cells, 0, 'mean')!;
      b.mergeBuckets(grown, bucketOf(moved, given.length), true);
      const after = components(grown.cells, 0, 'mean')!;
      expect(after.tickVariance).toBeLessThanOrEqual(before.tickVariance * 2 + 1e-9);
    }),
  );
});

/** Rows of requests, which add up, and of what nobody knows. */
const rows = fc.dictionary(fc.constantFrom(REQUESTS_KEY, 'nobody/knows'), fc.integer({ min: 0, max: 1_000 }));

const sumsOf = (given: Readonly<Record<string, number>>): Sums =>
  new Map(
    Object.entries(given).map(([key, value]) => [
      key,
      Float64Array.from({ length: R_BINS + BINS }, (_, i) => value + i),
    ]),
  );
const shown = (sums: Sums) => [...sums].map(([key, row]) => [key, [...row]] as const).sort();

test('sums of sources do not depend on how sources are grouped, nor on what nobody knows', () => {
  fc.assert(
    fc.property(rows, rows, rows, (a, c, d) => {
      const [one, two, three] = [sumsOf(a), sumsOf(c), sumsOf(d)];
      const together = sumSources([one, two, three]);
      const grouped = sumSources([sumSources([one, two]), three]);
      expect(shown(grouped).map(([key]) => key)).toEqual(shown(together).map(([key]) => key));
      for (const [key, row] of together)
        for (const [i, value] of row.entries()) close(grouped.get(key)![i]!, value);
    }),
  );
});

test('a baseline of sums holds only kinds that are known, and merging leaves the other as it was', () => {
  fc.assert(
    fc.property(rows, rows, (a, c) => {
      const [into, from]: Sums[] = [new Map(), new Map()];
      enterSums(into!, sumsOf(a));
      enterSums(from!, sumsOf(c));
      const before = shown(from!);
      mergeSums(into!, from!);
      expect(shown(from!)).toEqual(before);
      expect(into!.has('nobody/knows')).toBe(false);
      for (const key of from!.keys()) expect(into!.has(key)).toBe(true);
    }),
  );
});
