/** Quantile of an exponential histogram, geometric inside a bucket. */
import type { Histogram } from '../histogram.ts';

/** `share` between 0 and 1; NaN when the histogram is empty. */
export function quantileOf(h: Histogram, share: number): number {
  const total = sum(h.negative.counts) + h.zeroCount + sum(h.positive.counts);
  if (!(total > 0)) return Number.NaN;
  let left = share * total;
  const base = 2 ** (2 ** -h.scale);
  const { negative, positive } = h;
  for (let i = negative.counts.length - 1; i >= 0; i--) {
    const count = negative.counts[i]!;
    if (left < count) return -(base ** (negative.offset + i + 1 - left / count));
    left -= count;
  }
  if (left < h.zeroCount) return 0;
  left -= h.zeroCount;
  for (let i = 0; i < positive.counts.length; i++) {
    const count = positive.counts[i]!;
    if (left <= count && count > 0) return base ** (positive.offset + i + left / count);
    left -= count;
  }
  return base ** (positive.offset + positive.counts.length);
}

const sum = (counts: Float64Array): number => counts.reduce((a, b) => a + b, 0);
