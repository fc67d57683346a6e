/** Which sources show a shift that the stream shows: each source's own tick against the baseline, cell by cell. */
import { layerOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import { components, predictiveVariance, type Statistic } from '../score/components.ts';
import type { TickContext } from './contract.ts';

/** A source is affected when it is out by itself and at least half as far as the one that is furthest out … */
const Z_MIN = 4;
const SHARE_MIN = 0.5;
/** … and it is blamed only when every other source is hardly out at all. A drift of all reaches them unevenly. */
const CLEAN_SHARE_MAX = 0.25;

/** Names of the affected sources in order; empty when all (or none for certain) are. */
export function affectedSources(context: TickContext, cell: number, statistic: Statistic): string[] {
  const { baseline, tick } = context;
  const place = context.places[layerOfCell(cell)] ?? -1;
  if (baseline === null || place < 0 || tick.sources.length < 2) return [];
  const c = components(baseline.cells, place * 2 + (cell & 1), statistic);
  if (c === null) return [];
  const row = cell * m.TICK_STRIDE;
  const column = statistic === 'mean' ? m.A_MEAN : m.V_MEAN;
  const measured = tick.sources.filter(({ tick: one }) => (one.cells[row + m.FLUSHES] ?? 0) > 0);
  const shifts = measured.map(({ source, tick: one }) => {
    const shift = Math.abs(one.cells[row + column]! - c.mean);
    return { source, shift, z: shift / Math.sqrt(predictiveVariance(c, one.cells[row + m.REQUESTS]!)) };
  });
  const furthest = Math.max(...shifts.map((s) => s.shift));
  const affected = shifts.filter((s) => s.z >= Z_MIN && s.shift >= SHARE_MIN * furthest);
  const others = shifts.filter((s) => !affected.includes(s));
  const clear = others.length > 0 && others.every((s) => s.shift <= CLEAN_SHARE_MAX * furthest);
  return clear ? affected.map((s) => s.source) : [];
}
