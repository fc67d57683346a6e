/** What the page asks of the past that `history.ts` keeps. */
import {
  type Chunk,
  cellKey,
  HISTORY_FIELDS,
  type History,
  type HistoryCell,
  type HistoryField,
} from './history.ts';

/** `null` where nothing was measured, or nothing finite. */
export type Numbers = readonly (number | null)[];

export interface ShiftHistory {
  /** Ends of ticks in epoch ms, or steps of a run; rising. */
  readonly columns: readonly number[];
  /** Only cells with a number in these columns; `shift` is the larger of |mean shift| and |variance shift|. */
  readonly cells: readonly (HistoryCell & { readonly shift: Numbers })[];
}

export interface LayerHistory {
  readonly columns: readonly number[];
  /** One per site. */
  readonly cells: readonly (HistoryCell & { readonly fields: Readonly<Record<HistoryField, Numbers>> })[];
}

/** Whose past is asked for; with `before`, that stream's columns lead up to the first of `key`. */
export interface HistoryKeys {
  readonly key: string;
  readonly before: string | null;
}

/** Shift of every cell over time; null for a stream that nothing is known of. */
export function readShifts(history: History, keys: HistoryKeys): ShiftHistory | null {
  const chunks = chunksOf(history, keys);
  if (chunks.length === 0) return null;
  const read = (cell: HistoryCell, field: HistoryField) => readField(history, chunks, cell, field);
  const cells = cellsOf(chunks).flatMap((cell) => {
    const variance = read(cell, 'varianceShift');
    const shift = read(cell, 'meanShift').map((mean, column) => larger(mean, variance[column] ?? null));
    const measured = [shift, read(cell, 'mean'), variance].some((row) => row.some((value) => value !== null));
    return measured ? [{ ...cell, shift }] : [];
  });
  return { columns: columnsOf(history, chunks), cells };
}

/** All numbers of one layer with the columns they belong to; null for a layer or stream that nothing is known of. */
export function readLayer(history: History, keys: HistoryKeys, layer: string): LayerHistory | null {
  const chunks = chunksOf(history, keys);
  const cells = cellsOf(chunks).filter((cell) => cell.layer === layer);
  if (cells.length === 0) return null;
  const fieldsOf = (cell: HistoryCell) => {
    const rows = HISTORY_FIELDS.map((field) => [field, readField(history, chunks, cell, field)] as const);
    return Object.fromEntries(rows) as Record<HistoryField, Numbers>;
  };
  return {
    columns: columnsOf(history, chunks),
    cells: cells.map((cell) => ({ ...cell, fields: fieldsOf(cell) })),
  };
}

function chunksOf(history: History, { key, before }: HistoryKeys): readonly Chunk[] {
  const own = history.streams.get(key)?.chunks ?? [];
  const first = own[0]?.columns[0] ?? Number.POSITIVE_INFINITY;
  const earlier = (before === null ? undefined : history.streams.get(before)?.chunks) ?? [];
  // Columns rise, so those that stay are the first of their chunk, where its values expect them.
  const leading = earlier.map((chunk) => ({
    ...chunk,
    columns: chunk.columns.filter((column) => column < first),
  }));
  return [...leading.filter((chunk) => chunk.columns.length > 0), ...own];
}

const larger = (mean: number | null, variance: number | null): number | null =>
  mean === null && variance === null ? null : Math.max(Math.abs(mean ?? 0), Math.abs(variance ?? 0));

/** Cells of the newest chunk in their order, then those that only older ones had. */
function cellsOf(chunks: readonly Chunk[]): HistoryCell[] {
  const cells = new Map<string, HistoryCell>();
  for (const chunk of chunks.toReversed()) {
    for (const cell of chunk.cells) if (!cells.has(cellKey(cell))) cells.set(cellKey(cell), cell);
  }
  return [...cells.values()];
}

/** `history.ts` drops whole chunks, so a few columns more than `columnsMax` may be held. */
const columnsOf = (history: History, chunks: readonly Chunk[]): number[] =>
  chunks.flatMap((chunk) => chunk.columns).slice(-history.options.columnsMax);

function readField(
  history: History,
  chunks: readonly Chunk[],
  cell: HistoryCell,
  field: HistoryField,
): Numbers {
  const offset = HISTORY_FIELDS.indexOf(field);
  const values = chunks.flatMap((chunk) => {
    const row = chunk.rows.get(cellKey(cell))?.row;
    return chunk.columns.map((_, column) => {
      const place = (column * chunk.cells.length + (row ?? 0)) * HISTORY_FIELDS.length + offset;
      const value = row === undefined ? Number.NaN : chunk.values[place]!;
      return Number.isFinite(value) ? value : null;
    });
  });
  return values.slice(-history.options.columnsMax);
}
