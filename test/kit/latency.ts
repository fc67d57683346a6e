/** Op times and whole requests as events tell them: seeded, log-normal, with rare spikes. Ticks and baselines of them. */
import { addTick, type Bucket, newBucket } from '../../agent/core/bucket.ts';
import type { Event } from '../../agent/core/decode/event.ts';
import { addSums, closeTick, newOpenTick, type TickSummary } from '../../agent/core/tick.ts';
import { createGaussian } from './events.ts';
import { TICK_MS } from './ticks.ts';

/** Seconds of one call or request: `median` times e to the power of sigma times a normal number, or ten times that. */
export interface Times {
  readonly median: number;
  readonly sigma?: number;
  /** Share of times that are ten times as long. */
  readonly spikes?: number;
}

export type Draw = (times: Times) => number;

export function createDraw(seed: number): Draw {
  const gaussian = createGaussian(seed);
  // One in a thousand normal numbers is above 3.09: the tail of a second one decides on spikes.
  const above = (share: number): number => (share <= 0 ? Number.POSITIVE_INFINITY : -Math.log(share));
  return ({ median, sigma = 0.5, spikes = 0 }) => {
    const isSpike = (gaussian() ** 2 + gaussian() ** 2) / 2 > above(spikes);
    return median * Math.exp(sigma * gaussian()) * (isSpike ? 10 : 1);
  };
}

const SCALE = 3;

/** Exponential histogram of seconds as sent. */
export function secondsHistogram(seconds: readonly number[]) {
  const at = seconds.map((one) => Math.ceil(Math.log2(one) * 2 ** SCALE) - 1);
  const offset = Math.min(...at);
  const counts = new Array<number>(seconds.length === 0 ? 0 : Math.max(...at) - offset + 1).fill(0);
  for (const bucket of at) counts[bucket - offset]!++;
  return { scale: SCALE, zero_count: 0, positive: { offset: seconds.length === 0 ? 0 : offset, counts } };
}

export interface OpFlush {
  readonly source?: string;
  readonly calls?: number;
  readonly tokens?: number;
  /** By layer. */
  readonly times: (layer: number) => Times;
  /** Each call drawn and sent in a histogram; else one time for all calls. */
  readonly histogram?: boolean;
}

/** Body of an `activations` event that tells op times alone. */
export function opBody(
  layers: readonly string[],
  { calls = 10, tokens = 30 * calls, times, histogram = false }: OpFlush,
  draw: Draw,
) {
  const drawn = layers.map((_, layer) =>
    Array.from({ length: histogram ? calls : 1 }, () => draw(times(layer))),
  );
  const total = (seconds: readonly number[]): number =>
    Math.round(1e9 * (histogram ? 1 : calls) * seconds.reduce((sum, one) => sum + one, 0));
  return {
    requests: calls,
    tokens,
    layers,
    op: {
      count: layers.map(() => calls),
      time_ns: drawn.map(total),
      ...(histogram && { histogram: drawn.map(secondsHistogram) }),
    },
  };
}

/** A tick of events that carry nothing but sums: as fast as simulations of weeks need it, so nothing is decoded. */
export function sumTick(
  index: number,
  layers: readonly string[],
  events: readonly { kind: 'activations' | 'requests'; source: string; [field: string]: unknown }[],
): TickSummary {
  const open = newOpenTick(index, layers.length);
  for (const event of events) addSums(open, event as unknown as Event);
  return closeTick(open, TICK_MS, layers.length);
}

export const opTick = (
  index: number,
  layers: readonly string[],
  flushes: readonly OpFlush[],
  draw: Draw,
): TickSummary =>
  sumTick(
    index,
    layers,
    flushes.map((flush) => ({
      kind: 'activations',
      source: flush.source ?? 'pod-0',
      ...opBody(layers, flush, draw),
    })),
  );

export interface RequestFlush {
  readonly source?: string;
  readonly count: number;
  readonly errors?: number;
  /** Absent: no latency is told. */
  readonly times?: Times;
}

/** Body of a `requests` event. */
export const requestsBody = ({ count, errors = 0, times }: RequestFlush, draw: Draw) => ({
  count,
  errors,
  ...(times !== undefined && {
    latency: secondsHistogram(Array.from({ length: count }, () => draw(times))),
  }),
});

export const requestsTick = (index: number, flushes: readonly RequestFlush[], draw: Draw): TickSummary =>
  sumTick(
    index,
    [],
    flushes.map((flush) => ({
      kind: 'requests',
      source: flush.source ?? 'pod-0',
      ...requestsBody(flush, draw),
    })),
  );

/** What so many ticks teach. */
export function baselineOfTicks(ticks: readonly TickSummary[]): Bucket {
  const bucket = newBucket(0);
  for (const tick of ticks) addTick(bucket, tick, 'detail');
  return bucket;
}
