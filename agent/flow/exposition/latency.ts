import { METRICS } from '../../catalog.ts';
import { BOUNDS } from '../../core/totals.ts';
import type { StreamView } from '../../core/view.ts';
import type { DurationsView } from '../../core/view-latency.ts';
import type { Collector } from './collector.ts';
import { streamIdentity } from './model.ts';

/** Series of one layer: buckets, sum and count. */
export const OP_SERIES = BOUNDS + 3;

/** Whole requests; ops are told layer by layer. */
export function addRequests(out: Collector, stream: StreamView): void {
  const identity = streamIdentity(stream);
  const { requests, errors, durations, nonFinite } = stream.latency;
  out.add(METRICS.requests_total, identity, {}, requests);
  out.add(METRICS.request_errors_total, identity, {}, errors);
  for (const { output, requests: count } of nonFinite)
    out.add(METRICS.requests_nonfinite_total, identity, { output }, count);
  if (durations !== null)
    out.addHistogram(METRICS.request_duration_seconds, identity, {}, pointOf(durations));
}

export function addOps(out: Collector, stream: StreamView, isShown: (layer: string) => boolean): void {
  const identity = streamIdentity(stream);
  for (const { layer, durations } of stream.latency.ops)
    if (isShown(layer))
      out.addHistogram(METRICS.norm_op_duration_seconds, identity, { layer }, pointOf(durations));
}

const pointOf = ({ boundsSeconds, counts, seconds }: DurationsView) => ({
  bounds: boundsSeconds,
  // Shares of a bucket that was split are no whole requests, and OTLP knows only those.
  counts: counts.map(Math.round),
  sum: seconds,
});
