/** History → the cells of a heat map: rows are layers, slots are equal stretches of the time axis. Pure. */
import type { Site } from '../../core/view.ts';
import { shortNames, withoutUsualHead } from './format.ts';
import type { StreamHistory } from './messages.ts';

export type SiteChoice = Site | 'both';

export interface Row {
  readonly layer: string;
  /** The layer without what all names share. */
  readonly label: string;
  /** Shorter still, for a narrow screen. */
  readonly compact: string;
  readonly values: readonly (Shift | null)[];
}

export interface Shift {
  readonly sigmas: number;
  readonly site: Site;
}

export interface Grid {
  readonly rows: readonly Row[];
  readonly slots: number;
  /** Slot i covers (start + i·width, start + (i + 1)·width], in the unit of the columns. */
  readonly start: number;
  readonly width: number;
}

/** Fewer slots would turn the first minutes of a stream into a few huge blocks. */
const SLOTS_MIN = 60;
const COLUMNS_MAX = 720;

/** A slot that covers several ticks shows the worst of them, so that a short spike survives a narrow screen. */
export function gridOf(
  history: Pick<StreamHistory, 'columns' | 'cells'>,
  site: SiteChoice,
  slotsMax: number,
): Grid {
  const { columns } = history;
  const tick = tickOf(columns);
  const end = columns.at(-1) ?? 0;
  const span = Math.round((end - (columns[0] ?? 0)) / tick) + 1;
  const shown = Math.min(Math.max(span, SLOTS_MIN), COLUMNS_MAX);
  const group = Math.max(1, Math.ceil(shown / slotsMax));
  const slots = Math.ceil(shown / group);
  const width = tick * group;
  const start = end - slots * width;
  const layers = [...new Set(history.cells.map((cell) => cell.layer))];
  const labels = shortNames(layers);
  const compact = withoutUsualHead(labels);
  const slotOfColumn = columns.map((column) => Math.ceil((column - start) / width - 1e-9) - 1);
  const rows = layers.map((layer, index) => {
    const values = new Array<Shift | null>(slots).fill(null);
    for (const cell of history.cells) {
      if (cell.layer !== layer || (site !== 'both' && cell.site !== site)) continue;
      for (const [column, sigmas] of cell.shift.entries()) {
        const slot = slotOfColumn[column] ?? -1;
        if (slot < 0 || sigmas === null || sigmas <= (values[slot]?.sigmas ?? -1)) continue;
        values[slot] = { sigmas, site: cell.site };
      }
    }
    return { layer, label: labels[index] ?? layer, compact: compact[index] ?? layer, values };
  });
  return { rows, slots, start, width };
}

/** Ticks are equally long, so the least distance between columns is one. */
function tickOf(columns: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < columns.length; i += 1) least = Math.min(least, columns[i]! - columns[i - 1]!);
  return Number.isFinite(least) && least > 0 ? least : 10_000;
}

/** Upper ends of all bins but the last, request standard deviations: below the first is less than the least effect. */
export const BIN_ENDS = [0.125, 0.25, 0.5, 1, 2, 4] as const;

export const binOf = (sigmas: number): number => {
  const bin = BIN_ENDS.findIndex((end) => sigmas < end);
  return bin === -1 ? BIN_ENDS.length : bin;
};

const TIME_STEPS_MS = [10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400].map(
  (s) => s * 1_000,
);

/** Round places on the axis, at most `count`. */
export function axisMarks(grid: Grid, unit: 'time' | 'step', count: number): number[] {
  const span = grid.slots * grid.width;
  const least = span / Math.max(1, count);
  const step = unit === 'time' ? (TIME_STEPS_MS.find((size) => size >= least) ?? least) : roundStep(least);
  const marks: number[] = [];
  for (let at = Math.ceil(grid.start / step) * step; at <= grid.start + span; at += step) marks.push(at);
  return unit === 'time' ? marks : marks.filter((at) => at >= 0);
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return Math.ceil([1, 2, 5, 10].find((factor) => factor * power >= least)! * power);
}
