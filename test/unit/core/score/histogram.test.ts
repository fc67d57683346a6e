/** Bins are lined up at the coarser scale by hand here; the divergence of lined-up counts has a test of its own. */
import { describe, expect, it } from 'vitest';
import { fromWire, type Histogram } from '../../../../agent/core/histogram.ts';
import { countDivergence } from '../../../../agent/core/score/divergence.ts';
import { histogramDivergence } from '../../../../agent/core/score/histogram.ts';

const EMPTY = { offset: 0, counts: [] };
const make = (given: Record<string, unknown>): Histogram =>
  fromWire({ scale: 0, zero_count: 0, positive: EMPTY, negative: EMPTY, ...given } as never);

describe('divergence of histograms', () => {
  it('lines up zero, then positive, then negative buckets', () => {
    const now = make({
      zero_count: 3,
      positive: { offset: 2, counts: [5, 6] },
      negative: { offset: 0, counts: [7] },
    });
    const then = make({ zero_count: 1, positive: { offset: 0, counts: [2, 0, 4] } });
    expect(histogramDivergence(now, then)).toEqual(countDivergence([3, 0, 0, 5, 6, 7], [1, 2, 0, 4, 0, 0]));
  });

  it('compares at the coarser scale, and never at a finer one than two buckets an octave', () => {
    const fine = make({ scale: 3, positive: { offset: 0, counts: [1, 2, 3, 4, 5, 6, 7, 8] } });
    const coarse = make({ positive: { offset: 0, counts: [10, 1] } });
    expect(histogramDivergence(fine, coarse)).toEqual(countDivergence([0, 36, 0], [0, 10, 1]));
    expect(histogramDivergence(fine, fine)).toEqual(countDivergence([0, 10, 26], [0, 10, 26]));
    const other = make({ scale: 3, positive: { offset: 0, counts: [8, 2, 3, 4, 5, 6, 7, 1] } });
    expect(histogramDivergence(fine, other)).toEqual(countDivergence([0, 10, 26], [0, 17, 19]));
  });

  it('adds no bins between the buckets there are and zero', () => {
    const now = make({ positive: { offset: -40, counts: [5, 1] } });
    const then = make({ positive: { offset: -40, counts: [1, 5] }, negative: EMPTY });
    expect(histogramDivergence(now, then)).toEqual(countDivergence([0, 5, 1], [0, 1, 5]));
    const bare = make({ zero_count: 9 });
    expect(histogramDivergence(now, bare)).toEqual(countDivergence([0, 5, 1], [9, 0, 0]));
  });

  it('takes what lies at or below the larger zero threshold for zero, on both sides', () => {
    // Buckets −4, −3, −2 end at 1/8, 1/4, 1/2.
    const positive = { offset: -4, counts: [1, 10, 100] };
    const negative = { offset: -3, counts: [1000, 5] };
    const now = make({ zero_count: 2, zero_threshold: 0.25 });
    const then = make({ zero_threshold: 0, positive, negative });
    expect(histogramDivergence(now, then)).toEqual(countDivergence([2, 0, 0], [1011, 100, 5]));
    // A bucket that only begins below the threshold stays a bucket.
    const between = make({ zero_count: 2, zero_threshold: 0.24 });
    expect(histogramDivergence(between, then)).toEqual(
      countDivergence([2, 0, 0, 0, 0], [1, 10, 100, 1000, 5]),
    );
  });

  it('is null when either is empty', () => {
    const some = make({ zero_count: 4 });
    expect(histogramDivergence(some, make({}))).toBeNull();
    expect(histogramDivergence(make({}), some)).toBeNull();
  });
});
