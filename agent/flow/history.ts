/**
 * The recent past of every stream, for the page only: what the state itself does not keep. Bounded, in memory, lost
 * at a restart, never a ground for a decision. Pure: the caller says what time it is.
 *
 * A stream is a list of chunks of a few columns (ticks or steps) with the cells they hold. When memory runs out the
 * chunk that was written longest ago goes, whosever it is: quiet streams lose their past first, and streams that all
 * move keep equally long ones, instead of pushing each other out whole.
 */
import type { CellScore, CellView, PartitionView, Site, StreamView } from '../core/view.ts';

/** Numbers kept per cell and column, in the order of storage. */
export const HISTORY_FIELDS = [
  'meanShift',
  'varianceShift',
  'kl',
  'mean',
  'variance',
  'baselineMean',
  'baselineMeanBand',
  'baselineVariance',
  'baselineVarianceFactor',
] as const;
export type HistoryField = (typeof HISTORY_FIELDS)[number];
const FIELDS = HISTORY_FIELDS.length;

const CHUNK_COLUMNS = 12;
/** Rough cost of a chunk, a key or a name beside its numbers, so that tiny streams cannot slip under the cap. */
const OVERHEAD_BYTES = 512;

export interface HistoryOptions {
  /** Columns kept per stream at the most. */
  readonly columnsMax: number;
  /** Cells (layer and site) kept per stream at the most; those after are left out. */
  readonly cellsMax: number;
  readonly bytesMax: number;
  /** A stream that no view has shown for this long is dropped. */
  readonly forgetAfterMs: number;
}

export const HISTORY_DEFAULTS: HistoryOptions = {
  columnsMax: 360,
  cellsMax: 1_024,
  bytesMax: 64 * 1024 * 1024,
  forgetAfterMs: 15 * 60_000,
};

export interface HistoryCell {
  readonly layer: string;
  readonly site: Site;
}

export interface Chunk {
  readonly cells: readonly HistoryCell[];
  /** By cell key. */
  readonly rows: ReadonlyMap<string, { readonly row: number; readonly cell: HistoryCell }>;
  readonly columns: number[];
  /** [column][cell][field] */
  readonly values: Float32Array;
  /** Rises with every write anywhere: the lowest is what was written longest ago. */
  writtenAt: number;
  readonly bytes: number;
}

export interface StreamHistory {
  chunks: Chunk[];
  seenMs: number;
}

export interface History {
  readonly options: HistoryOptions;
  readonly streams: Map<string, StreamHistory>;
  bytes: number;
  writes: number;
}

export function createHistory(options: Partial<HistoryOptions> = {}): History {
  const all = { ...HISTORY_DEFAULTS, ...options };
  for (const [name, value] of Object.entries(all)) {
    if (!(Number.isFinite(value) && value > 0))
      throw new RangeError(`history: ${name} must be above 0, not ${value}`);
  }
  return { options: all, streams: new Map(), bytes: 0, writes: 0 };
}

/** Identity of a stream over all models. NUL cannot stand in a name that decode let through. */
export const streamKey = (stream: Pick<StreamView, 'environment' | 'model' | 'id'>): string =>
  `${stream.environment}\0${stream.model}\0${stream.id}`;

/** Appends a column to each stream whose tick or step moved since its last one. `nowMs`: any one clock, for forgetting. */
export function recordView(history: History, view: PartitionView, nowMs: number): void {
  for (const model of view.models) {
    for (const stream of model.streams) recordStream(history, stream, nowMs);
  }
  for (const [key, stream] of history.streams) {
    if (nowMs - stream.seenMs > history.options.forgetAfterMs) forget(history, key, stream);
  }
  makeRoom(history);
}

function recordStream(history: History, stream: StreamView, nowMs: number): void {
  const key = streamKey(stream);
  const column = stream.run === null ? stream.tickEndMs : stream.step;
  let past = history.streams.get(key);
  if (past) past.seenMs = nowMs;
  if (column === null || stream.cells.length === 0) return;
  if (!past) {
    past = { chunks: [], seenMs: nowMs };
    history.streams.set(key, past);
  }
  const last = past.chunks.at(-1)?.columns.at(-1);
  if (last === column) return;
  // The state went back in time (a store that lost writes, a run resumed from a checkpoint): what comes now replaces it.
  if (last !== undefined && column < last) dropFrom(history, past, column);
  const chunk = chunkFor(history, past, stream.cells.slice(0, history.options.cellsMax));
  write(chunk, column, stream.cells);
  history.writes += 1;
  chunk.writtenAt = history.writes;
  trim(history, past);
}

export const cellKey = (cell: HistoryCell): string => `${cell.site}\0${cell.layer}`;

/** The open chunk, or a new one when it is full or lacks a cell of this column. */
function chunkFor(history: History, past: StreamHistory, cells: readonly CellView[]): Chunk {
  const open = past.chunks.at(-1);
  const fits = open !== undefined && cells.every((cell) => open.rows.has(cellKey(cell)));
  if (fits && open.columns.length < CHUNK_COLUMNS) return open;
  // Earlier cells stay in the layout: one that is sent only now and then must not cost a chunk each time.
  const rows = fits
    ? open.rows
    : rowsOf([...cells, ...(open?.cells ?? [])].slice(0, history.options.cellsMax));
  const length = CHUNK_COLUMNS * rows.size * FIELDS;
  const chunk: Chunk = {
    cells: [...rows.values()].map(({ cell }) => cell),
    rows,
    columns: [],
    values: new Float32Array(length).fill(Number.NaN),
    writtenAt: history.writes,
    bytes: length * Float32Array.BYTES_PER_ELEMENT + OVERHEAD_BYTES,
  };
  past.chunks.push(chunk);
  history.bytes += chunk.bytes;
  return chunk;
}

function rowsOf(cells: readonly HistoryCell[]): Chunk['rows'] {
  const rows = new Map<string, { readonly row: number; readonly cell: HistoryCell }>();
  for (const { layer, site } of cells) {
    const key = cellKey({ layer, site });
    if (!rows.has(key)) rows.set(key, { row: rows.size, cell: { layer, site } });
  }
  return rows;
}

function write(chunk: Chunk, column: number, cells: readonly CellView[]): void {
  const start = chunk.columns.length * chunk.cells.length * FIELDS;
  chunk.columns.push(column);
  for (const cell of cells) {
    const row = chunk.rows.get(cellKey(cell))?.row;
    if (row === undefined) continue;
    const score = shownScore(cell.scores);
    const numbers = [
      score?.meanShiftSigmas,
      score?.varianceShiftSigmas,
      score?.klNats ?? score?.histogramKlNats,
      cell.mean,
      cell.variance,
      score?.baselineMean,
      score?.baselineMeanBand,
      score?.baselineVariance,
      score?.baselineVarianceFactor,
    ];
    for (let field = 0; field < FIELDS; field += 1) {
      chunk.values[start + row * FIELDS + field] = numbers[field] ?? Number.NaN;
    }
  }
}

/** The page compares with the reference; while there is none, with the rolling past. */
export const shownScore = (scores: readonly CellScore[]): CellScore | undefined =>
  scores.find((score) => score.against === 'reference') ??
  scores.find((score) => score.against === 'rolling');

function dropFrom(history: History, past: StreamHistory, column: number): void {
  for (let last = past.chunks.at(-1); last !== undefined; last = past.chunks.at(-1)) {
    while (last.columns.length > 0 && last.columns.at(-1)! >= column) last.columns.pop();
    const stride = last.cells.length * FIELDS;
    last.values.fill(Number.NaN, last.columns.length * stride);
    if (last.columns.length > 0) return;
    past.chunks.pop();
    history.bytes -= last.bytes;
  }
}

/** Drops whole chunks, so up to `CHUNK_COLUMNS` − 1 more than `columnsMax` are held; readers cut the rest off. */
function trim(history: History, past: StreamHistory): void {
  let held = past.chunks.reduce((sum, chunk) => sum + chunk.columns.length, 0);
  for (
    let first = past.chunks[0];
    first && held - first.columns.length >= history.options.columnsMax;
    first = past.chunks[0]
  ) {
    past.chunks.shift();
    history.bytes -= first.bytes;
    held -= first.columns.length;
  }
}

function forget(history: History, key: string, past: StreamHistory): void {
  for (const chunk of past.chunks) history.bytes -= chunk.bytes;
  history.streams.delete(key);
}

function makeRoom(history: History): void {
  while (history.bytes > history.options.bytesMax) {
    let oldestKey: string | undefined;
    let oldest: StreamHistory | undefined;
    for (const [key, past] of history.streams) {
      const writtenAt = past.chunks[0]?.writtenAt ?? Number.POSITIVE_INFINITY;
      if (writtenAt < (oldest?.chunks[0]?.writtenAt ?? Number.POSITIVE_INFINITY)) {
        oldest = past;
        oldestKey = key;
      }
    }
    const chunk = oldest?.chunks.shift();
    if (!oldest || !chunk || oldestKey === undefined) return;
    history.bytes -= chunk.bytes;
    if (oldest.chunks.length === 0) history.streams.delete(oldestKey);
  }
}
