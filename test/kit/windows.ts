/** Ticks and baselines of windows: features and histograms, simulated, on the layers of the detector suite. */
import { addTick, type Bucket, newBucket } from '../../agent/core/bucket.ts';
import type { Event } from '../../agent/core/decode/event.ts';
import { placesOf } from '../../agent/core/layout.ts';
import { addActivations, addSums, closeTick, newOpenTick, type TickSummary } from '../../agent/core/tick.ts';
import { createEmitter, createGaussian } from './events.ts';
import { TICK_MS } from './ticks.ts';

/** Any events as the tick of that index. */
export function windowTick(index: number, layers: readonly string[], events: readonly Event[]): TickSummary {
  const open = newOpenTick(index, layers.length);
  for (const event of events) {
    if (event.kind === 'activations')
      addActivations(open, event, placesOf(event.layers ?? [], layers), layers.length);
    addSums(open, event);
  }
  return closeTick(open, TICK_MS, layers.length);
}

export function baselineOf(layers: readonly string[], ticks: readonly TickSummary[]): Bucket {
  const bucket = newBucket(layers.length);
  for (const tick of ticks) addTick(bucket, tick, 'full');
  return bucket;
}

/** Values as an exponential histogram of scale 2. */
export function histogramOf(values: readonly number[], scale = 2) {
  const zeroThreshold = 2 ** -12;
  const sideOf = (sign: 1 | -1) => {
    const buckets = values
      .filter((x) => x * sign > zeroThreshold)
      .map((x) => Math.ceil(Math.log2(x * sign) * 2 ** scale) - 1);
    if (buckets.length === 0) return { offset: 0, counts: [] };
    const offset = buckets.reduce((a, b) => Math.min(a, b));
    const counts = new Array<number>(buckets.reduce((a, b) => Math.max(a, b)) - offset + 1).fill(0);
    for (const bucket of buckets) counts[bucket - offset]!++;
    return { offset, counts };
  };
  return {
    scale,
    zero_count: values.filter((x) => Math.abs(x) <= zeroThreshold).length,
    zero_threshold: zeroThreshold,
    positive: sideOf(1),
    negative: sideOf(-1),
  };
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;
export const varianceOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return meanOf(values.map((x) => (x - mean) ** 2));
};

export interface FeatureWorld {
  readonly layer?: string;
  readonly site?: 'input' | 'output';
  readonly features?: number;
  readonly tokens?: number;
  readonly pods?: readonly string[];
  /** What a feature's mean is moved by (its standard deviation is 1), and its variance multiplied with. */
  readonly mean?: (feature: number, source: string) => number;
  readonly variance?: (feature: number, source: string) => number;
}

/** One window of `channels` of each pod: means scatter by 1/√(tokens/40) around the feature's number, variances likewise. */
export function channelEvents(gaussian: () => number, world: FeatureWorld = {}) {
  const { layer = 'middle', site = 'output', features = 64, tokens = 4_000 } = world;
  const scatter = Math.sqrt(40 / tokens);
  return (world.pods ?? ['pod-0', 'pod-1', 'pod-2']).map((source) => {
    const indexes = Array.from({ length: features }, (_, f) => f);
    return createEmitter(source).send('channels', 1_772_409_600_000, {
      window_ms: 30_000,
      tokens,
      layers: [layer],
      sites: [site],
      mean: [indexes.map((f) => (f % 7) - 3 + (world.mean?.(f, source) ?? 0) + scatter * gaussian())],
      variance: [indexes.map((f) => Math.exp(scatter * gaussian()) * (world.variance?.(f, source) ?? 1))],
    });
  });
}

/** Twenty windows of three pods. */
export function channelBaseline(layers: readonly string[], world: FeatureWorld = {}, seed = 1): Bucket {
  const gaussian = createGaussian(seed);
  return baselineOf(
    layers,
    Array.from({ length: 20 }, (_, i) => windowTick(3 * i, layers, channelEvents(gaussian, world))),
  );
}
