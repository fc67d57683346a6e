/** A canary off the stable version that serves beside it. */
import { CANARY, type Pair } from '../canary.ts';
import { layerOfCell, siteOfCell } from '../layout.ts';
import { cellOfStatistic, statisticName } from './attribution.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { capOf, natsOf, partOf } from './evidence.ts';
import { round, SHIFT_PARAMS } from './shift.ts';
import {
  COUNT,
  effectAt,
  evidenceAt,
  floatsOf,
  normalOf,
  stepTrace,
  TRACE_DOUBLES,
  TRACE_FLOATS,
  USUAL,
} from './trace.ts';

const TICKET_SIGMAS = 0.25;
const INPUT_SIGMAS = 1;
/** What the input of the first layer is off this share of, other traffic explains. */
const INPUT_SHARE = 1 / 3;
/** Ticks over which the input is averaged for that. */
const INPUT_TICKS = 30;

export const canary: Detector = {
  name: 'canary',
  family: 'drift',
  doc:
    'A stream of role `canary` against the stable version of the same model and the same weights, tick by tick: mean ' +
    'and log variance in standard deviations of a request. Needs no baseline, and conditions of the traffic cancel. ' +
    'Another slice of the traffic shows at the input of the first layer: a ticket of low confidence from one request ' +
    'standard deviation on, and nothing below. Other weights are compared and shown, but open nothing.',
  params: [
    {
      name: 'effect',
      unit: 'request_sigmas',
      value: TICKET_SIGMAS,
      help: 'least difference that opens a ticket',
    },
    {
      name: 'input',
      unit: 'request_sigmas',
      value: INPUT_SIGMAS,
      help: 'least difference of the first input',
    },
    {
      name: 'page',
      unit: 'request_sigmas',
      value: SHIFT_PARAMS.pageEffect.value,
      help: 'difference that pages',
    },
  ],
  metrics: ['activation_shift_sigmas', 'output_kl_nats'],
  causes: ['input_shift', 'unknown'],
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    const { canary: comparison } = context;
    state.nats = 0;
    state.at = -1;
    if (comparison === null || !comparison.sameWeights) {
      state.named.clear();
      return [];
    }
    const rows = rowsOf(context, state, comparison.version);
    const statistics = rows.length / TRACE_FLOATS;
    const { ticketNats, pageNats } = context.thresholds(canary.name);
    const bounds = { least: context.settings.leastEffectSigmas, cap: capOf(pageNats, statistics) };
    for (const pair of comparison.pairs) stepPair(rows, pair, comparison.spread, bounds);
    sumUp(rows, state);
    if (state.nats < ticketNats) return [];
    const evident = partOf(statistics);
    const out: number[] = [];
    for (let statistic = 0; statistic < statistics; statistic++) {
      const at = statistic * TRACE_FLOATS;
      if (evidenceAt(rows, at) >= evident && Math.abs(effectAt(rows, at)) >= TICKET_SIGMAS)
        out.push(statistic);
    }
    const signal = out.length === 0 ? null : signalOf(context, rows, out, state.nats >= pageNats);
    return signal === null ? [] : [signal];
  },
};

/** A trace for each statistic, under the version it is against; another version or other layers begin anew. */
function rowsOf(context: TickContext, state: DetectorState, version: string): Float32Array {
  const length = context.layers.length * 4 * TRACE_DOUBLES;
  for (const [name, row] of state.named)
    if (name !== version || row.length !== length) state.named.delete(name);
  let row = state.named.get(version);
  if (row === undefined) {
    row = new Float64Array(length);
    state.named.set(version, row);
  }
  return floatsOf(row);
}

function stepPair(
  rows: Float32Array,
  { scores, sources }: Pair,
  spread: (statistic: number) => number,
  { least, cap }: { least: number; cap: number },
): void {
  for (let statistic = 0; statistic < scores.statistics; statistic++) {
    const freedom = scores.freedom[statistic]!;
    if (freedom === 0) continue;
    const at = statistic * TRACE_FLOATS;
    const cell = cellOfStatistic(statistic);
    const own = scores.requests[cell * 2 + CANARY]!;
    const others = scores.requests[cell * 2 + 1 - CANARY]!;
    const effect = scores.values[statistic * 2 + CANARY]! - scores.values[statistic * 2 + 1 - CANARY]!;
    const between = spread(statistic) * (1 / sources[0] + 1 / sources[1]);
    const deviation = Math.sqrt(1 / own + 1 / others + between);
    const above = normalOf((effect - least) / deviation, freedom);
    const below = normalOf((-effect - least) / deviation, freedom);
    stepTrace(rows, at, above, below, effect, Math.min(own, others), cap);
    rows[at + USUAL] = rows[at + USUAL]! + (effect - rows[at + USUAL]!) / INPUT_TICKS;
  }
}

function sumUp(rows: Float32Array, state: DetectorState): void {
  const statistics = rows.length / TRACE_FLOATS;
  let sum = 0;
  let most = 1;
  for (let statistic = 0; statistic < statistics; statistic++) {
    const value = evidenceAt(rows, statistic * TRACE_FLOATS);
    sum += value;
    if (value <= most) continue;
    most = value;
    state.at = cellOfStatistic(statistic);
  }
  state.nats = natsOf(sum / Math.max(1, statistics));
}

/** `out`: statistics that are out, in forward order. Null when other traffic explains them and it is little. */
function signalOf(
  context: TickContext,
  rows: Float32Array,
  out: readonly number[],
  pages: boolean,
): Signal | null {
  const first = out[0]!;
  const effectOf = (statistic: number): number => effectAt(rows, statistic * TRACE_FLOATS);
  const effect = effectOf(first);
  const largest = out.reduce((a, b) => (Math.abs(effectOf(b)) > Math.abs(effectOf(a)) ? b : a));
  const most = Math.abs(effectOf(largest));
  // The two statistics of the first layer's input.
  const input = Math.max(Math.abs(rows[USUAL]!), Math.abs(rows[TRACE_FLOATS + USUAL]!));
  const isInput = cellOfStatistic(first) === 0 || input >= INPUT_SHARE * Math.abs(effect);
  if (isInput && Math.max(input, cellOfStatistic(first) === 0 ? Math.abs(effect) : 0) < INPUT_SIGMAS)
    return null;
  const cell = cellOfStatistic(isInput ? 0 : first);
  const layer = layerOfCell(cell);
  const ticks = rows[first * TRACE_FLOATS + COUNT]!;
  const { version } = context.canary!;
  const where = `the ${siteOfCell(cell)} of ${context.layers[layer]!}`;
  const sigmas = `${Math.abs(effect).toFixed(1)} request standard deviations ${effect > 0 ? 'above' : 'below'}`;
  return {
    layer,
    site: siteOfCell(cell),
    sources: [],
    severity: pages && !isInput && most >= SHIFT_PARAMS.pageEffect.value ? 'page' : 'ticket',
    cause: isInput ? 'input_shift' : 'unknown',
    confidence: isInput ? 0.3 : 0,
    effect: most,
    unit: 'request_sigmas',
    onsetMs: context.tick.startMs - Math.max(0, Math.round(ticks) - 1) * context.settings.tickMs,
    evidence: {
      canary_against: version,
      canary_shift_sigmas: round(effect),
      canary_largest_layer: context.layers[layerOfCell(cellOfStatistic(largest))]!,
      canary_largest_shift_sigmas: round(effectOf(largest)),
    },
    says: isInput
      ? `the canary's input differs from that of ${version}: it serves another slice of the traffic`
      : `activation ${statisticName(first)} at ${where} is ${sigmas} that of ${version} beside it`,
  };
}
