/** Open ticks: one accumulator per source, so that any interleaving of sources gives the same numbers. */

import { byName, type Codec, f64, floats, list, map, struct } from './codec.ts';
import type { ActivationsEvent, Block, Event, OutputsEvent } from './decode/event.ts';
import { addWire, type Histogram, maybeHistogramCodec } from './histogram.ts';
import { moveCells } from './layout.ts';
import * as m from './moments.ts';
import { addProbabilities, mergeOutput, type OutputSum, outputOf, outputSumCodec } from './output-sum.ts';
import { addEvent, type Sums, sumSources } from './sums.ts';

export interface OpenTick {
  index: number;
  sources: Map<string, SourceTick>;
  /** Least and greatest finite value, non-finite elements per cell: order does not matter, so sources share them. */
  min: Float64Array;
  max: Float64Array;
  nan: Float64Array;
  inf: Float64Array;
  histograms: (Histogram | null)[];
}

/** What one source sent for one tick. */
export interface SourceTick {
  /** Flushes with requests, and all flushes: one without requests is a sign of life. */
  flushes: number;
  signs: number;
  requests: number;
  tokens: number;
  cells: Float64Array;
  outputs: Map<string, OutputSum>;
  sums: Sums;
}

const sourceTickCodec: Codec<SourceTick> = struct<SourceTick>({
  flushes: f64,
  signs: f64,
  requests: f64,
  tokens: f64,
  cells: floats,
  outputs: map(outputSumCodec),
  sums: map(floats),
});

export const openTickCodec: Codec<OpenTick> = struct<OpenTick>({
  index: f64,
  sources: map(sourceTickCodec),
  min: floats,
  max: floats,
  nan: floats,
  inf: floats,
  histograms: list(maybeHistogramCodec),
});

/** A closed tick: sources merged in order of their names. */
export interface TickSummary {
  readonly index: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly flushes: number;
  readonly requests: number;
  readonly tokens: number;
  readonly cells: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly nan: Float64Array;
  readonly inf: Float64Array;
  readonly histograms: readonly (Histogram | null)[];
  readonly outputs: ReadonlyMap<string, OutputSum>;
  readonly sums: ReadonlyMap<string, Float64Array>;
  /** In order of names. */
  readonly sources: readonly { readonly source: string; readonly tick: SourceTick }[];
}

export function newOpenTick(index: number, layerCount: number): OpenTick {
  const cells = layerCount * 2;
  return {
    index,
    sources: new Map(),
    min: new Float64Array(cells).fill(Number.POSITIVE_INFINITY),
    max: new Float64Array(cells).fill(Number.NEGATIVE_INFINITY),
    nan: new Float64Array(cells),
    inf: new Float64Array(cells),
    histograms: [],
  };
}

export function sourceTickOf(tick: OpenTick, source: string): SourceTick {
  let found = tick.sources.get(source);
  if (found === undefined) {
    found = {
      flushes: 0,
      signs: 0,
      requests: 0,
      tokens: 0,
      cells: new Float64Array(0),
      outputs: new Map(),
      sums: new Map(),
    };
    tick.sources.set(source, found);
  }
  return found;
}

/** What an event of any kind adds beside moments and outputs. */
export function addSums(tick: OpenTick, event: Event): void {
  addEvent(sourceTickOf(tick, event.source).sums, event);
}

/** Adds one flush. `places` gives each layer of the event its place among the stream's `layerCount` layers. */
export function addActivations(
  tick: OpenTick,
  event: ActivationsEvent,
  places: Int32Array,
  layerCount: number,
): void {
  const source = sourceTickOf(tick, event.source);
  source.signs++;
  if (event.requests === 0) return;
  source.flushes++;
  source.requests += event.requests;
  source.tokens += event.tokens ?? 0;
  if (source.cells.length === 0) source.cells = new Float64Array(layerCount * 2 * m.TICK_STRIDE);
  if (event.input !== undefined) addBlock(tick, source.cells, event.input, 0, places, event.requests);
  if (event.output !== undefined) addBlock(tick, source.cells, event.output, 1, places, event.requests);
}

function addBlock(
  tick: OpenTick,
  cells: Float64Array,
  block: Block,
  site: 0 | 1,
  places: Int32Array,
  requests: number,
): void {
  const { count, mean, variance, min, max, nan, inf } = block;
  const tokenVariance = block.token_variance_mean ?? variance;
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    if (place < 0) continue;
    const cell = place * 2 + site;
    const meanOf = mean?.[i];
    const varianceOf = variance?.[i];
    const tokenVarianceOf = tokenVariance?.[i];
    // A cell without its mean or variance in this flush was not measured: it gives no sample.
    if (typeof meanOf === 'number' && typeof varianceOf === 'number') {
      const countOf = count?.[i] ?? requests;
      if (countOf > 0) {
        const watched = typeof tokenVarianceOf === 'number' ? tokenVarianceOf : varianceOf;
        m.addFlush(cells, cell * m.TICK_STRIDE, countOf, meanOf, varianceOf, watched, requests);
        m.addExtremes(cells, cell * m.TICK_STRIDE, min?.[i] ?? null, max?.[i] ?? null);
      }
    }
    const minOf = min?.[i];
    if (typeof minOf === 'number' && minOf < tick.min[cell]!) tick.min[cell] = minOf;
    const maxOf = max?.[i];
    if (typeof maxOf === 'number' && maxOf > tick.max[cell]!) tick.max[cell] = maxOf;
    const nanOf = nan?.[i];
    if (typeof nanOf === 'number' && nanOf > 0) tick.nan[cell] = tick.nan[cell]! + nanOf;
    const infOf = inf?.[i];
    if (typeof infOf === 'number' && infOf > 0) tick.inf[cell] = tick.inf[cell]! + infOf;
  }
  if (block.histogram !== undefined) addHistograms(tick, block, site, places);
}

function addHistograms(tick: OpenTick, block: Block, site: 0 | 1, places: Int32Array): void {
  for (let i = 0; i < places.length; i++) {
    const wire = block.histogram?.[i];
    const place = places[i]!;
    if (wire === null || wire === undefined || place < 0) continue;
    const cell = place * 2 + site;
    while (tick.histograms.length <= cell) tick.histograms.push(null);
    tick.histograms[cell] = addWire(tick.histograms[cell]!, wire);
  }
}

export function addOutputs(tick: OpenTick, event: OutputsEvent): void {
  const source = sourceTickOf(tick, event.source);
  source.signs++;
  const sum = outputOf(source.outputs, event.name);
  if (sum === null) return;
  const finite = event.requests - (event.non_finite_requests ?? 0);
  sum.requests += event.requests;
  sum.nonFiniteRequests += event.non_finite_requests ?? 0;
  if (finite <= 0) return;
  if (event.probabilities !== undefined && event.probabilities !== null)
    addProbabilities(sum, event.probabilities, finite);
  if (event.histogram !== undefined && event.histogram !== null) {
    sum.histogram = addWire(sum.histogram, event.histogram);
  }
}

export function closeTick(tick: OpenTick, tickMs: number, layerCount: number): TickSummary {
  const cells = new Float64Array(layerCount * 2 * m.TICK_STRIDE);
  const outputs = new Map<string, OutputSum>();
  const names = [...tick.sources.keys()].sort(byName);
  const sources = names.map((source) => ({ source, tick: tick.sources.get(source)! }));
  let flushes = 0;
  let requests = 0;
  let tokens = 0;
  for (const { tick: one } of sources) {
    flushes += one.flushes;
    requests += one.requests;
    tokens += one.tokens;
    for (let at = 0; at < one.cells.length; at += m.TICK_STRIDE) m.mergeTickRow(cells, at, one.cells, at);
    for (const name of [...one.outputs.keys()].sort(byName))
      mergeOutput(outputs, name, one.outputs.get(name)!);
  }
  return {
    index: tick.index,
    startMs: tick.index * tickMs,
    endMs: (tick.index + 1) * tickMs,
    flushes,
    requests,
    tokens,
    cells,
    min: tick.min,
    max: tick.max,
    nan: tick.nan,
    inf: tick.inf,
    histograms: tick.histograms,
    outputs,
    sums: sumSources(sources.map(({ tick: one }) => one.sums)),
    sources,
  };
}

/** The open tick under other layers. */
export function moveTick(tick: OpenTick, places: Int32Array, layerCount: number): void {
  tick.min = moveCells(tick.min, 1, places, layerCount, Number.POSITIVE_INFINITY);
  tick.max = moveCells(tick.max, 1, places, layerCount, Number.NEGATIVE_INFINITY);
  tick.nan = moveCells(tick.nan, 1, places, layerCount);
  tick.inf = moveCells(tick.inf, 1, places, layerCount);
  const histograms: (Histogram | null)[] = [];
  tick.histograms.forEach((histogram, cell) => {
    const to = places[cell >> 1] ?? -1;
    if (histogram === null || to < 0) return;
    const moved = to * 2 + (cell & 1);
    while (histograms.length <= moved) histograms.push(null);
    histograms[moved] = histogram;
  });
  tick.histograms = histograms;
  for (const source of tick.sources.values()) {
    if (source.cells.length > 0) source.cells = moveCells(source.cells, m.TICK_STRIDE, places, layerCount);
  }
}
