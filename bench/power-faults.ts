/** Faults made by altering healthy ticks: what a shift, a scaled variance, a bad pod, a drift or an epsilon leaves. */
import type { Bucket } from '../agent/core/bucket.ts';
import * as m from '../agent/core/moments.ts';
import { shiftRow } from '../agent/core/resample.ts';
import { components } from '../agent/core/score/components.ts';
import type { TickSummary } from '../agent/core/tick.ts';

/** Moves one cell's row: an addition to its mean and a factor to its variance. */
export interface Move {
  readonly cell: number;
  readonly mean: number;
  readonly factor: number;
}

export interface Target {
  readonly bucket: Bucket;
  readonly cells: number;
  /** Counts repetitions, so that cells, statistics, signs and pods take turns. */
  readonly turn: number;
}

export interface Fault {
  readonly name: string;
  /** Ticks after which it counts as missed. */
  readonly ticks: number;
  /** What is different `tick` ticks after its onset; `source` is the only one that has it, null = all. */
  readonly moves: (target: Target, tick: number, drawn: TickSummary) => readonly Move[];
  readonly source: (target: Target) => number | null;
}

const NO_SOURCE = (): null => null;
const ONE_SOURCE = ({ turn }: Target): number => turn % 4;
/** 300 s. */
const TICKS = 30;

/** Each statistic in its turn, up and down, by so many standard deviations of one request. */
function shiftOne({ bucket, cells, turn }: Target, sigmas: number): Move[] {
  const statistic = turn % (cells * 2);
  const cell = statistic >> 1;
  const isMean = (statistic & 1) === 0;
  const c = components(bucket.cells, cell, isMean ? 'mean' : 'variance');
  if (c === null) return [];
  const unit = Math.sqrt(c.requestVariance) * (Math.floor(turn / (cells * 2)) % 2 === 0 ? 1 : -1);
  return [
    isMean
      ? { cell, mean: sigmas * unit, factor: 1 }
      : { cell, mean: 0, factor: Math.exp((sigmas * unit) / c.mean) },
  ];
}

export const shift = (sigmas: number): Fault => ({
  name: `${sigmas}`,
  ticks: TICKS,
  moves: (target) => shiftOne(target, sigmas),
  source: NO_SOURCE,
});

export const onePod = (sigmas: number): Fault => ({ ...shift(sigmas), source: ONE_SOURCE });

/** The variance of one layer's input or output times a factor, in all sources. */
export const scaledVariance = (factor: number): Fault => ({
  name: `× ${factor}`,
  ticks: TICKS,
  moves: ({ cells, turn }) => [{ cell: turn % cells, mean: 0, factor }],
  source: NO_SOURCE,
});

/** One statistic that goes on moving by one standard deviation of a request in so many hours. */
export const drift = (hours: number): Fault => ({
  name: `1 in ${hours} h`,
  ticks: hours * 360,
  moves: (target, tick) => shiftOne(target, (tick + 1) / (hours * 360)),
  source: NO_SOURCE,
});

/**
 * Another epsilon in one layer: what it puts out varies σ²/(σ² + ε) as much, σ² the variance of its input. Means and
 * extremes, which also move in a real layer, are left alone.
 */
export const epsilon = (value: number): Fault => ({
  name: `ε ${value}`,
  ticks: TICKS,
  moves: ({ cells, turn }, _, drawn) => {
    const layer = turn % (cells / 2);
    const variance = drawn.cells[layer * 2 * m.TICK_STRIDE + m.V_MEAN]!;
    return [{ cell: layer * 2 + 1, mean: 0, factor: variance / (variance + value) }];
  },
  source: NO_SOURCE,
});

/** The tick with the fault in it; sources are merged again, so that the sum tells what its parts do. */
export function faulty(tick: TickSummary, moves: readonly Move[], source: number | null): TickSummary {
  const sources = tick.sources.map((one, i) => {
    if (source !== null && i !== source % tick.sources.length) return one;
    const cells = one.tick.cells.slice();
    for (const { cell, mean, factor } of moves) shiftRow(cells, cell * m.TICK_STRIDE, mean, factor);
    return { source: one.source, tick: { ...one.tick, cells } };
  });
  const cells = new Float64Array(tick.cells.length);
  for (const { tick: one } of sources)
    for (let at = 0; at < one.cells.length; at += m.TICK_STRIDE) m.mergeTickRow(cells, at, one.cells, at);
  return { ...tick, cells, sources };
}
