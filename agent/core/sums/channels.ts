/**
 * Mean and variance of each feature of the layers that `channels` events name: a row per layer and site.
 *
 * Of a tick: tokens, events, then mean and variance of each feature over all of them (pairwise update of Chan, Golub,
 * LeVeque, 1979). Of a baseline: tokens, ticks, then for each feature the mean and the sum of squares of its means, and
 * the same of its log variance; both weighted by tokens, so that a sum of squares over ticks − 1 is the variance of one
 * token's worth, whatever the volume. A feature that was not finite is NaN in a tick and is left out of a baseline.
 */
import type { Column, Event } from '../decode/event.ts';
import type { RowOf, SumKind } from '../sums.ts';

/** Rows of one event, and features of one row: what a baseline keeps of an event is at most some 2 MB. */
export const CHANNEL_ROWS_MAX = 64;
export const CHANNEL_FEATURES_MAX = 4_096;

export const C_TOKENS = 0;
/** Events in a tick's row, ticks in a baseline's. */
export const C_PARTS = 1;
const HEAD = 2;
const TICK_WIDTH = 2;
const BASELINE_WIDTH = 4;

/** Columns of a feature, counted from `tickAt` or `baselineAt`. */
export const F_MEAN = 0;
export const F_VARIANCE = 1;
export const F_MEAN_M2 = 1;
export const F_LOG_VARIANCE = 2;
export const F_LOG_VARIANCE_M2 = 3;

/** A variance of 0 has a logarithm here, far below any that is measured. */
const VARIANCE_MIN = 1e-30;
export const logVariance = (variance: number): number => Math.log(Math.max(VARIANCE_MIN, variance));

const PREFIX = 'channels';
export const channelKey = (layer: string, site: string): string => `${PREFIX}/${site}/${layer}`;

/** Layer and site of a key, null when it is no row of features. */
export function channelOf(key: string): { layer: string; site: 'input' | 'output' } | null {
  const site = key.startsWith(`${PREFIX}/input/`)
    ? 'input'
    : key.startsWith(`${PREFIX}/output/`)
      ? 'output'
      : null;
  return site === null ? null : { layer: key.slice(channelKey('', site).length), site };
}

export const tickFeatures = (row: Float64Array): number => (row.length - HEAD) / TICK_WIDTH;
export const tickAt = (feature: number): number => HEAD + feature * TICK_WIDTH;
export const baselineFeatures = (row: Float64Array): number => (row.length - HEAD) / BASELINE_WIDTH;
export const baselineAt = (feature: number): number => HEAD + feature * BASELINE_WIDTH;

export const CHANNELS: SumKind = {
  prefix: PREFIX,
  kinds: ['channels'],
  add(event: Event, rowOf: RowOf): void {
    if (event.kind !== 'channels' || event.probe !== undefined) return;
    const { tokens = 1, layers, sites, mean, variance } = event;
    if (mean === undefined || variance === undefined || tokens === 0) return;
    const rows = Math.min(layers.length, CHANNEL_ROWS_MAX);
    for (let i = 0; i < rows; i++) {
      const features = mean[i]!.length;
      if (features === 0 || features > CHANNEL_FEATURES_MAX) continue;
      const row = rowOf(channelKey(layers[i]!, sites[i]!), HEAD + features * TICK_WIDTH);
      if (row !== null) addTick(row, tickRow(tokens, mean[i]!, variance[i]!));
    }
  },
  addTick,
  enter,
  merge,
};

function tickRow(tokens: number, mean: Column, variance: Column): Float64Array {
  const row = new Float64Array(HEAD + mean.length * TICK_WIDTH);
  row[C_TOKENS] = tokens;
  row[C_PARTS] = 1;
  for (let f = 0; f < mean.length; f++) {
    const at = tickAt(f);
    const whole = mean[f] !== null && variance[f] !== null;
    row[at + F_MEAN] = whole ? mean[f]! : Number.NaN;
    row[at + F_VARIANCE] = whole ? variance[f]! : Number.NaN;
  }
  return row;
}

function addTick(into: Float64Array, from: Float64Array): void {
  const part = from[C_TOKENS]! / (into[C_TOKENS]! + from[C_TOKENS]!);
  into[C_TOKENS] = into[C_TOKENS]! + from[C_TOKENS]!;
  into[C_PARTS] = into[C_PARTS]! + from[C_PARTS]!;
  for (let at = HEAD; at < into.length; at += TICK_WIDTH) {
    const shift = from[at + F_MEAN]! - into[at + F_MEAN]!;
    into[at + F_MEAN] = into[at + F_MEAN]! + shift * part;
    const apart = shift * part * shift * (1 - part);
    into[at + F_VARIANCE] =
      into[at + F_VARIANCE]! + (from[at + F_VARIANCE]! - into[at + F_VARIANCE]!) * part + apart;
  }
}

function enter(row: Float64Array | null, tick: Float64Array): Float64Array {
  const features = tickFeatures(tick);
  const one = new Float64Array(HEAD + features * BASELINE_WIDTH);
  one[C_TOKENS] = tick[C_TOKENS]!;
  one[C_PARTS] = 1;
  for (let f = 0; f < features; f++) {
    const at = baselineAt(f);
    one[at + F_MEAN] = tick[tickAt(f) + F_MEAN]!;
    one[at + F_LOG_VARIANCE] = logVariance(tick[tickAt(f) + F_VARIANCE]!);
  }
  if (row === null || row.length !== one.length) return one;
  merge(row, one);
  return row;
}

function merge(into: Float64Array, from: Float64Array): void {
  const w = into[C_TOKENS]!;
  const part = from[C_TOKENS]! / (w + from[C_TOKENS]!);
  into[C_TOKENS] = w + from[C_TOKENS]!;
  into[C_PARTS] = into[C_PARTS]! + from[C_PARTS]!;
  for (let at = HEAD; at < into.length; at += 2) {
    if (Number.isNaN(from[at]!)) continue;
    const known = !Number.isNaN(into[at]!);
    const shift = known ? from[at]! - into[at]! : 0;
    into[at] = known ? into[at]! + shift * part : from[at]!;
    into[at + 1] = into[at + 1]! + from[at + 1]! + shift * shift * w * part;
  }
}
