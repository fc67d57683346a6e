/** Whether each source by itself shows what all of them together show. */
import type { TickContext } from '../detect/contract.ts';
import { layerOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import { components, predictiveVariance } from '../score/components.ts';

/** A source shows a shift when it has half of the largest one, and more than its own scatter. */
const SHARE = 0.5;
const SIGMAS = 3;

/** True when every source that measured the cell shows its shift, in mean or in variance. */
export function isEverywhere(context: TickContext, cell: number): boolean {
  return showsEverywhere(context, cell, 'mean') || showsEverywhere(context, cell, 'variance');
}

function showsEverywhere(context: TickContext, cell: number, statistic: 'mean' | 'variance'): boolean {
  const place = context.places[layerOfCell(cell)] ?? -1;
  const known =
    context.baseline === null || place < 0
      ? null
      : components(context.baseline.cells, place * 2 + (cell & 1), statistic);
  if (known === null) return true;
  const row = cell * m.TICK_STRIDE;
  const column = row + (statistic === 'mean' ? m.A_MEAN : m.V_MEAN);
  const shifts = context.tick.sources
    .filter(({ tick }) => (tick.cells[row + m.FLUSHES] ?? 0) > 0)
    .map(({ tick }) => ({
      shift: tick.cells[column]! - known.mean,
      spread: Math.sqrt(predictiveVariance(known, tick.cells[row + m.REQUESTS]!)),
    }));
  const most = Math.max(...shifts.map(({ shift }) => Math.abs(shift)));
  return shifts.every(({ shift, spread }) => Math.abs(shift) >= Math.max(SHARE * most, SIGMAS * spread));
}
