/**
 * How the shapes of a layer's histograms scatter: for each site the histograms seen, their requests, then for each statistic
 * of `score/shape.ts` its mean and sum of squares, weighted by requests. Tick and baseline keep the same, so that a sum of
 * squares over histograms − 1 is the variance of one request's worth.
 */
import type { Block, Event } from '../decode/event.ts';
import { SHAPE_STATISTICS, shapeOf } from '../score/shape.ts';
import type { RowOf, SumKind } from '../sums.ts';

export const H_COUNT = 0;
export const H_REQUESTS = 1;
const HEAD = 2;
const SITE_WIDTH = HEAD + 2 * SHAPE_STATISTICS.length;
export const SHAPE_WIDTH = 2 * SITE_WIDTH;

const PREFIX = 'shape';
export const shapeKey = (layer: string): string => `${PREFIX}/${layer}`;
/** Where a site begins in a row, and a statistic's mean in a site; its sum of squares is the number after it. */
export const siteAt = (site: number): number => site * SITE_WIDTH;
export const statisticAt = (statistic: number): number => HEAD + 2 * statistic;

export const SHAPE: SumKind = {
  prefix: PREFIX,
  kinds: ['activations'],
  add(event: Event, rowOf: RowOf): void {
    if (event.kind !== 'activations' || event.probe !== undefined) return;
    const { layers, requests, input, output } = event;
    if (layers === undefined || requests === 0) return;
    if (input !== undefined) addBlock(layers, input, 0, requests, rowOf);
    if (output !== undefined) addBlock(layers, output, 1, requests, rowOf);
  },
  addTick: merge,
  enter(row, tick) {
    if (row === null || row.length !== tick.length) return Float64Array.from(tick);
    merge(row, tick);
    return row;
  },
  merge,
};

function addBlock(
  layers: readonly string[],
  block: Block,
  site: number,
  requests: number,
  rowOf: RowOf,
): void {
  const { histogram, variance } = block;
  if (histogram === undefined) return;
  for (let i = 0; i < layers.length; i++) {
    const one = histogram[i];
    if (one === null || one === undefined) continue;
    const statistics = shapeOf(one, variance?.[i] ?? null);
    const row = statistics === null ? null : rowOf(shapeKey(layers[i]!), SHAPE_WIDTH);
    if (row === null) continue;
    const single = new Float64Array(SHAPE_WIDTH);
    const at = siteAt(site);
    single[at + H_COUNT] = 1;
    single[at + H_REQUESTS] = requests;
    statistics!.forEach((value, s) => {
      single[at + statisticAt(s)] = value;
    });
    merge(row, single);
  }
}

function merge(into: Float64Array, from: Float64Array): void {
  for (let at = 0; at < SHAPE_WIDTH; at += SITE_WIDTH) {
    const u = from[at + H_REQUESTS]!;
    if (u === 0) continue;
    const w = into[at + H_REQUESTS]!;
    const part = u / (w + u);
    into[at + H_COUNT] = into[at + H_COUNT]! + from[at + H_COUNT]!;
    into[at + H_REQUESTS] = w + u;
    for (let i = at + HEAD; i < at + SITE_WIDTH; i += 2) {
      const shift = from[i]! - into[i]!;
      into[i] = into[i]! + shift * part;
      into[i + 1] = into[i + 1]! + from[i + 1]! + shift * shift * w * part;
    }
  }
}
