/**
 * Answers to fixed inputs, by probe and layer, and by probe and output. Each number is the same every time while the
 * arithmetic is, so of a tick and of a baseline alike the least and the greatest value are kept: what has varied is known.
 */
import type { ActivationsEvent, Block, Event, Histogram, OutputsEvent } from '../decode/event.ts';
import type { RowOf, SumKind } from '../sums.ts';

/** Events, and the place of the layer in forward order as the event lists them. */
export const P_COUNT = 0;
export const P_ORDER = 1;
/** Then pairs of least and greatest value, NaN while not measured: of a layer first those of its input. */
const HEAD = 2;

export const PROBE_COLUMNS = ['mean', 'variance', 'min', 'max', 'token_variance_mean'] as const;
export type ProbeColumn = (typeof PROBE_COLUMNS)[number];
const COLUMNS = PROBE_COLUMNS.length;
export const LAYER_STRIDE = HEAD + 2 * 2 * COLUMNS;

/** Of an output: its distribution seen from a few fixed directions. A change of it moves none of them by more. */
export const DIRECTIONS = 4;
export const OUTPUT_STRIDE = HEAD + 2 * DIRECTIONS;

/** Where the least value lies; the greatest is next to it. */
export const atColumn = (site: 0 | 1, column: ProbeColumn): number =>
  HEAD + 2 * (site * COLUMNS + PROBE_COLUMNS.indexOf(column));
export const atDirection = (direction: number): number => HEAD + 2 * direction;

export const PROBE_PREFIX = 'probe/';
const LAYER = 'probe/layer/';
const OUTPUT = 'probe/output/';

/** What a key is about; null for keys of other kinds. Ids are escaped, so the first slash ends them. */
export function probeOfKey(key: string): { id: string; name: string; isLayer: boolean } | null {
  const isLayer = key.startsWith(LAYER);
  if (!isLayer && !key.startsWith(OUTPUT)) return null;
  const start = isLayer ? LAYER.length : OUTPUT.length;
  const end = key.indexOf('/', start);
  return { id: key.slice(start, end), name: key.slice(end + 1), isLayer };
}

function add(event: Event, rowOf: RowOf): void {
  if (event.probe === undefined) return;
  const id = encodeURIComponent(event.probe);
  if (event.kind === 'activations') addLayers(event, id, rowOf);
  else if (event.kind === 'outputs') addOutput(event, id, rowOf);
}

function addLayers({ layers, input, output }: ActivationsEvent, id: string, rowOf: RowOf): void {
  if (layers === undefined) return;
  for (let i = 0; i < layers.length; i++) {
    const row = rowFor(rowOf, `${LAYER}${id}/${layers[i]!}`, LAYER_STRIDE, i);
    if (row === null) return;
    if (input !== undefined) addBlock(row, 0, input, i);
    if (output !== undefined) addBlock(row, 1, output, i);
  }
}

function rowFor(rowOf: RowOf, key: string, length: number, order: number): Float64Array | null {
  const row = rowOf(key, length);
  if (row === null) return null;
  if (row[P_COUNT] === 0) row.fill(Number.NaN, HEAD);
  row[P_COUNT] = row[P_COUNT]! + 1;
  row[P_ORDER] = Math.max(row[P_ORDER]!, order);
  return row;
}

function addBlock(row: Float64Array, site: 0 | 1, block: Block, i: number): void {
  for (let c = 0; c < COLUMNS; c++) {
    const value = block[PROBE_COLUMNS[c]!]?.[i];
    if (typeof value === 'number') spread(row, HEAD + 2 * (site * COLUMNS + c), value, value);
  }
}

/** NaN stands for nothing. */
function spread(row: Float64Array, at: number, low: number, high: number): void {
  if (Number.isNaN(low)) return;
  row[at] = Number.isNaN(row[at]!) ? low : Math.min(row[at]!, low);
  row[at + 1] = Number.isNaN(row[at + 1]!) ? high : Math.max(row[at + 1]!, high);
}

function addOutput({ name, probabilities, histogram }: OutputsEvent, id: string, rowOf: RowOf): void {
  const places = probabilities?.map((share, k): Place => [k + 1, share]) ?? placesOf(histogram ?? null);
  if (places.length === 0) return;
  const row = rowFor(rowOf, `${OUTPUT}${id}/${name}`, OUTPUT_STRIDE, 0);
  if (row === null) return;
  for (let d = 0; d < DIRECTIONS; d++) {
    let sum = 0;
    for (const [place, share] of places) sum += share * Math.cos(place * (d + 1));
    spread(row, atDirection(d), sum, sum);
  }
}

/** Where a share of the whole lies. */
type Place = readonly [place: number, share: number];

/** Buckets by their index, negative ones half a place beside the positive ones. */
function placesOf(histogram: Histogram | null): Place[] {
  if (histogram === null) return [];
  const { zero_count: zero, positive, negative } = histogram;
  const sides: Place[] = [
    [0.25, zero],
    ...(positive?.counts ?? []).map((count, i): Place => [positive!.offset + i, count]),
    ...(negative?.counts ?? []).map((count, i): Place => [negative!.offset + i + 0.5, count]),
  ];
  const total = sides.reduce((sum, [, count]) => sum + count, 0);
  return total > 0 ? sides.map(([place, count]): Place => [place, count / total]) : [];
}

function addTick(into: Float64Array, from: Float64Array): void {
  into[P_COUNT] = into[P_COUNT]! + from[P_COUNT]!;
  into[P_ORDER] = Math.max(into[P_ORDER]!, from[P_ORDER]!);
  for (let at = HEAD; at < from.length; at += 2) spread(into, at, from[at]!, from[at + 1]!);
}

function enter(row: Float64Array | null, tick: Float64Array): Float64Array {
  if (row === null) return Float64Array.from(tick);
  if (row.length === tick.length) addTick(row, tick);
  return row.length === tick.length ? row : Float64Array.from(tick);
}

export const PROBE: SumKind = {
  prefix: 'probe',
  kinds: ['activations', 'outputs'],
  add,
  addTick,
  enter,
  merge: addTick,
};
