/** One source off its peers: they share the traffic, so what one has alone is its own. */
import { layerOfCell, siteOfCell } from '../layout.ts';
import type { GroupScores } from '../score/peers.ts';
import { shortList } from '../sentence.ts';
import { cellOfStatistic, estimatesAt, statisticName } from './attribution.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { capOf, natsOf, partOf } from './evidence.ts';
import { type Odd, oddOnes } from './odd-ones.ts';
import { isOff, stepCrowd } from './peer-crowd.ts';
import { forgetGone, rowsOf, settle, traceAt } from './peer-rows.ts';
import { SPREAD_DOUBLES, stepTraces, USUAL_MAX, USUAL_TICKS } from './peer-traces.ts';
import { round } from './shift.ts';
import { COUNT, effectAt, evidenceAt } from './trace.ts';

const PAGE_SIGMAS = 1;
const BLAME_SIGMAS = 0.25;
/** Traces of one stream: beyond, each source has one number for all its statistics. */
const TRACES_MAX = 200_000;
/** An alarm that can blame nobody for so long is how these sources are. */
const SETTLE_TICKS = 60;

/** Once a source is blamed, an earlier layer of it is the origin on less evidence, if it is about as far out. */
const ORIGIN_EVIDENCE = 100;
const ORIGIN_SHARE = 0.5;

/** The stream's row: ticks seen, and the first tick of an alarm that blames nobody (0: none). */
const UNNAMED_SINCE = 1;

export const peers: Detector = {
  name: 'peers',
  family: 'drift',
  doc:
    'The mean and log variance of each source against all others of the same tick, in standard deviations of a request ' +
    'of that tick. Needs no baseline, since sources share the traffic. Blames a minority that is clearly out; pages ' +
    'from one request standard deviation on. What a source is off in its first ten minutes, up to one request standard ' +
    'deviation, is taken for usual. Misses what all sources have, what half of them have (unless a baseline shows the ' +
    'others untouched), and less than a quarter of a request standard deviation.',
  params: [
    {
      name: 'blame',
      unit: 'request_sigmas',
      value: BLAME_SIGMAS,
      help: 'least difference that blames a source',
    },
    { name: 'page', unit: 'request_sigmas', value: PAGE_SIGMAS, help: 'difference that pages' },
    {
      name: 'usual',
      unit: 'request_sigmas',
      value: USUAL_MAX,
      help: 'difference from the start that is usual',
    },
    { name: 'usualTicks', unit: 'ticks', value: USUAL_TICKS, help: 'how long what is usual is learnt' },
    { name: 'traces', unit: 'rows', value: TRACES_MAX, help: 'sources by statistics judged one by one' },
  ],
  metrics: ['activation_shift_sigmas'],
  causes: ['unknown'],
  cellStride: SPREAD_DOUBLES,
  streamStride: 2,
  tick(context, state) {
    state.nats = 0;
    state.at = -1;
    forgetGone(state, context.tick.index);
    const scores = context.peers;
    if (scores === null) return [];
    const isCrowd = scores.names.length * scores.statistics > TRACES_MAX;
    const out = isCrowd ? crowdOut(context, scores, state) : tracesOut(context, scores, state);
    if (out === null) {
      state.stream[UNNAMED_SINCE] = 0;
      return [];
    }
    const signal = blame(context, scores, state, out);
    if (signal !== null) {
      state.stream[UNNAMED_SINCE] = 0;
      return [signal];
    }
    const { index } = context.tick;
    const since = state.stream[UNNAMED_SINCE]!;
    if (since === 0) state.stream[UNNAMED_SINCE] = index;
    else if (index - since >= SETTLE_TICKS) {
      settle(state, USUAL_TICKS + 1);
      state.stream[UNNAMED_SINCE] = 0;
    }
    return [];
  },
};

/** Who is out where: for each statistic of an alarm, sources whose own evidence stands. */
interface Out {
  readonly evident: number;
  readonly at: (statistic: number) => readonly number[];
}

function tracesOut(context: TickContext, scores: GroupScores, state: DetectorState): Out | null {
  const { ticketNats, pageNats } = context.thresholds(peers.name);
  const count = scores.names.length;
  const cap = capOf(pageNats, count * scores.statistics);
  const evidence = stepTraces(context, scores, state, cap);
  if (evidence.measured === 0) return null;
  state.nats = natsOf(evidence.sum / evidence.measured);
  state.at = evidence.at < 0 ? -1 : cellOfStatistic(evidence.at);
  if (state.nats < ticketNats) return null;
  const evident = partOf(evidence.measured);
  const at = (statistic: number): number[] => {
    const found: number[] = [];
    for (let i = 0; i < count; i++) if (evidence.values[statistic * count + i]! >= evident) found.push(i);
    return found;
  };
  return { evident, at };
}

function crowdOut(context: TickContext, scores: GroupScores, state: DetectorState): Out | null {
  const { ticketNats, pageNats } = context.thresholds(peers.name);
  const count = scores.names.length;
  const evidence = stepCrowd(context, scores, state, capOf(pageNats, count));
  state.nats = natsOf(evidence.sum / count);
  if (state.nats < ticketNats) return null;
  const evident = partOf(count);
  const found = [...evidence.values.keys()].filter((i) => evidence.values[i]! >= evident);
  return { evident, at: (statistic) => found.filter((i) => isOff(scores, statistic, i)) };
}

interface Found {
  readonly statistic: number;
  readonly odd: Odd;
}

/** Nobody is blamed while as many statistics say that all differ as say that few do. */
function blame(context: TickContext, scores: GroupScores, state: DetectorState, out: Out): Signal | null {
  const rows = rowsOf(state, scores);
  const blamed = new Set<number>();
  const found: Found[] = [];
  let unclear = 0;
  for (let statistic = 0; statistic < scores.statistics; statistic++) {
    if (scores.freedom[statistic] === 0) continue;
    const evident = out.at(statistic);
    if (evident.length === 0) continue;
    const odd = oddOnes(estimatesAt(scores, rows, state, statistic, out.evident));
    if (odd.groups.length === 0) unclear++;
    if (!odd.groups.some((i) => evident.includes(i)) || Math.abs(odd.effect) < BLAME_SIGMAS) continue;
    found.push({ statistic, odd });
    for (const i of odd.groups) blamed.add(i);
  }
  // Half is only who one statistic shows to be that half, not what several add up to.
  const isHalf = blamed.size * 2 >= scores.names.length;
  if (found.length <= unclear || (isHalf && !found.some(({ odd }) => odd.groups.length === blamed.size)))
    return null;
  const sources = [...blamed].sort((a, b) => a - b);
  const names = sources.map((i) => scores.names[i]!);
  const told = [...originOf(rows, sources, found[0]!), ...found];
  return signalOf(context, state, told, names, ticksOut(rows, told[0]!));
}

/** An earlier layer that is out as far, if not yet as surely: empty where there is none. */
function originOf(
  rows: readonly (Float32Array | null)[],
  sources: readonly number[],
  { statistic: before, odd }: Found,
): Found[] {
  for (let statistic = 0; statistic < before; statistic++) {
    const at = traceAt(statistic);
    for (const i of sources) {
      const row = rows[i] ?? null;
      if (row === null || evidenceAt(row, at) < ORIGIN_EVIDENCE) continue;
      const effect = effectAt(row, at);
      if (Math.abs(effect) >= ORIGIN_SHARE * Math.abs(odd.effect))
        return [{ statistic, odd: { groups: [i], effect } }];
    }
  }
  return [];
}

/** Since when the first of the blamed ones is out, in ticks before this one. */
function ticksOut(rows: readonly (Float32Array | null)[], { statistic, odd }: Found): number {
  const counts = odd.groups.map((i) => rows[i]?.[traceAt(statistic) + COUNT] ?? 1);
  return Math.max(0, Math.round(Math.max(...counts)) - 1);
}

function signalOf(
  context: TickContext,
  state: DetectorState,
  found: readonly Found[],
  names: readonly string[],
  ticks: number,
): Signal {
  const { layers, settings, tick } = context;
  const first = found[0]!;
  const cell = cellOfStatistic(first.statistic);
  const layer = layerOfCell(cell);
  const site = siteOfCell(cell);
  const largest = found.reduce((a, b) => (Math.abs(b.odd.effect) > Math.abs(a.odd.effect) ? b : a));
  const effect = Math.abs(largest.odd.effect);
  const { pageNats } = context.thresholds(peers.name);
  const statistic = statisticName(first.statistic);
  const side = first.odd.effect > 0 ? 'above' : 'below';
  return {
    layer,
    site,
    sources: names,
    severity: effect >= PAGE_SIGMAS && state.nats >= pageNats ? 'page' : 'ticket',
    cause: 'unknown',
    confidence: 0.5,
    effect,
    unit: 'request_sigmas',
    onsetMs: tick.startMs - ticks * settings.tickMs,
    evidence: {
      off_peers: shortList(names),
      off_peers_sigmas: round(first.odd.effect),
      off_peers_largest_layer: layers[layerOfCell(cellOfStatistic(largest.statistic))]!,
      off_peers_largest_sigmas: round(largest.odd.effect),
      peers: context.peers!.names.length - names.length,
    },
    says: `activation ${statistic} at the ${site} of ${layers[layer]!} is ${Math.abs(first.odd.effect).toFixed(1)} request standard deviations ${side} that of its peers`,
  };
}
