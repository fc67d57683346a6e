/** Accumulators against naive sums over all values at once (two passes, float64), however the values are cut up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as m from '../../../agent/core/moments.ts';

interface Flush {
  readonly values: readonly number[];
  readonly tokenVariance: number;
  readonly requests: number;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const meanOf = (values: readonly number[]): number => sum(values) / values.length;
const varianceOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return sum(values.map((x) => (x - mean) ** 2)) / values.length;
};

/** Weighted mean and weighted sum of squared deviations. */
function weighted(pairs: readonly (readonly [value: number, weight: number])[]): [number, number] {
  const weight = sum(pairs.map(([, w]) => w));
  const mean = sum(pairs.map(([x, w]) => x * w)) / weight;
  return [mean, sum(pairs.map(([x, w]) => w * (x - mean) ** 2))];
}

/** What a row must hold, from the raw values. */
function expected(flushes: readonly Flush[]) {
  const all = flushes.flatMap((f) => f.values);
  const [aMean, aM2] = weighted(flushes.map((f) => [meanOf(f.values), f.requests]));
  const [vMean, vM2] = weighted(flushes.map((f) => [f.tokenVariance, f.requests]));
  return {
    count: all.length,
    mean: meanOf(all),
    variance: varianceOf(all),
    flushes: flushes.length,
    requests: sum(flushes.map((f) => f.requests)),
    aMean,
    aM2,
    vMean,
    vM2,
  };
}

const rowOf = (row: Float64Array, at = 0) => ({
  count: row[at + m.COUNT]!,
  mean: row[at + m.MEAN]!,
  variance: row[at + m.M2]! / row[at + m.COUNT]!,
  flushes: row[at + m.FLUSHES]!,
  requests: row[at + m.REQUESTS]!,
  aMean: row[at + m.A_MEAN]!,
  aM2: row[at + m.A_M2]!,
  vMean: row[at + m.V_MEAN]!,
  vM2: row[at + m.V_M2]!,
});

/** Close relative to the size of the numbers that went in. */
function expectClose(actual: ReturnType<typeof rowOf>, wanted: ReturnType<typeof expected>, scale: number) {
  for (const [key, value] of Object.entries(wanted)) {
    const unit = /variance|M2/.test(key) ? scale * scale : scale;
    const size = /M2/.test(key) ? wanted.requests : 1;
    const found = actual[key as keyof typeof wanted];
    expect(Math.abs(found - value) / Math.max(Math.abs(value), unit * size), key).toBeLessThan(1e-12);
  }
}

function add(row: Float64Array, at: number, { values, tokenVariance, requests }: Flush): void {
  m.addFlush(row, at, values.length, meanOf(values), varianceOf(values), tokenVariance, requests);
}

const SCALE = 1000;
const flush: fc.Arbitrary<Flush> = fc.record({
  values: fc.array(fc.double({ min: -SCALE, max: SCALE, noNaN: true }), { minLength: 1, maxLength: 20 }),
  tokenVariance: fc.double({ min: 0, max: SCALE, noNaN: true }),
  requests: fc.integer({ min: 1, max: 500 }),
});

describe('moments', () => {
  it('of flushes one by one are those of all values at once', () => {
    fc.assert(
      fc.property(fc.array(flush, { minLength: 1, maxLength: 30 }), (flushes) => {
        const row = new Float64Array(m.TICK_STRIDE);
        for (const one of flushes) add(row, 0, one);
        expectClose(rowOf(row), expected(flushes), SCALE);
      }),
      { numRuns: 200 },
    );
  });

  it('of any partition, merged in any order, are those of all values at once', () => {
    const partition = fc.array(fc.array(flush, { maxLength: 8 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(partition, fc.infiniteStream(fc.nat()), (parts, chance) => {
        const all = parts.flat();
        fc.pre(all.length > 0);
        const rows = parts.map((part) => {
          const row = new Float64Array(m.TICK_STRIDE);
          for (const one of part) add(row, 0, one);
          return row;
        });
        while (rows.length > 1) {
          const [from] = rows.splice(chance.next().value! % rows.length, 1);
          m.mergeTickRow(rows[chance.next().value! % rows.length]!, 0, from!, 0);
        }
        expectClose(rowOf(rows[0]!), expected(all), SCALE);
      }),
      { numRuns: 200 },
    );
  });

  it('hold a deviation of 1 beside a mean of 100,000,000', () => {
    const values = Array.from({ length: 10_000 }, (_, i) => 1e8 + (i % 2 === 0 ? 1 : -1));
    const row = new Float64Array(m.TICK_STRIDE);
    for (let i = 0; i < values.length; i += 100) {
      const part = values.slice(i, i + 100);
      const mean = part.reduce((a, b) => a + b, 0) / part.length;
      m.addFlush(row, 0, part.length, mean + (i % 200 === 0 ? 0.25 : -0.25), 1, 2, 7);
    }
    const found = rowOf(row);
    expect(found.mean).toBe(1e8);
    // Half of the flushes lie 0.25 higher, half as much lower.
    expect(found.variance).toBeCloseTo(1.0625, 9);
    expect(found.aMean).toBe(1e8);
    expect(found.aM2).toBeCloseTo(700 * 0.0625, 6);
    expect(found.vM2).toBe(0);
  });

  it('touch only their own row, and an empty row changes nothing', () => {
    const rows = new Float64Array(3 * m.TICK_STRIDE);
    m.addFlush(rows, m.TICK_STRIDE, 4, 2, 1, 1, 3);
    const before = rows.slice();
    m.mergeTickRow(rows, m.TICK_STRIDE, new Float64Array(m.TICK_STRIDE), 0);
    expect(rows).toEqual(before);
    expect([...rows.subarray(0, m.TICK_STRIDE), ...rows.subarray(2 * m.TICK_STRIDE)]).toEqual(
      new Array(2 * m.TICK_STRIDE).fill(0),
    );
  });
});
