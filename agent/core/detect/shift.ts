/** The rule that the mean and the variance detector share: far out for one tick, or clearly out for two in a row. */
import { layerOfCell, siteOfCell } from '../layout.ts';
import { type CellScores, SCORE_STRIDE } from '../score/cells.ts';
import type { DetectorState, Param, Signal, TickContext } from './contract.ts';

export const SHIFT_PARAMS = {
  effect: {
    name: 'effect',
    unit: 'request_sigmas',
    value: 0.25,
    help: 'least shift that counts, never below three standard errors of the baseline',
  },
  z: { name: 'z', unit: 'tick_sigmas', value: 5, help: 'least standardized shift for two ticks in a row' },
  zAtOnce: {
    name: 'zAtOnce',
    unit: 'tick_sigmas',
    value: 10,
    help: 'standardized shift that needs one tick only',
  },
  pageEffect: {
    name: 'pageEffect',
    unit: 'request_sigmas',
    value: 5,
    help: 'a shift this large right after a deployment pages',
  },
} as const satisfies Record<string, Param>;

export interface ShiftColumns {
  readonly effect: number;
  readonly z: number;
  readonly error: number;
}

export interface CellShift {
  readonly cell: number;
  readonly effect: number;
  readonly z: number;
}

/** Cells that are out in this tick. State per cell: ticks in a row, start of the run. */
export function shiftedCells(context: TickContext, state: DetectorState, columns: ShiftColumns): CellShift[] {
  const { scores, tick, settings } = context;
  const found: CellShift[] = [];
  if (scores === null) return found;
  const least = Math.max(SHIFT_PARAMS.effect.value, settings.leastEffectSigmas);
  for (let cell = 0; cell * SCORE_STRIDE < scores.rows.length; cell++) {
    const at = cell * SCORE_STRIDE;
    const effect = scores.rows[at + columns.effect]!;
    const z = scores.rows[at + columns.z]!;
    const error = scores.rows[at + columns.error]!;
    // Written so that an unknown score (NaN) is not out.
    const out = Math.abs(effect) >= Math.max(least, 3 * error) && Math.abs(z) >= SHIFT_PARAMS.z.value;
    const run = out ? state.cells[cell * 2]! + 1 : 0;
    if (run === 1) state.cells[cell * 2 + 1] = tick.startMs;
    state.cells[cell * 2] = run;
    if (run >= 2 || (run === 1 && Math.abs(z) >= SHIFT_PARAMS.zAtOnce.value)) found.push({ cell, effect, z });
  }
  return found;
}

/** One signal for the first layer in forward order that is out; the evidence tells of the largest. */
export function shiftSignals(
  context: TickContext,
  state: DetectorState,
  shifted: readonly CellShift[],
  statistic: 'mean' | 'variance',
  affected: (cell: number) => string[],
): Signal[] {
  const first = shifted[0];
  if (first === undefined) return [];
  const largest = shifted.reduce((a, b) => (Math.abs(b.effect) > Math.abs(a.effect) ? b : a));
  const layer = layerOfCell(first.cell);
  const site = siteOfCell(first.cell);
  const name = context.layers[layer]!;
  const sources = affected(first.cell);
  const atTheStart = layer === 0 && sources.length === 0 && !context.deployed;
  const onsetMs = shifted.reduce(
    (least, s) => Math.min(least, state.cells[s.cell * 2 + 1]!),
    Number.POSITIVE_INFINITY,
  );
  const pages = context.deployed && Math.abs(largest.effect) >= SHIFT_PARAMS.pageEffect.value;
  return [
    {
      layer,
      site,
      sources,
      severity: pages ? 'page' : 'ticket',
      cause: atTheStart ? 'input_shift' : 'unknown',
      confidence: atTheStart ? 0.6 : 0,
      effect: Math.abs(largest.effect),
      unit: 'request_sigmas',
      onsetMs,
      evidence: {
        [`${statistic}_shift_sigmas`]: round(first.effect),
        [`${statistic}_shift_z`]: round(first.z),
        [`${statistic}_layers_shifted`]: new Set(shifted.map((s) => layerOfCell(s.cell))).size,
        [`${statistic}_largest_layer`]: context.layers[layerOfCell(largest.cell)]!,
        [`${statistic}_largest_shift_sigmas`]: round(largest.effect),
      },
      says: `activation ${statistic} at the ${site} of ${name} is ${describe(first.effect)}`,
    },
  ];
}

const describe = (effect: number): string =>
  `${Math.abs(effect).toFixed(1)} request standard deviations ${effect > 0 ? 'above' : 'below'} its baseline`;

/** Evidence is read by people: four significant digits. */
export const round = (value: number): number => Number(value.toPrecision(4));

/** The scores of `columns` for one cell, for tests and for source attribution. */
export const scoreAt = (scores: CellScores, cell: number, column: number): number =>
  scores.rows[cell * SCORE_STRIDE + column]!;
