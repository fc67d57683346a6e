/** One serving stream: (environment, model, version, role). Holds its time, open ticks, baseline and last scores. */
import { type Baseline, moveBaseline, newBaseline } from './baseline.ts';
import { type RecentTick, recentTicksCodec } from './canary.ts';
import { newStreamClock, type StreamClock, streamClockCodec } from './clock.ts';
import { bool, type Codec, f64, floats, list, map, nullable, str, struct } from './codec.ts';
import { type DetectorState, newDetectorState } from './detect/contract.ts';
import { DETECTORS } from './detect/index.ts';
import { type Hours, moveHours, newHours } from './hours.ts';
import { mergeLayouts, moveCells, placesOf, sameNames, sortLayouts } from './layout.ts';
import { LIMITS } from './limits.ts';
import { type OutputSum, outputSumCodec } from './output-sum.ts';
import { type CellScores, cellScoresCodec } from './score/cells.ts';
import { moveTick, type OpenTick, openTickCodec } from './tick.ts';
import { type Totals, totalsCodec } from './totals.ts';

export interface StreamHead {
  id: string;
  version: string;
  role: string;
  /** The checkpoint its own events name. */
  checkpoint: string | null;
  /** Lists of layers seen, longest first; `layers` is their union in forward order. */
  layouts: string[][];
  clock: StreamClock;
  /** Ticks up to this one are closed; −1 before the first. */
  closedTick: number;
  stopped: boolean;
  /** Id of the reference in use; null while there is none. */
  reference: string | null;
  /** References that a relearning has put aside: they do not bind this stream until they are pinned anew. */
  unbound: string[];
  detectors: Map<string, DetectorState>;
  /** Outputs of the last ticks, newest last. */
  outputs: { tick: number; sums: Map<string, OutputSum> }[];
  totals: Totals;
  /** What each source declares, by the hash of its manifest, and the manifests' bodies as JSON. */
  manifestOf: Map<string, Declaration>;
  manifests: Map<string, string>;
}

/** Which manifest a source declares, and since when. */
export interface Declaration {
  id: string;
  timeMs: number;
}

/** Numbers of the last closed tick, for the view. */
export interface LastTick {
  endMs: number;
  requests: number;
  tokens: number;
  cells: Float64Array;
  min: Float64Array;
  max: Float64Array;
  reference: CellScores | null;
  rolling: CellScores | null;
  /** Rows of differences by cell: the source furthest off its peers, a canary off its stable version. */
  peers: Float64Array | null;
  canary: Float64Array | null;
  /** Ticks that a canary is or may be compared by, and the last one that was. */
  recent: RecentTick[];
  compared: number;
}

export interface Stream extends StreamHead {
  layers: readonly string[];
  /** Layouts by identity of content are looked up by this: the last list seen, and its places among `layers`. */
  lastLayout: readonly string[];
  lastPlaces: Int32Array;
  open: Map<number, OpenTick>;
  baseline: Baseline;
  hours: Hours;
  last: LastTick | null;
  dirty: { head: boolean; open: boolean; last: boolean; hours: boolean; series: boolean };
  /** Names of the buckets that are stored; no part of the state. */
  stored: Set<string>;
}

const LAYOUTS_MAX = 16;

const detectorStateCodec: Codec<DetectorState> = struct<DetectorState>({
  cells: floats,
  stream: floats,
  named: map(floats),
  nats: f64,
  at: f64,
});

export const streamHeadCodec: Codec<StreamHead> = struct<StreamHead>({
  id: str,
  version: str,
  role: str,
  checkpoint: nullable(str),
  layouts: list(list(str)),
  clock: streamClockCodec,
  closedTick: f64,
  stopped: bool,
  reference: nullable(str),
  unbound: list(str),
  detectors: map(detectorStateCodec),
  outputs: list(
    struct<{ tick: number; sums: Map<string, OutputSum> }>({ tick: f64, sums: map(outputSumCodec) }),
  ),
  manifestOf: map(struct<Declaration>({ id: str, timeMs: f64 })),
  manifests: map(str),
  totals: totalsCodec,
});

export const lastTickCodec: Codec<LastTick> = struct<LastTick>({
  endMs: f64,
  requests: f64,
  tokens: f64,
  cells: floats,
  min: floats,
  max: floats,
  reference: nullable(cellScoresCodec),
  rolling: nullable(cellScoresCodec),
  peers: nullable(floats),
  canary: nullable(floats),
  recent: recentTicksCodec,
  compared: f64,
});

export const openTicksCodec = list(openTickCodec);

export const streamId = (version: string, role: string): string => `serving/${version}/${role}`;

export function newStream(version: string, role: string, learns: boolean): Stream {
  const head: StreamHead = {
    id: streamId(version, role),
    version,
    role,
    checkpoint: null,
    layouts: [],
    clock: newStreamClock(),
    closedTick: -1,
    stopped: false,
    reference: null,
    unbound: [],
    detectors: new Map(),
    outputs: [],
    manifestOf: new Map(),
    manifests: new Map(),
    totals: new Map(),
  };
  return assembleStream(head, [], newBaseline(0, learns), newHours(0), null);
}

export function assembleStream(
  head: StreamHead,
  open: readonly OpenTick[],
  baseline: Baseline,
  hours: Hours,
  last: LastTick | null,
): Stream {
  const layers = mergeLayouts(head.layouts);
  return {
    ...head,
    layers,
    lastLayout: [],
    lastPlaces: new Int32Array(0),
    open: new Map(open.map((tick) => [tick.index, tick])),
    baseline,
    hours,
    last,
    dirty: { head: true, open: true, last: last !== null, hours: false, series: false },
    stored: new Set(),
  };
}

/**
 * Places of an event's layers among the stream's, after learning a list not seen before. Layers beyond the cap have
 * place −1.
 */
export function placesFor(stream: Stream, layout: readonly string[]): Int32Array {
  if (sameNames(layout, stream.lastLayout)) return stream.lastPlaces;
  const known = new Set(stream.layers);
  if (stream.layouts.length < LAYOUTS_MAX) {
    const fitting = fittingNames(layout, known);
    if (fitting.some((name) => !known.has(name))) learnLayout(stream, fitting);
  }
  stream.lastLayout = layout;
  stream.lastPlaces = placesOf(layout, stream.layers);
  return stream.lastPlaces;
}

/** The list without those new names for which there is no room: layers once known are never pushed out. */
function fittingNames(layout: readonly string[], known: ReadonlySet<string>): string[] {
  let room = LIMITS.layers - known.size;
  return layout.filter((name) => known.has(name) || room-- > 0);
}

function learnLayout(stream: Stream, layout: readonly string[]): void {
  const old = stream.layers;
  stream.layouts = sortLayouts([...stream.layouts, layout]).map((one) => [...one]);
  stream.layers = mergeLayouts(stream.layouts);
  const places = placesOf(old, stream.layers);
  const count = stream.layers.length;
  for (const tick of stream.open.values()) moveTick(tick, places, count);
  moveBaseline(stream.baseline, places, count);
  moveHours(stream.hours, places, count);
  stream.dirty.hours = true;
  stream.dirty.series = true;
  for (const detector of DETECTORS) {
    const state = stream.detectors.get(detector.name);
    if (state === undefined) continue;
    state.cells = moveCells(state.cells, detector.cellStride, places, count);
    state.at = -1;
  }
  stream.last = null;
  stream.dirty.head = true;
  stream.dirty.open = true;
  stream.dirty.last = true;
}

export function detectorState(stream: Stream, name: string): DetectorState {
  let state = stream.detectors.get(name);
  if (state === undefined) {
    state = newDetectorState(DETECTORS.find((d) => d.name === name)!, stream.layers.length);
    stream.detectors.set(name, state);
  }
  return state;
}
