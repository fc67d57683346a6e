/** Divergence of two exponential histograms, at the coarser of their scales. */
import type { Histogram, Side } from '../histogram.ts';
import { countDivergence, type Divergence } from './divergence.ts';

/** Finer than this, a single flush leaves most bins nearly empty and the divergence measures its size. */
const SCALE_MAX = 1;

/** Null when either histogram is empty. The first bin is zero. */
export function histogramDivergence(now: Histogram, baseline: Histogram): Divergence | null {
  const scale = Math.min(now.scale, baseline.scale, SCALE_MAX);
  const zeroThreshold = Math.max(now.zeroThreshold, baseline.zeroThreshold);
  const firstKept = zeroThreshold > 0 ? bucketAfter(zeroThreshold, scale) : Number.NEGATIVE_INFINITY;
  const positive = rangeOf(now, baseline, 'positive', scale, firstKept);
  const negative = rangeOf(now, baseline, 'negative', scale, firstKept);
  const bins = 1 + positive.length + negative.length;
  const count = (h: Histogram): Float64Array => {
    const counts = new Float64Array(bins);
    counts[0] = h.zeroCount;
    addSide(counts, h.positive, h.scale - scale, positive.start, 1);
    addSide(counts, h.negative, h.scale - scale, negative.start, 1 + positive.length);
    return counts;
  };
  return countDivergence(count(now), count(baseline));
}

/** The first bucket that is not wholly at or below a magnitude: bucket i ends at 2^((i+1)·2^−scale). */
const bucketAfter = (magnitude: number, scale: number): number =>
  Math.floor(Math.log2(magnitude) * 2 ** scale + 1e-9);

/** Buckets at `scale` from the first to the last that either histogram has on a side, without those that are zero. */
function rangeOf(
  a: Histogram,
  b: Histogram,
  side: 'positive' | 'negative',
  scale: number,
  firstKept: number,
): { start: number; length: number } {
  let start = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (const h of [a, b]) {
    const { offset, counts } = h[side];
    if (counts.length === 0) continue;
    const width = 2 ** (h.scale - scale);
    start = Math.min(start, Math.floor(offset / width));
    end = Math.max(end, Math.floor((offset + counts.length - 1) / width) + 1);
  }
  start = Math.max(start, firstKept);
  return { start, length: Math.max(0, end - start) };
}

/** Buckets of a side into bins that begin with bucket `start` at place `at`; what lies before is zero. */
function addSide(
  bins: Float64Array,
  { offset, counts }: Side,
  halvings: number,
  start: number,
  at: number,
): void {
  const width = 2 ** halvings;
  for (let i = 0; i < counts.length; i++) {
    const bucket = Math.floor((offset + i) / width);
    const bin = bucket < start ? 0 : at + bucket - start;
    bins[bin] = bins[bin]! + counts[i]!;
  }
}
