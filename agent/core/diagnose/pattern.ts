/** What a fault looks like over all layers: shifts of every cell in one tick, of all sources or of the ones to blame. */
import * as b from '../bucket.ts';
import { moveTolerance } from '../constant.ts';
import type { TickContext } from '../detect/contract.ts';
import { SHARE_MIN } from '../detect/extremes.ts';
import { leastShift, SHIFT_COLUMNS, shiftOf } from '../detect/shift.ts';
import { layerOfCell, siteOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import {
  type CellScores,
  S_BASELINE_MEAN,
  S_BASELINE_VARIANCE,
  SCORE_STRIDE,
  scoreCells,
} from '../score/cells.ts';
import { components, type Statistic } from '../score/components.ts';
import type { TickSummary } from '../tick.ts';

/** A shift counts in one tick alone when it is this many of its standard deviations. */
const CLEAR_SIGMAS = 5;

/** One cell: shifts in request standard deviations with the scatter of such a tick, values now and of the baseline. */
export interface CellPattern {
  readonly meanShift: number;
  readonly meanSpread: number;
  readonly varianceShift: number;
  readonly varianceSpread: number;
  readonly mean: number;
  readonly baselineMean: number;
  readonly variance: number;
  readonly baselineVariance: number;
  /** Scatter of one request within the tick over that of the baseline; NaN where the tick has too few flushes. */
  readonly flushes: number;
  readonly meanScatter: number;
  readonly varianceScatter: number;
  /** An extreme that the baseline holds constant is as it was, or has moved; null where none is constant. */
  readonly constant: 'kept' | 'moved' | null;
}

export interface Pattern {
  readonly context: TickContext;
  /** By cell; null where it was not measured or is not known to the baseline. */
  readonly cells: readonly (CellPattern | null)[];
  /** First cell in forward order that is out. */
  readonly origin: number;
  readonly sources: readonly string[];
}

/** Null when nothing can be said: no baseline, or no data of these sources in the tick. Empty `sources` = all. */
export function patternOf(
  context: TickContext,
  sources: readonly string[],
  firstCell: number,
): Pattern | null {
  const { baseline } = context;
  if (baseline === null || context.scores === null) return null;
  const tick = sources.length === 0 ? context.tick : tickOfSources(context.tick, sources);
  const scores = sources.length === 0 ? context.scores : scoreCells(tick, baseline, context.places);
  const of = { ...context, scores };
  const cells = Array.from({ length: scores.rows.length / SCORE_STRIDE }, (_, cell) =>
    cellPattern(of, tick, scores, cell),
  );
  const clear = cells.findIndex((one, cell) => one !== null && isClear(of, one, cell));
  const origin = clear < 0 ? firstCell : firstCell < 0 ? clear : Math.min(clear, firstCell);
  return origin < 0 ? null : { context, cells, origin, sources };
}

function cellPattern(
  context: TickContext,
  tick: TickSummary,
  scores: CellScores,
  cell: number,
): CellPattern | null {
  const row = cell * m.TICK_STRIDE;
  const at = cell * SCORE_STRIDE;
  const [mean, variance] = SHIFT_COLUMNS;
  const meanShift = shiftOf(context, mean, cell);
  if (!Number.isFinite(meanShift)) return null;
  const varianceShift = shiftOf(context, variance, cell);
  return {
    meanShift,
    meanSpread: scores.rows[at + mean.spread]!,
    varianceShift: Number.isFinite(varianceShift) ? varianceShift : 0,
    varianceSpread: scores.rows[at + variance.spread]!,
    mean: tick.cells[row + m.A_MEAN]!,
    baselineMean: scores.rows[at + S_BASELINE_MEAN]!,
    variance: tick.cells[row + m.V_MEAN]!,
    baselineVariance: scores.rows[at + S_BASELINE_VARIANCE]!,
    flushes: tick.cells[row + m.FLUSHES]!,
    meanScatter: scatterOf(context, tick, cell, 'mean'),
    varianceScatter: scatterOf(context, tick, cell, 'variance'),
    constant: constantOf(context, tick, cell),
  };
}

/** Fewer flushes than this tell nothing of scatter. */
const FLUSHES_MIN = 8;

function scatterOf(context: TickContext, tick: TickSummary, cell: number, statistic: Statistic): number {
  const row = cell * m.TICK_STRIDE;
  // Each source adds its own mean: scatter is what flushes of one source show.
  const freedom = tick.cells[row + m.FLUSHES]! - 1;
  const known = components(context.baseline!.cells, placeOf(context, cell), statistic);
  if (known === null || freedom + 1 < FLUSHES_MIN) return Number.NaN;
  const squares = tick.cells[row + (statistic === 'mean' ? m.A_M2 : m.V_M2)]!;
  return squares / freedom / known.requestVariance;
}

function constantOf(context: TickContext, tick: TickSummary, cell: number): CellPattern['constant'] {
  const { cells } = context.baseline!;
  const at = placeOf(context, cell) * b.BUCKET_STRIDE;
  const row = cell * m.TICK_STRIDE;
  const ticks = cells[at + b.B_TICKS]!;
  let known = 0;
  let kept = 0;
  for (const [value, met, now, sign] of [
    [b.B_LOW, b.B_LOW_TICKS, m.LOW, 1],
    [b.B_HIGH, b.B_HIGH_TICKS, m.HIGH, -1],
  ] as const) {
    if (!(cells[at + met]! >= SHARE_MIN * ticks)) continue;
    const was = cells[at + value]!;
    const is = tick.cells[row + now]!;
    const tolerance = moveTolerance(was, is);
    // More extreme may be a rare text; only less extreme is the arithmetic.
    if (sign * (is - was) > tolerance) return 'moved';
    known++;
    if (sign * (is - was) >= -tolerance) kept++;
  }
  return known > 0 && kept === known ? 'kept' : null;
}

const placeOf = (context: TickContext, cell: number): number =>
  (context.places[layerOfCell(cell)] ?? 0) * 2 + (cell & 1);

/** Out in this tick alone. */
function isClear(context: TickContext, one: CellPattern, cell: number): boolean {
  const [mean, variance] = SHIFT_COLUMNS;
  return (
    Math.abs(one.meanShift) >= Math.max(2 * leastShift(context, mean, cell), CLEAR_SIGMAS * one.meanSpread) ||
    Math.abs(one.varianceShift) >=
      Math.max(2 * leastShift(context, variance, cell), CLEAR_SIGMAS * one.varianceSpread)
  );
}

function tickOfSources(tick: TickSummary, sources: readonly string[]): TickSummary {
  const cells = new Float64Array(tick.cells.length);
  for (const { source, tick: one } of tick.sources) {
    if (!sources.includes(source)) continue;
    for (let at = 0; at < one.cells.length; at += m.TICK_STRIDE) m.mergeTickRow(cells, at, one.cells, at);
  }
  return { ...tick, cells, histograms: [] };
}

/** The largest shift of any cell, request standard deviations. */
export const largestShift = ({ cells }: Pattern): number =>
  cells.reduce(
    (most, cell) =>
      cell === null ? most : Math.max(most, Math.abs(cell.meanShift), Math.abs(cell.varianceShift)),
    0,
  );

export const nameOfCell = (pattern: Pattern, cell: number): string =>
  pattern.context.layers[layerOfCell(cell)] ?? '';

export const isOutput = (cell: number): boolean => siteOfCell(cell) === 'output';
