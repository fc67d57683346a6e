/** Histograms against ones built from raw values by the rule of the data model, at the scale of the result. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../agent/core/codec.ts';
import {
  addWire,
  fromWire,
  HISTOGRAM_BUCKETS_MAX,
  type Histogram,
  histogramCodec,
  histogramTotal,
  mergeHistograms,
  type Side,
  withScale,
} from '../../../agent/core/histogram.ts';

/** Bucket i of scale s covers (2^(i·2^−s), 2^((i+1)·2^−s)]: exact, by search among the boundaries themselves. */
function bucketOf(magnitude: number, scale: number): number {
  const boundary = (i: number): number => 2 ** (i / 2 ** scale);
  let i = Math.floor(Math.log2(magnitude) * 2 ** scale) - 1;
  while (boundary(i + 1) < magnitude) i++;
  while (boundary(i) >= magnitude) i--;
  return i;
}

type Counts = Record<string, number>;

/** Counts by place: `zero`, `+3`, `-7` … */
function naive(values: readonly number[], scale: number, threshold: number): Counts {
  const counts: Counts = {};
  for (const value of values) {
    const key =
      Math.abs(value) <= threshold ? 'zero' : `${value > 0 ? '+' : '-'}${bucketOf(Math.abs(value), scale)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function countsOf(h: Histogram): Counts {
  const counts: Counts = {};
  if (h.zeroCount > 0) counts.zero = h.zeroCount;
  const put = (sign: string, side: Side): void => {
    side.counts.forEach((count, i) => {
      if (count > 0) counts[`${sign}${side.offset + i}`] = count;
    });
  };
  put('+', h.positive);
  put('-', h.negative);
  return counts;
}

const wireSide = (counts: Counts, sign: string) => {
  const places = Object.keys(counts).filter((key) => key.startsWith(sign));
  if (places.length === 0) return { offset: 0, counts: [] };
  const indexes = places.map((key) => Number(key.slice(1)));
  const offset = Math.min(...indexes);
  const list = new Array<number>(Math.max(...indexes) - offset + 1).fill(0);
  for (const i of indexes) list[i - offset] = counts[`${sign}${i}`]!;
  return { offset, counts: list };
};

/** What a producer would send for these values. */
function wireOf(values: readonly number[], scale: number, threshold = 0) {
  const counts = naive(values, scale, threshold);
  return {
    scale,
    zero_count: counts.zero ?? 0,
    zero_threshold: threshold,
    positive: wireSide(counts, '+'),
    negative: wireSide(counts, '-'),
  };
}

const built = (values: readonly number[], scale: number, threshold = 0): Histogram =>
  fromWire(wireOf(values, scale, threshold));

/** Of magnitudes that stay within the bucket cap at any of the scales drawn. */
const value = fc
  .tuple(fc.boolean(), fc.double({ min: -2, max: 2, noNaN: true }))
  .map(([negative, exponent]) => (negative ? -1 : 1) * 2 ** exponent);
const sample = fc.record({
  values: fc.array(value, { maxLength: 60 }),
  scale: fc.integer({ min: -3, max: 4 }),
});
/** Of any magnitude and scale, so that the cap bites. */
const wild = fc.record({
  values: fc.array(
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => Math.abs(x) >= 1e-300 || x === 0),
    { maxLength: 12 },
  ),
  scale: fc.integer({ min: -10, max: 4 }),
  threshold: fc.constantFrom(0, 2 ** -12, 0.3),
});

const bytesOf = (h: Histogram | null): string =>
  h === null ? '' : Buffer.from(encode(histogramCodec, h)).toString('hex');
const all = (parts: readonly Histogram[]): Histogram | null =>
  parts.reduce<Histogram | null>((sum, part) => mergeHistograms(sum, part), null);

describe('histograms', () => {
  it.each([
    [1, 0, -1],
    [1.0000001, 0, 0],
    [2, 0, 0],
    [2.0000001, 0, 1],
    [4, 1, 3],
    [3, -1, 0],
    [4.1, -1, 1],
    [0.5, 0, -2],
  ])('the oracle puts %d at scale %d into bucket %d', (magnitude, scale, index) => {
    expect(bucketOf(magnitude, scale)).toBe(index);
  });

  it('of different scales merge to the histogram of all values at the coarser one', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 6 }), (samples) => {
        const merged = all(samples.map((s) => built(s.values, s.scale)))!;
        const coarsest = Math.min(...samples.map((s) => s.scale));
        expect(merged.scale).toBe(coarsest);
        expect(countsOf(merged)).toEqual(
          naive(
            samples.flatMap((s) => s.values),
            coarsest,
            0,
          ),
        );
      }),
    );
  });

  it('merge to the same bytes in any order and grouping', () => {
    fc.assert(
      fc.property(fc.array(wild, { minLength: 3, maxLength: 5 }), fc.nat(), (samples, turn) => {
        const parts = samples.map((s) => built(s.values, s.scale, s.threshold));
        const straight = bytesOf(all(parts));
        const turned = [...parts.slice(turn % parts.length), ...parts.slice(0, turn % parts.length)];
        expect(bytesOf(all(turned))).toBe(straight);
        expect(bytesOf(all([...parts].reverse()))).toBe(straight);
        expect(bytesOf(mergeHistograms(parts[0]!, all(parts.slice(1))))).toBe(straight);
      }),
      { numRuns: 300 },
    );
  });

  it('keep every count, and no more buckets than the cap, however far apart the values are', () => {
    fc.assert(
      fc.property(fc.array(wild, { minLength: 1, maxLength: 6 }), (samples) => {
        const parts = samples.map((s) => built(s.values, s.scale, s.threshold));
        const merged = all(parts)!;
        expect(histogramTotal(merged)).toBe(samples.flatMap((s) => s.values).length);
        expect(merged.positive.counts.length).toBeLessThanOrEqual(HISTOGRAM_BUCKETS_MAX);
        expect(merged.negative.counts.length).toBeLessThanOrEqual(HISTOGRAM_BUCKETS_MAX);
      }),
      { numRuns: 300 },
    );
  });

  it('as sent are added in place to the bytes of the merged one', () => {
    fc.assert(
      fc.property(fc.array(wild, { minLength: 2, maxLength: 6 }), (samples) => {
        const wires = samples.map((s) => wireOf(s.values, s.scale, s.threshold) as never);
        const added = wires.reduce<Histogram | null>((sum, wire) => addWire(sum, wire), null);
        // Twice: the second time every bucket is there already.
        const twice = wires.reduce<Histogram | null>((sum, wire) => addWire(sum, wire), added);
        expect(bytesOf(twice)).toBe(bytesOf(all([...wires, ...wires].map((wire) => fromWire(wire)))));
      }),
      { numRuns: 200 },
    );
  });

  it('come from the wire at the finest scale that keeps within the cap', () => {
    const values = Array.from({ length: 2000 }, (_, i) => 2 ** (i / 100));
    // 20 octaves: 160 buckets at scale 3, 320 at scale 4. The lowest value is a boundary and lies in bucket −1.
    const found = built(values.slice(1), 4);
    expect(found.scale).toBe(3);
    expect(countsOf(found)).toEqual(naive(values.slice(1), 3, 0));
  });

  it('at both ends of what an offset may be merge into a few buckets at once', () => {
    const far = (offset: number) =>
      fromWire({ scale: 20, zero_count: 1, positive: { offset, counts: [1, 2, 3] } } as never);
    const merged = mergeHistograms(far(-(2 ** 31)), far(2 ** 31 - 4))!;
    expect(merged.positive.counts.length).toBeLessThanOrEqual(HISTOGRAM_BUCKETS_MAX);
    expect(histogramTotal(merged)).toBe(14);
  });

  it('at a lower scale count the same values in wider buckets', () => {
    fc.assert(
      fc.property(sample, fc.integer({ min: 0, max: 6 }), ({ values, scale }, down) => {
        const coarse = withScale(built(values, scale), scale - down);
        expect(countsOf(coarse)).toEqual(naive(values, scale - down, 0));
      }),
    );
  });

  it('of nothing are the other one, and both are left as they were', () => {
    const one = built([1, -2, 0], 2);
    const before = bytesOf(one);
    expect(mergeHistograms(null, one)).toBe(one);
    expect(mergeHistograms(one, null)).toBe(one);
    expect(mergeHistograms(null, null)).toBeNull();
    mergeHistograms(one, built([7, 9], 0));
    expect(bytesOf(one)).toBe(before);
  });

  it('take the larger zero threshold, and what was counted as zero stays zero', () => {
    const merged = mergeHistograms(built([0.1, 0.2, 4], 2, 0.15), built([0.01, 8], 2, 0.001))!;
    expect(merged.zeroThreshold).toBe(0.15);
    expect(merged.zeroCount).toBe(1);
    expect(histogramTotal(merged)).toBe(5);
  });
});
