/**
 * The shape of a distribution, whatever its place and scale: statistics of one exponential histogram that neither a shift
 * nor a stretch moves. Values inside a bucket are taken as spread evenly; all histograms are read at one scale, so what
 * that gets wrong it gets wrong alike.
 *
 * Quantiles instead of moments, since activations of a few features lie far out: the quartile coefficient of skewness is
 * Bowley's ("Elements of Statistics", 1901), shares around and beyond quartiles follow Moors ("A quantile alternative for
 * kurtosis", The Statistician 37, 1988).
 */
import type { Histogram as WireHistogram } from '../decode/event.ts';
import { fromWire, type Histogram, histogramTotal, type Side, withScale } from '../histogram.ts';

/** Buckets an octave = 2^scale. Coarser histograms tell no shape. */
const SCALE = 1;
/** Fewer values than this have no quartiles to speak of. */
const VALUES_MIN = 100;

/** What each is called, and the least difference that counts, in its own unit. */
export const SHAPE_STATISTICS = [
  /** Square root (which steadies the scatter of rare shares) of the share beyond three quartile ranges of the median. */
  { name: 'tails', least: 0.02 },
  /** Share within an eighth of a quartile range of the median. */
  { name: 'centre', least: 0.01 },
  /** (q₇₅ + q₂₅ − 2·q₅₀) / (q₇₅ − q₂₅). */
  { name: 'asymmetry', least: 0.015 },
  /** ln of the quartile range over the standard deviation. */
  { name: 'width', least: 0.1 },
] as const;

const TAIL_RANGES = 3;
const CENTRE_RANGES = 1 / 8;

/**
 * Values of SHAPE_STATISTICS. `variance` is that of the same flush; where it was not sent, the histogram's own. Null when
 * the histogram is too coarse or too small, or when its quartiles coincide.
 */
export function shapeOf(wire: WireHistogram, variance: number | null): number[] | null {
  const h = withScale(fromWire(wire), SCALE);
  if (h.scale !== SCALE) return null;
  const segments = segmentsOf(h);
  if (segments.total < VALUES_MIN) return null;
  const low = quantile(segments, 0.25);
  const middle = quantile(segments, 0.5);
  const high = quantile(segments, 0.75);
  const range = high - low;
  const deviation = Math.sqrt(variance ?? ownVariance(segments));
  const inside = (ranges: number): number =>
    shareBelow(segments, middle + ranges * range) - shareBelow(segments, middle - ranges * range);
  const statistics = [
    Math.sqrt(Math.max(0, 1 - inside(TAIL_RANGES))),
    inside(CENTRE_RANGES),
    (high + low - 2 * middle) / range,
    Math.log(range / deviation),
  ];
  return statistics.every(Number.isFinite) ? statistics : null;
}

/** Buckets as intervals in order of their values: `edges` in pairs, one count for each pair. */
interface Segments {
  readonly edges: Float64Array;
  readonly counts: Float64Array;
  readonly total: number;
}

function segmentsOf(h: Histogram): Segments {
  const { negative, positive } = h;
  const length = negative.counts.length + 1 + positive.counts.length;
  const edges = new Float64Array(2 * length);
  const counts = new Float64Array(length);
  let at = 0;
  for (let i = negative.counts.length - 1; i >= 0; i--, at++) {
    counts[at] = negative.counts[i]!;
    edges[2 * at] = -edgeOf(negative, i + 1);
    edges[2 * at + 1] = -edgeOf(negative, i);
  }
  counts[at] = h.zeroCount;
  edges[2 * at] = -h.zeroThreshold;
  edges[2 * at + 1] = h.zeroThreshold;
  at++;
  for (let i = 0; i < positive.counts.length; i++, at++) {
    counts[at] = positive.counts[i]!;
    edges[2 * at] = edgeOf(positive, i);
    edges[2 * at + 1] = edgeOf(positive, i + 1);
  }
  return { edges, counts, total: histogramTotal(h) };
}

const edgeOf = ({ offset }: Side, i: number): number => 2 ** ((offset + i) * 2 ** -SCALE);

function quantile({ edges, counts, total }: Segments, share: number): number {
  const wanted = share * total;
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count > 0 && below + count >= wanted) {
      const low = edges[2 * i]!;
      return low + (edges[2 * i + 1]! - low) * ((wanted - below) / count);
    }
    below += count;
  }
  return edges.at(-1)!;
}

function shareBelow({ edges, counts, total }: Segments, value: number): number {
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    const low = edges[2 * i]!;
    const high = edges[2 * i + 1]!;
    if (high <= value) below += counts[i]!;
    else if (low < value) below += counts[i]! * ((value - low) / (high - low));
  }
  return below / total;
}

function ownVariance({ edges, counts, total }: Segments): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < counts.length; i++) {
    const middle = edges[2 * i]! / 2 + edges[2 * i + 1]! / 2;
    sum += counts[i]! * middle;
    squares += counts[i]! * middle * middle;
  }
  return squares / total - (sum / total) ** 2;
}

/** Share of values of a magnitude up to `threshold`, in whole buckets. */
export function zeroShare(h: Histogram, threshold: number): number {
  const kept =
    threshold > 0 ? Math.floor(Math.log2(threshold) * 2 ** h.scale + 1e-9) : Number.NEGATIVE_INFINITY;
  const below = ({ offset, counts }: Side): number => {
    let sum = 0;
    for (let i = 0; i < counts.length && offset + i < kept; i++) sum += counts[i]!;
    return sum;
  };
  return (h.zeroCount + below(h.positive) + below(h.negative)) / histogramTotal(h);
}
