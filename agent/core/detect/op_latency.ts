/** Normalization ops that take longer than in the baseline: by layer, or in one source only. */
import { cellOf, layerOfCell } from '../layout.ts';
import { medianPlace, placeShare } from '../score/latency.ts';
import * as o from '../sums/op.ts';
import * as h from '../sums/op_histogram.ts';
import { BETS_STRIDE, stepBets } from './bets.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { capOf, natsOf } from './evidence.ts';
import { round } from './shift.ts';
import { type SourceEvidence, stepSources } from './slow-sources.ts';

/** Times the baseline's, and as a logarithm. */
const LEAST_RATIO = 1.5;
const LEAST_LOG2 = Math.log2(LEAST_RATIO);
/** Ticks of a layer in the baseline from which on it is judged. */
const TICKS_MIN = 30;
/** Calls per flush beyond this many times the baseline's are a volume the baseline knows nothing of. */
const VOLUME_MAX = 1.5;
/** Once there is an alarm, a layer needs this much more than its share of nothing to be part of it. */
const PART_NATS = 5;
/** Share of the layers from which on it is all of them. */
const ALL_SHARE = 0.8;
/** Layers and sources have half of the budget each. */
const HALF_NATS = Math.LN2;

/** Row of a cell (the mean of a layer, then its p99): evidence; since when it grows, over how many ticks, their effects. */
const ONSET_MS = BETS_STRIDE;
const TICKS = BETS_STRIDE + 1;
const EFFECTS = BETS_STRIDE + 2;
const CELL_STRIDE = BETS_STRIDE + 3;

interface Slow {
  readonly cell: number;
  readonly evidence: number;
  /** Mean over the ticks in which evidence grew, times the baseline. */
  readonly ratio: number;
  /** Seconds in this tick, and of the median tick of the baseline. */
  readonly seconds: number;
  readonly usualSeconds: number;
  readonly onsetMs: number;
}

export const opLatency: Detector = {
  name: 'op_latency',
  family: 'latency',
  doc:
    'Time per call of the normalization op, layer by layer, against the ticks of the baseline: the harmonic mean over ' +
    'flushes, and the p99 where histograms are sent. A tick counts when it is 1.5 times the median tick or more, by its ' +
    'rank among all of them, so times may be as heavy-tailed as they like. More tokens per call may take longer in ' +
    'proportion; many more calls per flush may come up to the plain mean of the baseline, since a mean of many has the ' +
    'spikes in it. One slow source is named and left out of the rest. Misses slowdowns below 1.5, bursts shorter than ' +
    'about a minute, a source that is slow in one layer only, and whatever gets slower outside of the op.',
  params: [
    {
      name: 'ratio',
      unit: 'ratio',
      value: LEAST_RATIO,
      help: 'least slowdown that counts, times the baseline',
    },
    { name: 'ticks', unit: 'ticks', value: TICKS_MIN, help: 'least ticks of a layer in the baseline' },
    { name: 'calls', unit: 'calls', value: h.CALLS_MIN, help: 'least calls in a tick that have a p99' },
  ],
  metrics: ['norm_op_duration_seconds'],
  causes: ['latency_regression'],
  ofReference: true,
  cellStride: CELL_STRIDE,
  streamStride: 0,
  tick(context, state) {
    state.nats = 0;
    state.at = -1;
    const { baseline, layers } = context;
    if (baseline === null) return [];
    const { ticketNats, pageNats } = context.thresholds('op_latency');
    const needed = ticketNats + HALF_NATS;
    const sources = stepSources(
      context,
      state,
      LEAST_LOG2,
      usualLevel,
      capOf(pageNats, context.tick.sources.length),
    );
    const suspects = sources.filter((s) => s.isSuspected);
    const cap = capOf(pageNats, 2 * layers.length);
    const slow = readingsOf(context, suspects).map((reading) => step(context, state, reading, cap));
    state.at = strongestOf(slow);
    const ofLayers = meanNats(slow.map((s) => s.evidence));
    const ofSources = meanNats(sources.map((s) => s.evidence));
    state.nats = Math.max(0, Math.max(ofLayers, ofSources) - HALF_NATS);
    const part = slow.length * Math.exp(PART_NATS);
    const out = slow.filter((s) => s.evidence >= part && s.ratio >= LEAST_RATIO);
    if (ofLayers >= needed && out.length > 0) return [layerSignal(context, slow, out)];
    const blamed = suspects.filter((s) => s.ratio >= LEAST_RATIO);
    return ofSources >= needed && blamed.length > 0 ? [sourceSignal(blamed, sources.length)] : [];
  },
};

const meanNats = (evidence: readonly number[]): number =>
  evidence.length === 0 ? 0 : natsOf(evidence.reduce((sum, one) => sum + one, 0) / evidence.length);

/**
 * What a tick like this one may take, as a logarithm; NaN where the baseline does not know. The mean of many heavy-tailed
 * times is no smaller in expectation than that of few, and no larger than the plain mean (Jensen's inequality).
 */
function usualLevel(base: Float64Array | undefined, tick: Float64Array): number {
  if (base === undefined || base[o.OP_PLACES]! < TICKS_MIN) return Number.NaN;
  const median = medianPlace(base, o.OP_PLACES);
  const volume = tick[o.OP_CALLS]! / tick[o.OP_FLUSHES]! / (base[o.OP_CALLS]! / base[o.OP_FLUSHES]!);
  const mean = Math.log2(base[o.OP_SECONDS]! / base[o.OP_CALLS]!);
  const spikes = volume > VOLUME_MAX ? Math.max(0, mean - median) : 0;
  return (
    median + spikes + longer(base[o.OP_TOKENS]!, base[o.OP_CALLS]!, tick[o.OP_TOKENS]!, tick[o.OP_CALLS]!)
  );
}

/** Octaves that more tokens per call may take; shorter texts need not be faster. */
function longer(baseTokens: number, baseCalls: number, tokens: number, calls: number): number {
  const known = baseTokens > 0 && baseCalls > 0 && tokens > 0 && calls > 0;
  return known ? Math.max(0, Math.log2((tokens / calls) * (baseCalls / baseTokens))) : 0;
}

/** What a layer takes in this tick and what it may take, mean or p99. */
interface Reading {
  readonly cell: number;
  readonly level: number;
  readonly usual: number;
  readonly base: Float64Array;
  /** Where in `base` the places of its ticks begin. */
  readonly places: number;
}

/** Layers that can be judged, without those sources that are slow by themselves. */
function readingsOf(context: TickContext, suspects: readonly SourceEvidence[]): Reading[] {
  const base = context.baseline!.sums;
  const means = o.opKeys(context.layers);
  const p99s = h.opHistogramKeys(context.layers);
  const without = new Set(suspects.map((s) => s.source));
  const readings: Reading[] = [];
  for (let layer = 0; layer < means.length; layer++) {
    const mean = rowWithout(context, means[layer]!, without, o.OP);
    const ofMean = base.get(means[layer]!);
    if (mean !== null && ofMean !== undefined) {
      const usual = usualLevel(ofMean, mean);
      readings.push({
        cell: cellOf(layer, 0),
        level: o.opLevel(mean),
        usual,
        base: ofMean,
        places: o.OP_PLACES,
      });
    }
    const bins = rowWithout(context, p99s[layer]!, without, h.OP_HISTOGRAM);
    const ofP99 = base.get(p99s[layer]!);
    const p99 = bins === null ? null : h.p99Of(bins);
    if (p99 !== null && ofP99 !== undefined) {
      const usual = usualP99(ofP99, bins!);
      readings.push({ cell: cellOf(layer, 1), level: p99, usual, base: ofP99, places: h.HISTOGRAM_PLACES });
    }
  }
  return readings.filter(({ usual }) => !Number.isNaN(usual));
}

function usualP99(base: Float64Array, tick: Float64Array): number {
  if (base[h.HISTOGRAM_PLACES]! < TICKS_MIN) return Number.NaN;
  const more = longer(
    base[h.HISTOGRAM_TOKENS]!,
    base[h.HISTOGRAM_CALLS]!,
    tick[h.HISTOGRAM_TOKENS]!,
    tick[h.HISTOGRAM_CALLS]!,
  );
  return medianPlace(base, h.HISTOGRAM_PLACES) + more;
}

/** The tick's row, without those sources that are slow by themselves. */
function rowWithout(
  { tick }: TickContext,
  key: string,
  without: ReadonlySet<string>,
  kind: typeof o.OP,
): Float64Array | null {
  if (without.size === 0) return tick.sums.get(key) ?? null;
  let row: Float64Array | null = null;
  for (const { source, tick: one } of tick.sources) {
    const own = one.sums.get(key);
    if (own === undefined || without.has(source)) continue;
    if (row === null) row = Float64Array.from(own);
    else kind.addTick(row, own);
  }
  return row;
}

function step(context: TickContext, state: DetectorState, reading: Reading, cap: number): Slow {
  const { cell, level, usual, base, places } = reading;
  const { cells } = state;
  const at = cell * CELL_STRIDE;
  const effect = level - usual;
  const p = effect >= LEAST_LOG2 ? placeShare(base, places, medianPlace(base, places) + effect) : 1;
  const evidence = stepBets(cells, at, p, Number.POSITIVE_INFINITY, cap);
  if (evidence <= 1) {
    cells[at + ONSET_MS] = context.tick.endMs;
    cells[at + TICKS] = 0;
    cells[at + EFFECTS] = 0;
  } else {
    if (cells[at + TICKS] === 0) cells[at + ONSET_MS] = context.tick.startMs;
    cells[at + TICKS] = cells[at + TICKS]! + 1;
    cells[at + EFFECTS] = cells[at + EFFECTS]! + effect;
  }
  const ticks = cells[at + TICKS]!;
  return {
    cell,
    evidence,
    ratio: ticks === 0 ? 1 : 2 ** (cells[at + EFFECTS]! / ticks),
    seconds: 2 ** level,
    usualSeconds: 2 ** usual,
    onsetMs: cells[at + ONSET_MS]!,
  };
}

/** The layer whose evidence is strongest; −1 while none says more than nothing. */
function strongestOf(slow: readonly Slow[]): number {
  let at = -1;
  let most = 1;
  for (const { cell, evidence } of slow) {
    if (evidence <= most) continue;
    most = evidence;
    at = cellOf(layerOfCell(cell), 0);
  }
  return at;
}

function layerSignal(context: TickContext, judged: readonly Slow[], out: readonly Slow[]): Signal {
  const worst = out.reduce((most, s) => (s.ratio > most.ratio ? s : most));
  const layersOf = (some: readonly Slow[]): number => new Set(some.map((s) => layerOfCell(s.cell))).size;
  const all = layersOf(judged);
  // Evidence of one layer may lag behind that of another; half of the effect, by this tick alone, tells who is part of it.
  const half = Math.sqrt(worst.ratio);
  const isAll =
    all > 1 && layersOf(judged.filter((s) => s.seconds / s.usualSeconds >= half)) >= ALL_SHARE * all;
  const slow = isAll ? all : layersOf(out);
  const layer = layerOfCell(worst.cell);
  const what = (worst.cell & 1) === 0 ? 'mean' : 'p99';
  return {
    layer: isAll ? -1 : layer,
    site: null,
    sources: [],
    severity: 'ticket',
    cause: 'latency_regression',
    confidence: isAll || slow === 1 ? 0.8 : 0.6,
    effect: worst.ratio,
    unit: 'ratio',
    onsetMs: Math.min(...out.map((s) => s.onsetMs)),
    evidence: {
      slow_layers: slow,
      worst_layer: context.layers[layer]!,
      op_ratio: round(worst.ratio),
      [`op_${what}_seconds`]: round(worst.seconds),
      [`usual_op_${what}_seconds`]: round(worst.usualSeconds),
    },
    says:
      `normalization takes ${worst.ratio.toFixed(1)} times the usual ${what} per call ` +
      (isAll ? `in all ${all} layers, the op or the machines` : `in ${context.layers[layer]}`),
  };
}

function sourceSignal(slow: readonly SourceEvidence[], sources: number): Signal {
  const worst = slow.reduce((most, s) => (s.ratio > most.ratio ? s : most));
  const names = slow.map((s) => s.source);
  return {
    layer: -1,
    site: null,
    sources: names,
    severity: 'ticket',
    cause: 'latency_regression',
    confidence: 0.8,
    effect: worst.ratio,
    unit: 'ratio',
    onsetMs: Math.min(...slow.map((s) => s.onsetMs)),
    evidence: { slow_sources: names.length, live_sources: sources, peer_ratio: round(worst.ratio) },
    says: `normalization takes ${worst.ratio.toFixed(1)} times as long as on the other sources`,
  };
}
