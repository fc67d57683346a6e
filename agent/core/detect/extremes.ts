/**
 * Extremes that a baseline holds constant, and how those of a tick differ, source by source. `shift` is relative to the
 * constant and positive where the value is less extreme than it.
 */
import * as b from '../bucket.ts';
import { MOVE_SHARE, moveTolerance } from '../constant.ts';
import { layerOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import type { DetectorState, TickContext } from './contract.ts';

/** Constant: met in this share of the baseline's ticks, and in so many. */
export const SHARE_MIN = 0.98;
export const TICKS_MIN = 30;
/** Ticks in a row: less extreme in a single source; at one new constant that is more extreme. */
export const LESS_TICKS = 2;
export const MORE_TICKS = 3;
/** Arithmetic moves a constant by less than this towards the more extreme (bfloat16 by 4e-3); rare texts by any amount. */
const MORE_SHARE_MAX = 1e-2;
/** A constant of 0 is a clip or a padding, and nothing is relative to it. */
const VALUE_MIN = 1e-9;

export interface Constant {
  readonly cell: number;
  readonly site: 'minimum' | 'maximum';
  readonly value: number;
}

export const isOutputCell = (cell: number): boolean => (cell & 1) === 1;

/** In forward order. */
export function constantsOf({ baseline, places, tick }: TickContext): Constant[] {
  const constants: Constant[] = [];
  if (baseline === null) return constants;
  const { cells } = baseline;
  for (let cell = 0; cell < tick.cells.length / m.TICK_STRIDE; cell++) {
    const place = places[layerOfCell(cell)] ?? -1;
    if (place < 0) continue;
    const at = (place * 2 + (cell & 1)) * b.BUCKET_STRIDE;
    const least = Math.max(TICKS_MIN, SHARE_MIN * cells[at + b.B_TICKS]!);
    const low = cells[at + b.B_LOW]!;
    const high = cells[at + b.B_HIGH]!;
    if (cells[at + b.B_LOW_TICKS]! >= least && Math.abs(low) > VALUE_MIN)
      constants.push({ cell, site: 'minimum', value: low });
    if (cells[at + b.B_HIGH_TICKS]! >= least && Math.abs(high) > VALUE_MIN)
      constants.push({ cell, site: 'maximum', value: high });
  }
  return constants;
}

/** What one source shows of one constant in this tick. */
export interface Sighting {
  readonly source: string;
  readonly status: 'kept' | 'less' | 'more' | 'hidden';
  readonly value: number;
  readonly shift: number;
  /** Ticks in a row that it was less extreme, or at this new constant. */
  readonly run: number;
}

/** A row of a source: index of its last tick, layers of the stream, and slots of (constant, value, run); run 0 = free. */
const LAST_TICK = 0;
const LAYERS = 1;
const SLOTS_AT = 2;
const SLOT = 3;
const SLOTS = 8;
const ROW = SLOTS_AT + SLOTS * SLOT;
/** Sources that are watched one by one; a fault of more shows in several at once. */
const SOURCES_MAX = 64;
/** A source not heard for this many ticks starts anew. */
const FORGET_TICKS = 360;

/** True while nothing is known or seen that would tell a source from the baseline: nearly always, and cheap. */
export function areAllKept(
  { tick }: TickContext,
  state: DetectorState,
  constants: readonly Constant[],
): boolean {
  if (state.named.size > 0) return false;
  for (const { tick: one } of tick.sources) {
    for (const { cell, site, value } of constants) {
      const now = one.cells[cell * m.TICK_STRIDE + (site === 'minimum' ? m.LOW : m.HIGH)]!;
      if (Math.abs(now - value) > MOVE_SHARE * Math.abs(value)) return false;
    }
  }
  return true;
}

/** By constant: what each source that measured it shows. Moves the runs of the sources on. */
export function sightingsOf(
  context: TickContext,
  state: DetectorState,
  constants: readonly Constant[],
): Sighting[][] {
  const { tick, layers } = context;
  for (const [source, row] of state.named)
    if (row[LAYERS] !== layers.length || tick.index - row[LAST_TICK]! > FORGET_TICKS)
      state.named.delete(source);
  const sightings: Sighting[][] = constants.map(() => []);
  for (const { source, tick: one } of tick.sources) {
    if (one.flushes === 0) continue;
    let row = state.named.get(source) ?? null;
    constants.forEach((constant, i) => {
      const column = constant.site === 'minimum' ? m.LOW : m.HIGH;
      const value = one.cells[constant.cell * m.TICK_STRIDE + column];
      if (value === undefined || Number.isNaN(value)) return;
      const { status, shift } = compare(constant, value);
      if (row === null && (status === 'less' || status === 'more'))
        row = newRow(state, source, layers.length);
      const run =
        row === null
          ? status === 'less' || status === 'more'
            ? 1
            : 0
          : stepSlot(row, constant, value, status);
      sightings[i]!.push({ source, status, value, shift, run });
    });
    if (row === null) continue;
    row[LAST_TICK] = tick.index;
    if (isIdle(row)) state.named.delete(source);
  }
  return sightings;
}

function compare({ site, value: constant }: Constant, value: number): Pick<Sighting, 'status' | 'shift'> {
  const away = (site === 'minimum' ? 1 : -1) * (value - constant);
  const shift = away / Math.abs(constant);
  const tolerance = moveTolerance(constant, value);
  if (Math.abs(away) <= tolerance) return { status: 'kept', shift };
  if (away > 0) return { status: 'less', shift };
  return { status: shift < -MORE_SHARE_MAX ? 'hidden' : 'more', shift };
}

/** Null when there is no room: then only what several sources show at once is seen. */
function newRow(state: DetectorState, source: string, layerCount: number): Float64Array | null {
  if (state.named.size >= SOURCES_MAX) return null;
  const row = new Float64Array(ROW);
  row[LAYERS] = layerCount;
  state.named.set(source, row);
  return row;
}

const isIdle = (row: Float64Array): boolean => {
  for (let at = SLOTS_AT; at < ROW; at += SLOT) if (row[at + 2]! > 0) return false;
  return true;
};

/** The run of this constant after one tick more. */
function stepSlot(row: Float64Array, constant: Constant, value: number, status: Sighting['status']): number {
  const key = constant.cell * 2 + (constant.site === 'minimum' ? 0 : 1);
  const at = slotOf(row, key, status === 'less' || status === 'more');
  if (at < 0) return status === 'less' || status === 'more' ? 1 : 0;
  const run = row[at + 2]!;
  if (status === 'kept') row[at + 2] = 0;
  // A rare text hides the constant: nothing is known of it in this tick.
  if (status === 'kept' || status === 'hidden') return 0;
  const before = run === 0 ? null : compare(constant, row[at + 1]!).status;
  if (status === 'less') return setSlot(row, at, key, value, before === 'less' ? run + 1 : 1);
  if (before === 'less') return 0;
  const away = Math.abs(value) - Math.abs(row[at + 1]!);
  const same = before === 'more' && Math.abs(away) <= moveTolerance(value, row[at + 1]!);
  if (same) return setSlot(row, at, key, row[at + 1]!, run + 1);
  // Of two new values the less extreme may be a constant, the other is a rare text.
  const isLess = before === null || compare({ ...constant, value: row[at + 1]! }, value).shift > 0;
  return isLess ? setSlot(row, at, key, value, 1) : 0;
}

function setSlot(row: Float64Array, at: number, key: number, value: number, run: number): number {
  row[at] = key;
  row[at + 1] = value;
  row[at + 2] = run;
  return run;
}

/** The constant's slot, else a free one if `take`; −1 for none. */
function slotOf(row: Float64Array, key: number, take: boolean): number {
  let free = -1;
  for (let at = SLOTS_AT; at < ROW; at += SLOT) {
    if (row[at + 2]! > 0 && row[at] === key) return at;
    if (free < 0 && row[at + 2] === 0) free = at;
  }
  return take ? free : -1;
}
