/**
 * Exponential histograms as in the OpenTelemetry data model: bucket i of scale s covers (2^(i·2^−s), 2^((i+1)·2^−s)].
 * Merging goes to the coarser scale, where bucket i becomes i >> k, so it is exact and in any order.
 */
import { type Codec, f64, floats, nullable, struct } from './codec.ts';
import type { Buckets, Histogram as WireHistogram } from './decode/event.ts';

export interface Histogram {
  scale: number;
  zeroCount: number;
  zeroThreshold: number;
  positive: Side;
  negative: Side;
}

export interface Side {
  offset: number;
  counts: Float64Array;
}

/** Most buckets kept on a side; beyond, the scale is lowered. */
export const HISTOGRAM_BUCKETS_MAX = 160;

const side: Codec<Side> = struct<Side>({ offset: f64, counts: floats });
export const histogramCodec: Codec<Histogram> = struct<Histogram>({
  scale: f64,
  zeroCount: f64,
  zeroThreshold: f64,
  positive: side,
  negative: side,
});
export const maybeHistogramCodec = nullable(histogramCodec);

export function fromWire(wire: WireHistogram): Histogram {
  let result: Histogram = {
    scale: wire.scale,
    zeroCount: wire.zero_count,
    zeroThreshold: wire.zero_threshold ?? 0,
    positive: sideOf(wire.positive),
    negative: sideOf(wire.negative),
  };
  while (
    result.positive.counts.length > HISTOGRAM_BUCKETS_MAX ||
    result.negative.counts.length > HISTOGRAM_BUCKETS_MAX
  ) {
    result = withScale(result, result.scale - 1);
  }
  return result;
}

const sideOf = (wire: Buckets | undefined): Side =>
  wire === undefined || wire.counts.length === 0
    ? { offset: 0, counts: new Float64Array(0) }
    : { offset: wire.offset, counts: Float64Array.from(wire.counts) };

/**
 * Adds a histogram as sent, in place where its buckets are there already: the same as merging it, at a fraction of the
 * cost. `into` must belong to the caller alone.
 */
export function addWire(into: Histogram | null, wire: WireHistogram): Histogram {
  if (into === null) return fromWire(wire);
  const fits =
    wire.scale === into.scale && holds(into.positive, wire.positive) && holds(into.negative, wire.negative);
  if (!fits) return mergeHistograms(into, fromWire(wire))!;
  into.zeroCount += wire.zero_count;
  into.zeroThreshold = Math.max(into.zeroThreshold, wire.zero_threshold ?? 0);
  addCounts(into.positive, wire.positive);
  addCounts(into.negative, wire.negative);
  return into;
}

const holds = ({ offset, counts }: Side, wire: Buckets | undefined): boolean =>
  wire === undefined ||
  wire.counts.length === 0 ||
  (wire.offset >= offset && wire.offset + wire.counts.length <= offset + counts.length);

function addCounts({ offset, counts }: Side, wire: Buckets | undefined): void {
  if (wire === undefined) return;
  const shift = wire.offset - offset;
  for (let i = 0; i < wire.counts.length; i++) counts[shift + i] = counts[shift + i]! + wire.counts[i]!;
}

/**
 * `into` plus `from`, in a new value; either may be null. The result depends on the counts alone, not on their order or
 * grouping: so buckets below the larger zero threshold stay where they are, and only who compares takes them for zero.
 */
export function mergeHistograms(into: Histogram | null, from: Histogram | null): Histogram | null {
  if (from === null) return into;
  if (into === null) return from;
  let scale = Math.min(into.scale, from.scale);
  let a = withScale(into, scale);
  let b = withScale(from, scale);
  while (
    span(a.positive, b.positive) > HISTOGRAM_BUCKETS_MAX ||
    span(a.negative, b.negative) > HISTOGRAM_BUCKETS_MAX
  ) {
    scale--;
    a = withScale(a, scale);
    b = withScale(b, scale);
  }
  return {
    scale,
    zeroCount: a.zeroCount + b.zeroCount,
    zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
    positive: addSides(a.positive, b.positive),
    negative: addSides(a.negative, b.negative),
  };
}

export function histogramTotal(h: Histogram): number {
  let total = h.zeroCount;
  for (const count of h.positive.counts) total += count;
  for (const count of h.negative.counts) total += count;
  return total;
}

/** The same counts at a lower scale. */
export function withScale(h: Histogram, scale: number): Histogram {
  const halvings = h.scale - scale;
  if (halvings <= 0) return h;
  return {
    ...h,
    scale,
    positive: coarser(h.positive, halvings),
    negative: coarser(h.negative, halvings),
  };
}

function coarser(s: Side, halvings: number): Side {
  if (s.counts.length === 0) return { offset: 0, counts: s.counts };
  const factor = 2 ** halvings;
  const offset = Math.floor(s.offset / factor);
  const last = Math.floor((s.offset + s.counts.length - 1) / factor);
  const counts = new Float64Array(last - offset + 1);
  for (let i = 0; i < s.counts.length; i++) {
    const at = Math.floor((s.offset + i) / factor) - offset;
    counts[at] = counts[at]! + s.counts[i]!;
  }
  return { offset, counts };
}

/** Buckets from the first to the last of both sides. */
function span(a: Side, b: Side): number {
  if (a.counts.length === 0) return b.counts.length;
  if (b.counts.length === 0) return a.counts.length;
  return Math.max(a.offset + a.counts.length, b.offset + b.counts.length) - Math.min(a.offset, b.offset);
}

function addSides(a: Side, b: Side): Side {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const offset = Math.min(a.offset, b.offset);
  const counts = new Float64Array(span(a, b));
  counts.set(a.counts, a.offset - offset);
  for (let i = 0; i < b.counts.length; i++) {
    const at = b.offset - offset + i;
    counts[at] = counts[at]! + b.counts[i]!;
  }
  return { offset, counts };
}
