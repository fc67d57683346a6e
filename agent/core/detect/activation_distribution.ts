/** The shape of a layer's histograms; see `score/shape.ts` for what is measured and `windows.ts` for the evidence. */
import * as b from '../bucket.ts';
import { layerOfCell, siteOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import { SHAPE_STATISTICS, zeroShare } from '../score/shape.ts';
import { HISTOGRAMS_MIN, scoreShape } from '../score/shape-residual.ts';
import { shapeKey } from '../sums/shape.ts';
import { affectedSources } from './attribution.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { capOf, natsOf, partOf } from './evidence.ts';
import { round } from './shift.ts';
import { evidenceAt, FORGET_MS, stepWindow, W_LAST_MS, W_ONSET_MS, WINDOW_STRIDE } from './windows.ts';

/** Shares of zeros between which activations die. */
const LIVE_SHARE_MAX = 0.05;
const DEAD_SHARE_MIN = 0.5;

/** Row of a cell: evidence over windows; the statistic furthest out, its shift; share of zeros once dead, else 0. */
const WORST = WINDOW_STRIDE;
const SHIFT = WINDOW_STRIDE + 1;
const SIGMAS = WINDOW_STRIDE + 2;
const ZEROS = WINDOW_STRIDE + 3;
const STRIDE = WINDOW_STRIDE + 4;

export const activationDistribution: Detector = {
  name: 'activation_distribution',
  family: 'drift',
  doc:
    "The shape of each layer's histograms, whatever their mean and variance: weight of the tails and of the centre, " +
    'asymmetry, and the quartile range against the standard deviation. How histograms of single flushes scatter is ' +
    'learnt from the baseline, since the elements of a request are not independent. Catches clipping, values that ' +
    'saturate, channels that run away, and layers whose values become zeros or all one value. Misses what leaves the ' +
    'shape alone, and layers without histograms.',
  params: [
    {
      name: 'effect',
      unit: 'request_sigmas',
      value: 0.125,
      help: 'default of fold.leastEffectSigmas; each statistic has an absolute least change too',
    },
    {
      name: 'histograms',
      unit: 'histograms',
      value: HISTOGRAMS_MIN,
      help: 'least in the baseline of a layer and site',
    },
    {
      name: 'zeros',
      unit: 'ratio',
      value: DEAD_SHARE_MIN,
      help: 'share of zeros above which a layer is dead that had less than a twentieth',
    },
    { name: 'forget', unit: 'ms', value: FORGET_MS, help: 'age at which a histogram counts no more' },
  ],
  metrics: ['activation_kl_nats'],
  causes: ['dead_activation', 'unknown'],
  ofReference: true,
  cellStride: STRIDE,
  streamStride: 0,
  tick(context, state) {
    if (context.baseline === null) {
      state.cells.fill(0);
    } else if (context.tick.histograms.length > 0) {
      stepCells(context, state, context.baseline);
    }
    const shape = shapeSignal(context, state);
    const dead = deadSignal(context, state);
    return [dead, shape].filter((signal) => signal !== null);
  },
};

function stepCells(context: TickContext, state: DetectorState, baseline: b.Bucket): void {
  const { tick, layers, settings } = context;
  const { pageNats } = context.thresholds(activationDistribution.name);
  const cap = capOf(pageNats, 2 * layers.length);
  for (let cell = 0; cell < 2 * layers.length; cell++) {
    const at = cell * STRIDE;
    const key = shapeKey(layers[layerOfCell(cell)]!);
    const score = scoreShape(
      tick.sums.get(key),
      baseline.sums.get(key),
      cell & 1,
      settings.leastEffectSigmas,
    );
    if (score !== null) stepWindow(state.cells, at, score.evidence, tick, cap);
    noteZeros(context, state, baseline, cell);
    if (score === null) continue;
    state.cells[at + WORST] = score.worst;
    state.cells[at + SHIFT] = score.shift;
    state.cells[at + SIGMAS] = score.requestSigmas;
  }
}

/** A share of zeros, by the larger of both zero thresholds. */
function noteZeros(context: TickContext, state: DetectorState, baseline: b.Bucket, cell: number): void {
  const place = context.places[layerOfCell(cell)] ?? -1;
  const now = context.tick.histograms[cell];
  const then = place < 0 ? null : baseline.histograms[place * 2 + (cell & 1)];
  if (now == null || then == null) return;
  const threshold = Math.max(now.zeroThreshold, then.zeroThreshold);
  const share = zeroShare(now, threshold);
  const isDead = share > DEAD_SHARE_MIN && zeroShare(then, threshold) < LIVE_SHARE_MAX;
  state.cells[cell * STRIDE + ZEROS] = isDead ? share : 0;
  state.cells[cell * STRIDE + W_LAST_MS] = context.tick.endMs;
}

/** One signal for the first cell in forward order whose shape is another. */
function shapeSignal(context: TickContext, state: DetectorState): Signal | null {
  const { tick, layers } = context;
  const cells = state.cells.length / STRIDE;
  state.nats = 0;
  state.at = -1;
  let sum = 0;
  let measured = 0;
  let most = 0;
  for (let cell = 0; cell < cells; cell++) {
    if (state.cells[cell * STRIDE + W_LAST_MS] === 0) continue;
    const evidence = evidenceAt(state.cells, cell * STRIDE, tick.endMs);
    measured++;
    sum += evidence;
    if (evidence <= most) continue;
    most = evidence;
    state.at = cell;
  }
  if (measured === 0) return null;
  state.nats = natsOf(sum / measured);
  if (state.nats < context.thresholds(activationDistribution.name).ticketNats) return null;
  const least = partOf(measured);
  const out = Array.from({ length: cells }, (_, cell) => cell).filter(
    (cell) => evidenceAt(state.cells, cell * STRIDE, tick.endMs) >= least,
  );
  const first = out[0]!;
  const row = state.cells.subarray(first * STRIDE, (first + 1) * STRIDE);
  const layer = layerOfCell(first);
  const { name } = SHAPE_STATISTICS[row[WORST]!]!;
  const shift = row[SHIFT]!;
  return {
    layer,
    site: siteOfCell(first),
    sources: sourcesOf(context, first),
    severity: 'ticket',
    cause: 'unknown',
    confidence: 0,
    effect: row[SIGMAS]!,
    unit: 'request_sigmas',
    onsetMs: Math.min(...out.map((cell) => state.cells[cell * STRIDE + W_ONSET_MS]!)),
    evidence: {
      shape_statistic: name,
      shape_shift: round(shift),
      shape_shift_sigmas: round(row[SIGMAS]!),
      shape_places: out.length,
    },
    says: `the shape of activations at the ${siteOfCell(first)} of ${layers[layer]!} is another: ${WORDS[name][shift > 0 ? 0 : 1]}`,
  };
}

/** A histogram is of one flush and hardly tells whose it is: what all flushes of the tick say of the place does. */
function sourcesOf(context: TickContext, cell: number): string[] {
  const sources = affectedSources(context, cell, 'variance');
  return sources.length > 0 ? sources : affectedSources(context, cell, 'mean');
}

const WORDS = {
  tails: ['heavier tails', 'lighter tails'],
  centre: ['more values at the median', 'fewer values at the median'],
  asymmetry: ['leaning to larger values', 'leaning to smaller values'],
  width: ['wider quartiles for the same variance', 'narrower quartiles for the same variance'],
} as const;

/** Exact, so it needs no budget: zeros where there were none, or no variance at all. */
function deadSignal(context: TickContext, state: DetectorState): Signal | null {
  const { tick, layers, baseline, places } = context;
  if (baseline === null) return null;
  for (let cell = 0; cell < 2 * layers.length; cell++) {
    const place = places[layerOfCell(cell)] ?? -1;
    const row = cell * m.TICK_STRIDE;
    const isFlat =
      place >= 0 &&
      tick.cells[row + m.COUNT]! > 1 &&
      tick.cells[row + m.M2] === 0 &&
      baseline.cells[(place * 2 + (cell & 1)) * b.BUCKET_STRIDE + b.B_V_MEAN]! > 0;
    const at = cell * STRIDE;
    const isRecent = tick.endMs - state.cells[at + W_LAST_MS]! <= FORGET_MS;
    const zeros = isRecent ? state.cells[at + ZEROS]! : 0;
    if (!isFlat && zeros === 0) continue;
    const where = `the ${siteOfCell(cell)} of ${layers[layerOfCell(cell)]!}`;
    return {
      layer: layerOfCell(cell),
      site: siteOfCell(cell),
      sources: [],
      severity: 'ticket',
      cause: 'dead_activation',
      confidence: 0.9,
      effect: isFlat ? 1 : zeros,
      unit: 'ratio',
      onsetMs: isFlat ? tick.startMs : state.cells[at + W_LAST_MS]! - (tick.endMs - tick.startMs),
      evidence: isFlat ? { variance: 0 } : { zero_share: round(zeros) },
      says: isFlat
        ? `all activations at ${where} have one value`
        : `${Math.round(zeros * 100)} % of the activations at ${where} are zero`,
    };
  }
  return null;
}
