/**
 * Healthy ticks without end: blocks of ticks of a recording drawn with replacement, so that what hangs together within a
 * block and between layers stays (moving blocks: Künsch, "The jackknife and the bootstrap for general stationary
 * observations", 1989). What a recording of minutes cannot hold is added: a common level that wanders, and a day.
 */
import type { Chance } from './chance.ts';
import * as m from './moments.ts';
import type { TickSeries } from './series.ts';
import type { TickSummary } from './tick.ts';
import { DAY_MS } from './time.ts';

export interface Drawing {
  /** Ticks of a block. */
  readonly blockTicks: number;
  /**
   * Autocorrelation from tick to tick of a level that is common to all layers and sources, of a stationary deviation of
   * one standard deviation of a tick; 0 = no such level.
   */
  readonly autocorrelation: number;
  /** Amplitude of a day's sine on the same level, in standard deviations of a tick. */
  readonly dailyAmplitude: number;
  /** Another recording that takes its share of the blocks in turn: 0.5 + 0.4·sin over the day. */
  readonly other: TickSeries | null;
}

/** Ticks from `fromIndex` on, one after the other. Numbers are shared with the series: nobody may write into them. */
export function createResampler(
  series: TickSeries,
  drawing: Drawing,
  chance: Chance,
  fromIndex: number,
): () => TickSummary {
  const { tickMs } = series;
  const scatter = scatterOf(series);
  let index = fromIndex;
  let from = series.ticks;
  let at = 0;
  let left = 0;
  let level = chance.normal();
  const phi = drawing.autocorrelation;
  return () => {
    const day = Math.sin((2 * Math.PI * ((index * tickMs) % DAY_MS)) / DAY_MS);
    if (left === 0) {
      const isOther = drawing.other !== null && chance.uniform() >= 0.5 + 0.4 * day;
      from = isOther ? drawing.other!.ticks : series.ticks;
      left = Math.min(drawing.blockTicks, from.length);
      at = Math.floor(chance.uniform() * (from.length - left + 1));
    }
    const drawn = from[at]!;
    at++;
    left--;
    level = phi * level + Math.sqrt(1 - phi * phi) * chance.normal();
    const sigmas = (phi === 0 ? 0 : level) + drawing.dailyAmplitude * day;
    const times = { index, startMs: index * tickMs, endMs: (index + 1) * tickMs };
    index++;
    return sigmas === 0 ? { ...drawn, ...times } : { ...shiftTick(drawn, scatter, sigmas), ...times };
  };
}

/** Standard deviations from tick to tick of each cell's mean and log variance. */
export interface Scatter {
  readonly mean: Float64Array;
  readonly logVariance: Float64Array;
}

export function scatterOf({ ticks }: Pick<TickSeries, 'ticks'>): Scatter {
  const cells = (ticks[0]?.cells.length ?? 0) / m.TICK_STRIDE;
  const deviations = (numberOf: (row: Float64Array, at: number) => number): Float64Array =>
    Float64Array.from({ length: cells }, (_, cell) => {
      const at = cell * m.TICK_STRIDE;
      const measured = ticks.filter(({ cells: row }) => row[at + m.FLUSHES]! > 0);
      const values = measured.map(({ cells: row }) => numberOf(row, at)).filter(Number.isFinite);
      return deviationOf(values);
    });
  return {
    mean: deviations((row, at) => row[at + m.A_MEAN]!),
    logVariance: deviations((row, at) => Math.log(row[at + m.V_MEAN]!)),
  };
}

function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(square / (values.length - 1));
}

/** The tick with every cell of every source moved by so many standard deviations of a tick. */
function shiftTick(tick: TickSummary, scatter: Scatter, sigmas: number): TickSummary {
  const moved = (cells: Float64Array): Float64Array => {
    const rows = cells.slice();
    for (let cell = 0, at = 0; at < rows.length; cell++, at += m.TICK_STRIDE) {
      if (rows[at + m.FLUSHES] === 0) continue;
      shiftRow(rows, at, sigmas * scatter.mean[cell]!, Math.exp(sigmas * scatter.logVariance[cell]!));
    }
    return rows;
  };
  return {
    ...tick,
    cells: moved(tick.cells),
    sources: tick.sources.map(({ source, tick: one }) => ({
      source,
      tick: { ...one, cells: moved(one.cells) },
    })),
  };
}

/** Moves one cell's mean by `shift` and multiplies its variance by `factor`; extremes stay as they are. */
export function shiftRow(rows: Float64Array, at: number, shift: number, factor: number): void {
  rows[at + m.MEAN] = rows[at + m.MEAN]! + shift;
  rows[at + m.A_MEAN] = rows[at + m.A_MEAN]! + shift;
  rows[at + m.M2] = rows[at + m.M2]! * factor;
  rows[at + m.V_MEAN] = rows[at + m.V_MEAN]! * factor;
  rows[at + m.V_M2] = rows[at + m.V_M2]! * factor * factor;
}
