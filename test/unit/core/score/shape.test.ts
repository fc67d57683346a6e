/** Statistics of a shape against those of the values themselves; neither place nor scale moves them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromWire } from '../../../../agent/core/histogram.ts';
import { SHAPE_STATISTICS, shapeOf, zeroShare } from '../../../../agent/core/score/shape.ts';
import { createGaussian } from '../../../kit/events.ts';
import { histogramOf, varianceOf } from '../../../kit/windows.ts';

const drawn = (of: (x: number) => number, count = 20_000): number[] => {
  const gaussian = createGaussian(5);
  return Array.from({ length: count }, () => of(gaussian()));
};
const named = (values: readonly number[], scale = 2) => {
  const shape = shapeOf(histogramOf(values, scale), varianceOf(values))!;
  return Object.fromEntries(SHAPE_STATISTICS.map(({ name }, s) => [name, shape[s]!]));
};
/** Straight from the sorted values. */
function oracle(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const [q1, q2, q3] = [0.25, 0.5, 0.75].map((p) => sorted[Math.floor(p * sorted.length)]!) as [
    number,
    number,
    number,
  ];
  const range = q3 - q1;
  const share = (is: (x: number) => boolean): number => values.filter(is).length / values.length;
  return {
    tails: Math.sqrt(share((x) => Math.abs(x - q2) > 3 * range)),
    centre: share((x) => Math.abs(x - q2) < range / 8),
    asymmetry: (q3 + q1 - 2 * q2) / range,
    width: Math.log(range / Math.sqrt(varianceOf(values))),
  };
}

describe('the shape of a histogram', () => {
  it.each([
    ['normal values', (x: number) => x],
    ['heavy tails', (x: number) => x ** 3],
    ['a skewed distribution', (x: number) => Math.exp(0.5 * x)],
    ['clipped values', (x: number) => Math.max(-1.2, Math.min(1.2, x))],
  ])('is that of the values: %s', (_, of) => {
    const values = drawn(of);
    const found = named(values);
    const expected = oracle(values);
    expect(found.tails).toBeCloseTo(expected.tails, 1);
    expect(Math.abs(found.centre! - expected.centre)).toBeLessThan(0.02);
    expect(Math.abs(found.asymmetry! - expected.asymmetry)).toBeLessThan(0.05);
    expect(Math.abs(found.width! - expected.width)).toBeLessThan(0.05);
  });

  it('is hardly moved by a stretch or a shift, far less than by another shape', () => {
    const plain = named(drawn((x) => x));
    for (const same of [
      named(drawn((x) => 7 * x)),
      named(drawn((x) => x / 300)),
      named(drawn((x) => x + 0.3)),
    ]) {
      for (const { name, least } of SHAPE_STATISTICS)
        expect(Math.abs(same[name]! - plain[name]!)).toBeLessThan(least);
    }
    const clipped = named(drawn((x) => Math.max(-1.2, Math.min(1.2, x))));
    expect(Math.abs(clipped.width! - plain.width!)).toBeGreaterThan(0.1);
  });

  it('is read at one scale, so finer buckets tell the same', () => {
    const values = drawn((x) => x);
    for (const scale of [3, 5, 8]) {
      const found = named(values, scale);
      for (const { name } of SHAPE_STATISTICS) expect(found[name]).toBeCloseTo(named(values, 1)[name]!, 9);
    }
  });

  it('takes its own variance where none was sent', () => {
    const values = drawn((x) => x);
    const shape = shapeOf(histogramOf(values), null)!;
    expect(shape[3]).toBeCloseTo(named(values).width!, 1);
  });

  const side = { offset: 0, counts: [200, 100] };
  it.each([
    ['is empty', { scale: 2, zero_count: 0 }],
    ['has counts of nothing', { scale: 2, zero_count: 0, positive: { offset: 3, counts: [0, 0] } }],
    [
      'has too few values',
      { scale: 2, zero_count: 0, positive: { offset: 0, counts: [30, 0, 0, 0, 30, 0, 0, 0, 39] } },
    ],
    ['is all zeros', { scale: 2, zero_count: 1_000 }],
    ['is coarser than half an octave', { scale: 0, zero_count: 0, positive: side }],
    [
      'is as coarse as they come',
      { scale: -10, zero_count: 9, positive: { offset: -1, counts: [200, 100] } },
    ],
    [
      'spans all doubles',
      { scale: 1, zero_count: 0, positive: { offset: -2_100, counts: new Array(2_048).fill(1) } },
    ],
    [
      'ends at the largest doubles',
      {
        scale: 1,
        zero_count: 0,
        positive: { offset: 2_046, counts: [200, 100] },
        negative: { offset: 2_046, counts: [200, 100] },
      },
    ],
  ])('is not known when it %s', (_, histogram) => expect(shapeOf(histogram, null)).toBeNull());

  it('is not known where the variance is 0', () => {
    expect(shapeOf({ scale: 2, zero_count: 0, positive: { offset: 0, counts: [200] } }, 0)).toBeNull();
  });

  it('is null or finite for any histogram', () => {
    const counts = fc.array(fc.nat(1_000), { maxLength: 300 });
    const given = fc.record({
      scale: fc.integer({ min: -10, max: 20 }),
      zero_count: fc.nat(1_000),
      zero_threshold: fc.constantFrom(0, 1e-6, 0.5, 1e300),
      positive: fc.record({ offset: fc.integer({ min: -900, max: 500 }), counts }),
      negative: fc.record({ offset: fc.integer({ min: -900, max: 500 }), counts }),
    });
    const variance = fc.constantFrom(null, 0, 1e-300, 1, 1e308);
    fc.assert(
      fc.property(given, variance, (histogram, of) => {
        const shape = shapeOf(histogram, of);
        expect(shape === null || shape.every(Number.isFinite)).toBe(true);
      }),
    );
  });
});

describe('the share of zeros', () => {
  const of = (given: Record<string, unknown>) => fromWire({ scale: 0, zero_count: 0, ...given } as never);

  it('counts what lies at or below the threshold, on both sides', () => {
    // Buckets −4, −3, −2 end at 1/8, 1/4, 1/2.
    const side = { offset: -4, counts: [1, 1, 3] };
    const h = of({ zero_count: 2, positive: side, negative: side });
    expect(zeroShare(h, 0)).toBe(2 / 12);
    expect(zeroShare(h, 0.25)).toBe(6 / 12);
    expect(zeroShare(h, 0.24)).toBe(4 / 12);
    expect(zeroShare(h, 100)).toBe(1);
  });
});
