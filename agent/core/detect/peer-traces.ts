/**
 * Evidence of each source and statistic against the source's peers. What is usual for a source (other hardware, another
 * shard of the traffic) is learnt, in the activation's own unit, and taken off; the spread between sources and their autocorrelation from
 * tick to tick are learnt too. While evidence stands nothing is learnt from it.
 */
import type { GroupScores } from '../score/peers.ts';
import type { DetectorState, TickContext } from './contract.ts';
import { hasOtherInput, plainEffect } from './peer-input.ts';
import {
  HEAD_REQUESTS,
  HEAD_SEEN,
  lengthOf,
  MEMORY_TICKS,
  meetSources,
  noteRequests,
  traceAt,
} from './peer-rows.ts';
import { MANY_SOURCES, robustSpread, type Sums, spreadOfOthers } from './peer-spread.ts';
import { bounded, effectAt, floatsOf, LAST, normalOf, rememberLast, stepTrace, USUAL } from './trace.ts';

/** What a source is off from its first tick on is usual after this many ticks, if it is less than this. */
export const USUAL_TICKS = 60;
export const USUAL_MAX = 1;
/** Evidence beyond this is not learnt from. */
const LEARN_EVIDENCE_MAX = 150;
/** Before so many ticks, by requests, nothing is known of what is usual. */
const USUAL_TICKS_MIN = 6;
/** What is usual may be wrong by so many of its standard errors. */
const USUAL_ERRORS = 2;
const USUAL_BOUND = 1e30;
/** Autocorrelation is believed once it is a mean of many ticks, and never beyond this. */
const PHI_TICKS = 20;
const PHI_MAX = 0.9;
const PRODUCT_MAX = 9;
const PRIOR_TICKS = 10;
/** Scatter in one tick over what is expected. */
const SCATTER_MAX = 5;
/** A residual that says that nothing is out. */
const NOTHING = -100;

/** By statistic, as floats: spread between sources, lag-1 product of residuals, and unit; one is free. */
export const SPREAD_FLOATS = 4;
const PRODUCT = 1;
const UNIT = 2;
export const SPREAD_DOUBLES = SPREAD_FLOATS;

export interface Evidence {
  /** By statistic and source; NaN where not measured. */
  readonly values: Float64Array;
  readonly sum: number;
  readonly measured: number;
  /** Statistic of the largest value; −1 for none. */
  readonly at: number;
}

export function stepTraces(
  context: TickContext,
  peers: GroupScores,
  state: DetectorState,
  cap: number,
): Evidence {
  const doubles = meetSources(state, peers, lengthOf(peers), context.tick.index);
  const rows = doubles.map(floatsOf);
  const step: Step = {
    peers,
    rows,
    otherInput: rows.map((row, i) => hasOtherInput(peers, i, usualInput(peers, row))),
    heads: doubles,
    spreads: floatsOf(state.cells),
    ticks: Math.min(MEMORY_TICKS, state.stream[0]!),
    least: context.settings.leastEffectSigmas,
    cap,
    off: new Float64Array(peers.names.length),
    scratch: new Float64Array(peers.names.length),
    sums: { requests: 0, squares: 0, scatter: 0, sources: 0, spread: 0 },
    phi: 0,
    usualError: 1,
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
  if (measured > 0) noteRequests(context, peers, doubles);
  return { values, sum, measured, at };
}

/** What is usual at the input of the first layer: its mean and log variance. */
const usualInput = ({ unit }: GroupScores, row: Float32Array): readonly [number, number] => [
  row[traceAt(0) + USUAL]! / unit[0]!,
  row[traceAt(1) + USUAL]! / unit[1]!,
];

interface Step {
  readonly peers: GroupScores;
  readonly rows: readonly Float32Array[];
  readonly heads: readonly Float64Array[];
  /** Sources that get another slice of the traffic: all they show may be usual for them. */
  readonly otherInput: readonly boolean[];
  readonly spreads: Float32Array;
  readonly ticks: number;
  readonly least: number;
  readonly cap: number;
  /** By source: off the mean of all, less what is usual. */
  readonly off: Float64Array;
  readonly scratch: Float64Array;
  /** Of the statistic at hand. */
  readonly sums: Sums;
  phi: number;
  /** Variance of what is usual over that of a tick of as many requests as it is a mean of. */
  usualError: number;
}

function stepStatistic(step: Step, statistic: number, values: Float64Array): void {
  const { peers, rows, spreads, off, sums } = step;
  const count = peers.names.length;
  const at = traceAt(statistic);
  takeOff(step, statistic);
  if (sums.sources < 2) return;
  const product = spreads[statistic * SPREAD_FLOATS + PRODUCT]!;
  const phi = step.ticks < PHI_TICKS ? 0 : Math.min(PHI_MAX, Math.max(0, product));
  const unitOfThen = spreads[statistic * SPREAD_FLOATS + UNIT]! / peers.unit[statistic]!;
  step.phi = phi;
  step.usualError = (Math.max(1, unitOfThen * unitOfThen) * (1 + phi)) / (1 - phi);
  let most = 0;
  let products = 0;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(off[i]!)) continue;
    const row = rows[i]!;
    const last = row[at + LAST]!;
    const value = stepSource(step, statistic, i);
    values[statistic * count + i] = value;
    if (value > most) most = value;
    products += bounded(last * row[at + LAST]!, PRODUCT_MAX) / sums.sources;
  }
  if (most <= LEARN_EVIDENCE_MAX) learn(step, statistic, products);
}

/** Fills `off` and sums it up. */
function takeOff({ peers, rows, off, scratch, sums }: Step, statistic: number): void {
  const count = peers.names.length;
  const at = traceAt(statistic);
  const unit = peers.unit[statistic]!;
  const first = (statistic >> 1) * count;
  let requests = 0;
  let squares = 0;
  let sources = 0;
  let mean = 0;
  for (let i = 0; i < count; i++) {
    const own = peers.requests[first + i]!;
    const value = own > 0 ? peers.values[statistic * count + i]! - rows[i]![at + USUAL]! / unit : Number.NaN;
    off[i] = value;
    if (Number.isNaN(value)) continue;
    requests += own;
    squares += own * own;
    sources++;
    mean += own * value;
  }
  mean /= requests;
  let scatter = 0;
  for (let i = 0; i < count; i++) {
    const value = off[i]! - mean;
    off[i] = value;
    if (!Number.isNaN(value)) scatter += peers.requests[first + i]! * value * value;
  }
  sums.requests = requests;
  sums.squares = squares;
  sums.sources = sources;
  sums.scatter = scatter;
  sums.spread = sources >= MANY_SOURCES ? robustSpread(off, scratch, sums) : 0;
}

/** The source against all others, off their mean by `off·W/(W − w)`. */
function stepSource(step: Step, statistic: number, i: number): number {
  const { peers, sums, phi } = step;
  const at = traceAt(statistic);
  const row = step.rows[i]!;
  const head = step.heads[i]!;
  const own = peers.requests[(statistic >> 1) * peers.names.length + i]!;
  const effect = (step.off[i]! * sums.requests) / (sums.requests - own);
  const deviation = Math.sqrt(varianceOf(step, statistic, i, own));
  const freedom = peers.freedom[statistic]!;
  // What is usual is a mean over the requests seen: its error is the same in each tick, and in the unit of then.
  const ticks = Math.max(1, head[HEAD_REQUESTS]! / own);
  const least = step.least / deviation + USUAL_ERRORS * Math.sqrt(step.usualError / ticks);
  const z = effect / deviation;
  let above = normalOf(z - least, freedom);
  let below = normalOf(-z - least, freedom);
  if (phi > 0) {
    const last = row[at + LAST]!;
    const whiten = Math.sqrt(1 - phi * phi);
    above = (above - phi * (last - least)) / whiten;
    below = (below - phi * (-last - least)) / whiten;
  }
  if (head[HEAD_REQUESTS]! < USUAL_TICKS_MIN * own) {
    above = NOTHING;
    below = NOTHING;
  }
  if (head[HEAD_SEEN]! <= USUAL_TICKS && !step.otherInput[i]) {
    return stepFromStart(step, statistic, i, { own, deviation, above, below, effect });
  }
  const value = stepTrace(row, at, above, below, effect, own, step.cap);
  rememberLast(row, at, normalOf(z, freedom));
  return value;
}

/** A source that is wrong from the start has no usual of its own: far off is off. The unit may be off by chance. */
function stepFromStart(
  { peers, rows, cap }: Step,
  statistic: number,
  i: number,
  seen: { own: number; deviation: number; above: number; below: number; effect: number },
): number {
  const { own, deviation, effect } = seen;
  const at = traceAt(statistic);
  const row = rows[i]!;
  const freedom = peers.freedom[statistic]!;
  const plain = plainEffect(peers, statistic, i, own);
  const limit = USUAL_MAX * (1 + Math.sqrt(2 / freedom));
  const above = Math.max(seen.above, normalOf((plain - limit) / deviation, freedom));
  const below = Math.max(seen.below, normalOf((-plain - limit) / deviation, freedom));
  const shown = Math.abs(plain) > USUAL_MAX ? plain : effect;
  const value = stepTrace(row, at, above, below, shown, own, cap);
  if (value > LEARN_EVIDENCE_MAX && Math.abs(effectAt(row, at)) > USUAL_MAX) row[at + USUAL] = 0;
  rememberLast(row, at, normalOf(effect / deviation, freedom));
  return value;
}

/** Of a source's difference from the others: their requests, and the spread between sources, the learnt one or today's. */
function varianceOf({ off, spreads, sums }: Step, statistic: number, i: number, own: number): number {
  const others = sums.requests - own;
  const now = sums.sources >= MANY_SOURCES ? sums.spread : spreadOfOthers(off[i]!, own, sums);
  const spread = Math.max(now, spreads[statistic * SPREAD_FLOATS]!);
  const pure = 1 / own + 1 / others;
  return spread > 0 ? pure + spread * (1 + (sums.squares - own * own) / (others * others)) : pure;
}

/** What is usual for each source, and what sources scatter beyond their requests. */
function learn(step: Step, statistic: number, products: number): void {
  const { peers, rows, heads, spreads, off, sums } = step;
  const at = traceAt(statistic);
  const unit = peers.unit[statistic]!;
  for (let i = 0; i < rows.length; i++) {
    if (Number.isNaN(off[i]!)) continue;
    const row = rows[i]!;
    const own = peers.requests[(statistic >> 1) * rows.length + i]!;
    const share = own / (heads[i]![HEAD_REQUESTS]! + own);
    row[at + USUAL] = bounded(row[at + USUAL]! + off[i]! * unit * share, USUAL_BOUND);
  }
  const weight = sums.requests - sums.squares / sums.requests;
  const degrees = sums.sources - 1;
  const seen = Math.min(MEMORY_TICKS, step.ticks + 1);
  // At first no spread is known of, which counts as much as some ticks.
  const slow = 1 / Math.max(PRIOR_TICKS, seen);
  const learnt = statistic * SPREAD_FLOATS;
  // One wild tick is held to what the spread learnt so far would hardly give.
  const usual = degrees + weight * Math.max(0, spreads[learnt]!);
  const excess = (Math.min(sums.scatter, SCATTER_MAX * usual) - degrees) / weight;
  spreads[learnt] = spreads[learnt]! + (excess - spreads[learnt]!) * slow;
  spreads[learnt + PRODUCT] = spreads[learnt + PRODUCT]! + (products - spreads[learnt + PRODUCT]!) * slow;
  const bound = Math.min(unit, USUAL_BOUND);
  spreads[learnt + UNIT] = spreads[learnt + UNIT]! + (bound - spreads[learnt + UNIT]!) / seen;
}
