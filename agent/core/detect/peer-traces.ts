/**
 * Evidence of each source and statistic against the source's peers. What is usual for a source (other hardware, another
 * shard of the traffic) is learnt, in the activation's own unit, and taken off; so are the spread between sources and its autocorrelation from tick to
 * tick. While evidence stands nothing is learnt from it.
 */
import type { GroupScores } from '../score/peers.ts';
import type { DetectorState, TickContext } from './contract.ts';
import { MANY_SOURCES, robustSpread, type Sums, spreadOfOthers } from './peer-spread.ts';
import {
  bounded,
  effectAt,
  evidenceAt,
  floatsOf,
  forgetEvidence,
  LAST,
  normalOf,
  rememberLast,
  stepTrace,
  TRACE_DOUBLES,
  TRACE_FLOATS,
  USUAL,
} from './trace.ts';

/** A source's row: ticks seen and the last of them; then a trace for each statistic. */
export const SEEN = 0;
export const LAST_TICK = 1;
export const HEAD_DOUBLES = 2;
/** What a source is off from its first tick on is usual after this many ticks, if it is less than this. */
export const USUAL_TICKS = 60;
export const USUAL_MAX = 1;
/** Ticks that what is usual is a mean of, once there are so many. */
const MEMORY_TICKS = 360;
/** Evidence beyond this is not learnt from. */
const LEARN_EVIDENCE_MAX = 20;
/** Rows of sources that sent nothing for so many ticks are dropped. */
const GONE_TICKS = 360;
const USUAL_BOUND = 1e30;
/** Autocorrelation is believed once it is a mean of many ticks, and never beyond this. */
const PHI_TICKS = 60;
const PHI_MAX = 0.9;
const PRODUCT_MAX = 9;
const PRIOR_TICKS = 30;

/** By cell, as floats: per statistic the spread between sources and the lag-1 product of residuals. */
export const SPREAD_DOUBLES = 2;

export interface Evidence {
  /** By statistic and source; NaN where not measured. */
  readonly values: Float64Array;
  readonly sum: number;
  readonly measured: number;
  /** Statistic of the largest value; −1 for none. */
  readonly at: number;
}

/** Float rows of the sources of a tick, in their order; `null` where there is none. */
export const rowsOf = (state: DetectorState, peers: GroupScores): (Float32Array | null)[] =>
  peers.names.map((name) => {
    const row = state.named.get(name);
    return row === undefined || row.length !== lengthOf(peers) ? null : floatsOf(row);
  });

const lengthOf = ({ statistics }: GroupScores): number => HEAD_DOUBLES + statistics * TRACE_DOUBLES;
export const traceAt = (statistic: number): number => 2 * HEAD_DOUBLES + statistic * TRACE_FLOATS;

export function forgetGone(state: DetectorState, tick: number): void {
  for (const [source, row] of state.named)
    if (row[LAST_TICK]! < tick - GONE_TICKS || row[LAST_TICK]! > tick) state.named.delete(source);
}

/** Rows for all sources of the tick; one of another length (other layers) begins anew. */
export function meetSources(
  state: DetectorState,
  peers: GroupScores,
  length: number,
  tick: number,
): Float64Array[] {
  return peers.names.map((name) => {
    let row = state.named.get(name);
    if (row === undefined || row.length !== length) {
      row = new Float64Array(length);
      state.named.set(name, row);
    }
    row[SEEN] = Math.min(MEMORY_TICKS, row[SEEN]! + 1);
    row[LAST_TICK] = tick;
    return row;
  });
}

export function stepTraces(
  context: TickContext,
  peers: GroupScores,
  state: DetectorState,
  cap: number,
): Evidence {
  const doubles = meetSources(state, peers, lengthOf(peers), context.tick.index);
  const step: Step = {
    peers,
    rows: doubles.map(floatsOf),
    seen: doubles.map((row) => row[SEEN]! - 1),
    spreads: floatsOf(state.cells),
    ticks: Math.min(MEMORY_TICKS, state.stream[0]!),
    least: context.settings.leastEffectSigmas,
    cap,
    off: new Float64Array(peers.names.length),
  };
  state.stream[0] = state.stream[0]! + 1;
  const values = new Float64Array(peers.statistics * peers.names.length).fill(Number.NaN);
  let sum = 0;
  let measured = 0;
  let most = 1;
  let at = -1;
  for (let statistic = 0; statistic < peers.statistics; statistic++) {
    if (peers.freedom[statistic] === 0) continue;
    stepStatistic(step, statistic, values);
    for (let i = statistic * peers.names.length; i < (statistic + 1) * peers.names.length; i++) {
      const value = values[i]!;
      if (Number.isNaN(value)) continue;
      measured++;
      sum += value;
      if (value <= most) continue;
      most = value;
      at = statistic;
    }
  }
  return { values, sum, measured, at };
}

interface Step {
  readonly peers: GroupScores;
  readonly rows: readonly Float32Array[];
  /** Ticks of each source before this one. */
  readonly seen: readonly number[];
  readonly spreads: Float32Array;
  readonly ticks: number;
  readonly least: number;
  readonly cap: number;
  /** By source: off the mean of all, less what is usual. */
  readonly off: Float64Array;
}

function stepStatistic(step: Step, statistic: number, values: Float64Array): void {
  const { peers, rows, spreads, off } = step;
  const count = peers.names.length;
  const at = traceAt(statistic);
  const sums = takeOff(step, statistic);
  if (sums.sources < 2) return;
  const phi = step.ticks < PHI_TICKS ? 0 : Math.min(PHI_MAX, Math.max(0, spreads[statistic * 2 + 1]!));
  let most = 0;
  let products = 0;
  for (let i = 0; i < count; i++) {
    const own = peers.requests[(statistic >> 1) * count + i]!;
    if (!(own > 0) || Number.isNaN(off[i]!)) continue;
    const row = rows[i]!;
    const last = row[at + LAST]!;
    const value = stepSource(step, statistic, i, own, sums, phi);
    values[statistic * count + i] = value;
    most = Math.max(most, value);
    products += bounded(last * row[at + LAST]!, PRODUCT_MAX) / sums.sources;
  }
  if (most <= LEARN_EVIDENCE_MAX) learn(step, statistic, sums, products);
}

/** Fills `off` and sums it up. */
function takeOff({ peers, rows, off }: Step, statistic: number): Sums {
  const count = peers.names.length;
  const at = traceAt(statistic);
  const unit = peers.unit[statistic]!;
  const sums: Sums = { requests: 0, squares: 0, scatter: 0, sources: 0, spread: 0 };
  let mean = 0;
  for (let i = 0; i < count; i++) {
    const own = peers.requests[(statistic >> 1) * count + i]!;
    off[i] = own > 0 ? peers.values[statistic * count + i]! - rows[i]![at + USUAL]! / unit : Number.NaN;
    if (Number.isNaN(off[i]!)) continue;
    sums.requests += own;
    sums.squares += own * own;
    sums.sources++;
    mean += own * off[i]!;
  }
  mean /= sums.requests;
  for (let i = 0; i < count; i++) {
    off[i] = off[i]! - mean;
    if (!Number.isNaN(off[i]!)) sums.scatter += peers.requests[(statistic >> 1) * count + i]! * off[i]! ** 2;
  }
  if (sums.sources >= MANY_SOURCES) sums.spread = robustSpread(off, sums);
  return sums;
}

/** The source against all others, off their mean by `off·W/(W − w)`. */
function stepSource(step: Step, statistic: number, i: number, own: number, sums: Sums, phi: number): number {
  const { peers, least, off, seen } = step;
  const at = traceAt(statistic);
  const row = step.rows[i]!;
  const others = sums.requests - own;
  const effect = (off[i]! * sums.requests) / others;
  const variance = varianceOf(step, statistic, i, own, sums);
  const freedom = peers.freedom[statistic]!;
  const known = seen[i]!;
  // What is usual is itself a mean of the ticks seen; a first tick knows nothing of it.
  const spread = Math.sqrt(variance * (1 + 1 / Math.max(1, known)));
  const lastFloor = least / spread;
  const whiten = Math.sqrt(1 - phi * phi);
  const last = row[at + LAST]!;
  let above = (normalOf((effect - least) / spread, freedom) - phi * (last - lastFloor)) / whiten;
  let below = (normalOf((-effect - least) / spread, freedom) - phi * (-last - lastFloor)) / whiten;
  let shown = effect;
  if (known < USUAL_TICKS) {
    // A source that is wrong from the start has no usual of its own: far off is off. The unit may be off by chance.
    const plain = plainEffect(peers, statistic, i, own);
    const deviation = Math.sqrt(variance);
    const limit = USUAL_MAX * (1 + Math.sqrt(2 / freedom));
    const up = normalOf((plain - limit) / deviation, freedom);
    const down = normalOf((-plain - limit) / deviation, freedom);
    above = known === 0 ? up : Math.max(above, up);
    below = known === 0 ? down : Math.max(below, down);
    if (Math.abs(plain) > USUAL_MAX) shown = plain;
  }
  const value = stepTrace(row, at, above, below, shown, { stepNats: own, cap: step.cap });
  if (known < USUAL_TICKS && value > LEARN_EVIDENCE_MAX && Math.abs(effectAt(row, at)) > USUAL_MAX)
    row[at + USUAL] = 0;
  rememberLast(row, at, normalOf(effect / spread, freedom));
  return value;
}

/** Without regard to what is usual: `values` are about the mean of all. */
function plainEffect(peers: GroupScores, statistic: number, i: number, own: number): number {
  const count = peers.names.length;
  let requests = 0;
  for (let j = 0; j < count; j++)
    if (!Number.isNaN(peers.values[statistic * count + j]!))
      requests += peers.requests[(statistic >> 1) * count + j]!;
  return (peers.values[statistic * count + i]! * requests) / (requests - own);
}

/** Of a source's difference from the others: their requests, and the spread between sources, the learnt one or today's. */
function varianceOf({ off, spreads }: Step, statistic: number, i: number, own: number, sums: Sums): number {
  const others = sums.requests - own;
  const squares = sums.squares - own * own;
  const now = sums.sources >= MANY_SOURCES ? sums.spread : spreadOfOthers(off[i]!, own, sums);
  const spread = Math.max(now, spreads[statistic * 2]!);
  return 1 / own + 1 / others + spread * (1 + squares / (others * others));
}

/** What is usual for each source, and what sources scatter beyond their requests. */
function learn(
  { peers, rows, seen, spreads, ticks, off }: Step,
  statistic: number,
  sums: Sums,
  products: number,
): void {
  const at = traceAt(statistic);
  const unit = peers.unit[statistic]!;
  for (let i = 0; i < rows.length; i++) {
    if (Number.isNaN(off[i]!)) continue;
    const row = rows[i]!;
    row[at + USUAL] = bounded(
      row[at + USUAL]! + (off[i]! * unit) / Math.min(MEMORY_TICKS, seen[i]! + 1),
      USUAL_BOUND,
    );
  }
  // At first no spread is known of, which counts as much as some ticks.
  const rate = 1 / Math.min(MEMORY_TICKS, Math.max(PRIOR_TICKS, ticks + 1));
  const weight = sums.requests - sums.squares / sums.requests;
  const degrees = sums.sources - 1;
  const excess = Math.min(sums.scatter, 4 * degrees + 6) - degrees;
  spreads[statistic * 2] = spreads[statistic * 2]! + rate * (excess / weight - spreads[statistic * 2]!);
  spreads[statistic * 2 + 1] = spreads[statistic * 2 + 1]! + rate * (products - spreads[statistic * 2 + 1]!);
}

/** Sources differ for good and nobody can be blamed: what they have been off is usual from now on. */
export function settle(state: DetectorState, peers: GroupScores, evident: number): void {
  const rows = rowsOf(state, peers);
  const count = peers.names.length;
  for (let statistic = 0; statistic < peers.statistics; statistic++) {
    const at = traceAt(statistic);
    const requests = peers.requests.subarray((statistic >> 1) * count, ((statistic >> 1) + 1) * count);
    const all = requests.reduce((a, b) => a + b, 0);
    for (const [i, row] of rows.entries()) {
      if (row === null || evidenceAt(row, at) < evident || !(all > 0)) continue;
      // An effect is against the others, what is usual against the mean of all.
      const off = (effectAt(row, at) * (all - requests[i]!)) / all;
      row[at + USUAL] = bounded(row[at + USUAL]! + off * peers.unit[statistic]!, USUAL_BOUND);
      forgetEvidence(row, at);
    }
  }
}
