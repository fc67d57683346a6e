/** What the mean and the variance detector share: evidence per cell, and the cells that are out once it is enough. */
import { hourFloor, usualShift } from '../hours.ts';
import { layerOfCell, siteOfCell } from '../layout.ts';
import {
  S_MEAN_EFFECT,
  S_MEAN_ERROR,
  S_MEAN_SPREAD,
  S_VARIANCE_EFFECT,
  S_VARIANCE_ERROR,
  S_VARIANCE_SPREAD,
  SCORE_STRIDE,
} from '../score/cells.ts';
import { affectedSources } from './attribution.ts';
import type { DetectorState, Param, Signal, TickContext } from './contract.ts';
import { capOf, EVIDENCE_STRIDE, natsOf, partOf, stepEvidence } from './evidence.ts';
import { stepRanks } from './ranks.ts';
import { floatsOf } from './trace.ts';

export const SHIFT_PARAMS = {
  effect: {
    name: 'effect',
    unit: 'request_sigmas',
    value: 0.125,
    help: 'default of fold.leastEffectSigmas; never below three standard errors of the baseline or three standard deviations of hours',
  },
  pageEffect: {
    name: 'pageEffect',
    unit: 'request_sigmas',
    value: 5,
    help: 'arithmetic shown wrong with a shift this large pages',
  },
} as const satisfies Record<string, Param>;

/** Where the scores of a statistic lie, and which it is: 0 mean, 1 log variance. */
export interface ShiftColumns {
  readonly detector: string;
  readonly statistic: 0 | 1;
  readonly effect: number;
  readonly error: number;
  readonly spread: number;
}

export const MEAN_COLUMNS: ShiftColumns = {
  detector: 'activation_mean',
  statistic: 0,
  effect: S_MEAN_EFFECT,
  error: S_MEAN_ERROR,
  spread: S_MEAN_SPREAD,
};
export const VARIANCE_COLUMNS: ShiftColumns = {
  detector: 'activation_variance',
  statistic: 1,
  effect: S_VARIANCE_EFFECT,
  error: S_VARIANCE_ERROR,
  spread: S_VARIANCE_SPREAD,
};
export const SHIFT_COLUMNS = [MEAN_COLUMNS, VARIANCE_COLUMNS] as const;

/**
 * Row of a cell, eight single-precision numbers in four doubles: evidence, the last residual, and the ticks in a row in
 * which there was any evidence.
 */
const LAST = EVIDENCE_STRIDE;
const SINCE = EVIDENCE_STRIDE + 1;
const ROW = EVIDENCE_STRIDE + 2;
export const SHIFT_STRIDE = ROW / 2;

/** Residuals are held here before they are taken off the next: one absurd tick is no two. */
const LAST_MAX = 20;

export interface CellShift {
  readonly cell: number;
  /** Request standard deviations, less what the hour of the day makes usual. */
  readonly effect: number;
  readonly onsetMs: number;
}

/** Cells that are out, in forward order; none without an alarm. */
export function shiftedCells(context: TickContext, state: DetectorState, columns: ShiftColumns): CellShift[] {
  const { scores } = context;
  state.nats = 0;
  state.at = -1;
  if (scores === null) return [];
  const { ticketNats, pageNats } = context.thresholds(columns.detector);
  const cells = scores.rows.length / SCORE_STRIDE;
  const evidence = stepCells(context, state, columns, pageNats);
  let sum = 0;
  let measured = 0;
  let most = 0;
  for (let cell = 0; cell < cells; cell++) {
    const one = evidence[cell]!;
    if (Number.isNaN(one)) continue;
    measured++;
    sum += one;
    if (one <= most) continue;
    most = one;
    state.at = cell;
  }
  state.nats = measured === 0 ? 0 : natsOf(sum / measured);
  if (measured === 0 || state.nats < ticketNats) return [];
  const least = partOf(measured);
  const { endMs } = context.tick;
  const state32 = floatsOf(state.cells);
  const out: CellShift[] = [];
  for (let cell = 0; cell < cells; cell++) {
    if (!(evidence[cell]! >= least)) continue;
    const effect = shiftOf(context, columns, cell);
    const onsetMs = endMs - state32[cell * ROW + SINCE]! * context.settings.tickMs;
    out.push({ cell, effect, onsetMs });
  }
  return out;
}

/** Effect of a cell in this tick, with the usual shift of the hour taken off. */
export function shiftOf(context: TickContext, columns: ShiftColumns, cell: number): number {
  const effect = context.scores!.rows[cell * SCORE_STRIDE + columns.effect]!;
  const statistic = cell * 2 + columns.statistic;
  return context.hours === null
    ? effect
    : effect - usualShift(context.hours, statistic, context.tick.startMs);
}

/** The least effect of a cell: of the settings, of the baseline's error and of what hours alone make of it. */
export function leastShift(context: TickContext, columns: ShiftColumns, cell: number): number {
  const error = context.scores!.rows[cell * SCORE_STRIDE + columns.error]!;
  const ofHours = context.hours === null ? 0 : hourFloor(context.hours, cell * 2 + columns.statistic);
  return Math.max(context.settings.leastEffectSigmas, Number.isNaN(error) ? 0 : 3 * error, ofHours);
}

/** Evidence of each cell; NaN where it was not measured. */
function stepCells(
  context: TickContext,
  state: DetectorState,
  columns: ShiftColumns,
  pageNats: number,
): Float64Array {
  const { scores, calibration } = context;
  const rows = scores!.rows;
  const cells = rows.length / SCORE_STRIDE;
  const cap = capOf(pageNats, cells);
  const own = floatsOf(state.cells);
  const evidence = new Float64Array(cells).fill(Number.NaN);
  for (let cell = 0; cell < cells; cell++) {
    const at = cell * ROW;
    const spread = rows[cell * SCORE_STRIDE + columns.spread]!;
    const effect = shiftOf(context, columns, cell);
    // Written so that an unknown score (NaN) changes nothing.
    if (!(spread > 0) || Number.isNaN(effect)) continue;
    const statistic = cell * 2 + columns.statistic;
    const phi = calibration?.phi[statistic] ?? 0;
    const least = leastShift(context, columns, cell);
    const z = effect / spread;
    const u = (z - phi * own[at + LAST]!) / Math.sqrt(1 - phi * phi);
    own[at + LAST] = Math.max(-LAST_MAX, Math.min(LAST_MAX, z));
    const floor = (least / spread) * Math.sqrt((1 - phi) / (1 + phi));
    const sample = calibration?.ranked.length ? calibration.samples.get(String(statistic)) : undefined;
    const value =
      sample === undefined
        ? stepEvidence(own, at, u - floor, -u - floor, cap)
        : stepRanks(own, at, u - floor, -u - floor, sample, cap);
    own[at + SINCE] = value <= 1 ? 0 : own[at + SINCE]! + 1;
    evidence[cell] = value;
  }
  return evidence;
}

/** One signal for the first cell in forward order that is out; the evidence tells of the largest. */
export function shiftSignals(
  context: TickContext,
  shifted: readonly CellShift[],
  statistic: 'mean' | 'variance',
): Signal[] {
  const first = shifted[0];
  if (first === undefined) return [];
  const largest = shifted.reduce((a, b) => (Math.abs(b.effect) > Math.abs(a.effect) ? b : a));
  const layer = layerOfCell(first.cell);
  const site = siteOfCell(first.cell);
  return [
    {
      layer,
      site,
      sources: affectedSources(context, first.cell, statistic),
      severity: 'ticket',
      cause: 'unknown',
      confidence: 0,
      effect: Math.abs(largest.effect),
      unit: 'request_sigmas',
      onsetMs: shifted.reduce((least, { onsetMs }) => Math.min(least, onsetMs), context.tick.startMs),
      evidence: {
        [`${statistic}_shift_sigmas`]: round(first.effect),
        [`${statistic}_layers_shifted`]: new Set(shifted.map((s) => layerOfCell(s.cell))).size,
        [`${statistic}_largest_layer`]: context.layers[layerOfCell(largest.cell)]!,
        [`${statistic}_largest_shift_sigmas`]: round(largest.effect),
      },
      says: `activation ${statistic} at the ${site} of ${context.layers[layer]!} is ${describe(first.effect)}`,
    },
  ];
}

const describe = (effect: number): string =>
  `${Math.abs(effect).toFixed(1)} request standard deviations ${effect > 0 ? 'above' : 'below'} its baseline`;

/** Evidence is read by people: four significant digits. */
export const round = (value: number): number => Number(value.toPrecision(4));
