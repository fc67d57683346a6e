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
  const left: number[] = [a.zeroCount];
  const right: number[] = [b.zeroCount];
  alignSides(a.positive, b.positive, left, right);
  alignSides(a.negative, b.negative, left, right);
  return countDivergence(left, right);
}

/** Bins of both sides from the first to the last that either has. */
function alignSides(a: Side, b: Side, left: number[], right: number[]): void {
  const starts = [a, b].filter((s) => s.counts.length > 0).map((s) => s.offset);
  const ends = [a, b].map((s) => s.offset + s.counts.length);
  if (starts.length === 0) return;
  for (let i = Math.min(...starts); i < Math.max(...ends); i++) {
    left.push(a.counts[i - a.offset] ?? 0);
    right.push(b.counts[i - b.offset] ?? 0);
  }
}
