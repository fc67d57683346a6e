/** Divergence of two exponential histograms, at the coarser of their scales. */
import { type Histogram, type Side, withScale } from '../histogram.ts';
import { countDivergence, type Divergence } from './divergence.ts';

/** Finer than this, a single flush leaves most bins nearly empty and the divergence measures its size. */
const SCALE_MAX = 1;

/** Null when either histogram is empty. */
export function histogramDivergence(now: Histogram, baseline: Histogram): Divergence | null {
  const scale = Math.min(now.scale, baseline.scale, SCALE_MAX);
  const a = withScale(now, scale);
  const b = withScale(baseline, scale);
  const zeroThreshold = Math.max(a.zeroThreshold, b.zeroThreshold);
  const bins: Bins = { now: [a.zeroCount], baseline: [b.zeroCount] };
  const firstKept = zeroThreshold > 0 ? bucketAfter(zeroThreshold, scale) : Number.NEGATIVE_INFINITY;
  alignSides(a.positive, b.positive, firstKept, bins);
  alignSides(a.negative, b.negative, firstKept, bins);
  return countDivergence(bins.now, bins.baseline);
}

/** Counts bin by bin; the first bin is zero. */
interface Bins {
  readonly now: number[];
  readonly baseline: number[];
}

/** The first bucket that is not wholly at or below a magnitude: bucket i ends at 2^((i+1)·2^−scale). */
const bucketAfter = (magnitude: number, scale: number): number =>
  Math.floor(Math.log2(magnitude) * 2 ** scale + 1e-9);

/** Bins of both sides from the first to the last that either has; what lies below `firstKept` is zero. */
function alignSides(a: Side, b: Side, firstKept: number, bins: Bins): void {
  const sides = [a, b].filter((s) => s.counts.length > 0);
  if (sides.length === 0) return;
  const start = Math.min(...sides.map((s) => s.offset));
  const end = Math.max(...sides.map((s) => s.offset + s.counts.length));
  for (let i = start; i < end; i++) {
    const bin = i < firstKept ? 0 : bins.now.length;
    bins.now[bin] = (bins.now[bin] ?? 0) + (a.counts[i - a.offset] ?? 0);
    bins.baseline[bin] = (bins.baseline[bin] ?? 0) + (b.counts[i - b.offset] ?? 0);
  }
}
