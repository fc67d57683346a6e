/** What a fault looks like over all layers: shifts of every cell in one tick, of all sources or of the ones to blame. */
import type { TickContext } from '../detect/contract.ts';
import { SHIFT_COLUMNS, shiftOf } from '../detect/shift.ts';
import { layerOfCell, siteOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import {
  type CellScores,
  S_BASELINE_MEAN,
  S_BASELINE_VARIANCE,
  SCORE_STRIDE,
  scoreCells,
} from '../score/cells.ts';
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
  const clear = cells.findIndex((cell) => cell !== null && isClear(context, cell));
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
  };
}

/** Out in this tick alone. */
export function isClear(context: TickContext, cell: CellPattern): boolean {
  const least = 2 * context.settings.leastEffectSigmas;
  return (
    Math.abs(cell.meanShift) >= Math.max(least, CLEAR_SIGMAS * cell.meanSpread) ||
    Math.abs(cell.varianceShift) >= Math.max(least, CLEAR_SIGMAS * cell.varianceSpread)
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
