/** How far traffic has moved where arithmetic is shown wrong: it sets the severity of what needs no statistics to be seen. */
import { S_MEAN_EFFECT, S_VARIANCE_EFFECT, SCORE_STRIDE } from '../score/cells.ts';
import type { Signal, TickContext } from './contract.ts';
import { SHIFT_PARAMS } from './shift.ts';

/** Wrong arithmetic, as opposed to less precise or differently named. */
export const ARITHMETIC: ReadonlySet<string> = new Set([
  'epsilon_mismatch',
  'missing_affine',
  'norm_type',
  'weight_corruption',
  'channel_collapse',
]);

/** The largest shift of traffic at a cell or after it, request standard deviations; null where it is not known. */
export function shiftFrom({ scores }: TickContext, cell: number): number | null {
  if (scores === null || cell < 0) return null;
  let most: number | null = null;
  for (let at = cell * SCORE_STRIDE; at < scores.rows.length; at += SCORE_STRIDE) {
    for (const column of [S_MEAN_EFFECT, S_VARIANCE_EFFECT]) {
      const effect = Math.abs(scores.rows[at + column]!);
      if (Number.isFinite(effect) && (most === null || effect > most)) most = effect;
    }
  }
  return most;
}

/** A smaller shift somewhere in a tick may be chance. */
const SHIFT_LEAST = 1;

/**
 * Pages when the arithmetic is wrong and traffic moves by the page's effect from there on. The effect is that shift; where
 * traffic shows none, `ratio` is.
 */
export function effectOf(
  context: TickContext,
  cell: number,
  cause: string,
  ratio: number,
): Pick<Signal, 'effect' | 'unit' | 'severity'> {
  const shift = shiftFrom(context, cell);
  if (shift === null || shift < SHIFT_LEAST) return { effect: ratio, unit: 'ratio', severity: 'ticket' };
  const pages = ARITHMETIC.has(cause) && shift >= SHIFT_PARAMS.pageEffect.value;
  return { effect: shift, unit: 'request_sigmas', severity: pages ? 'page' : 'ticket' };
}
