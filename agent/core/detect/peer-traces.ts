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
/** What is usual may be wrong by so many of its standard errors. */
const USUAL_ERRORS = 2;
const USUAL_BOUND = 1e30;
/** Autocorrelation is believed once it is a mean of many ticks, and never beyond this. */
const PHI_TICKS = 60;
const PHI_MAX = 0.9;
const PRODUCT_MAX = 9;
const PRIOR_TICKS = 30;
/** A residual that says that nothing is out. */
const NOTHING = -100;

/** By statistic, as floats: spread between sources, lag-1 product of residuals, and unit; one is free. */
export const SPREAD_FLOATS = 4;
/** Of these the first is read by others. */
const SPREAD = 0;
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
}

function stepStatistic(step: Step, statistic: number, values: Float64Array): void {
  const { peers, rows, spreads, off } = step;
  const count = peers.names.length;
  const at = traceAt(statistic);
  const sums = takeOff(step, statistic);
  if (sums.sources < 2) return;
  const phi =
    step.ticks < PHI_TICKS
      ? 0
      : Math.min(PHI_MAX, Math.max(0, spreads[statistic * SPREAD_FLOATS + PRODUCT]!));
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
  const { peers, off } = step;
  const at = traceAt(statistic);
  const row = step.rows[i]!;
  const others = sums.requests - own;
  const effect = (off[i]! * sums.requests) / others;
  const variance = varianceOf(step, statistic, i, own, sums);
  const freedom = peers.freedom[statistic]!;
  const head = step.heads[i]!;
  const known = head[HEAD_SEEN]! - 1;
  // What is usual is a mean over the requests seen: its error is the same in each tick, and in the unit of then.
  const worse = Math.max(1, (step.spreads[statistic * SPREAD_FLOATS + UNIT]! / peers.unit[statistic]!) ** 2);
  const ticks = Math.max(1, head[HEAD_REQUESTS]! / own);
  const error = Math.sqrt(((variance * worse) / ticks) * ((1 + phi) / (1 - phi)));
  const least = step.least + USUAL_ERRORS * error;
  const spread = Math.sqrt(variance);
  const lastFloor = least / spread;
  const whiten = Math.sqrt(1 - phi * phi);
  const last = row[at + LAST]!;
  let above = (normalOf((effect - least) / spread, freedom) - phi * (last - lastFloor)) / whiten;
  let below = (normalOf((-effect - least) / spread, freedom) - phi * (-last - lastFloor)) / whiten;
  let shown = effect;
  if (head[HEAD_REQUESTS] === 0) {
    above = NOTHING;
    below = NOTHING;
  }
  if (known < USUAL_TICKS && !step.otherInput[i]) {
    // A source that is wrong from the start has no usual of its own: far off is off. The unit may be off by chance.
    const plain = plainEffect(peers, statistic, i, own);
    const limit = USUAL_MAX * (1 + Math.sqrt(2 / freedom));
    const up = normalOf((plain - limit) / spread, freedom);
    const down = normalOf((-plain - limit) / spread, freedom);
    above = Math.max(above, up);
    below = Math.max(below, down);
    if (Math.abs(plain) > USUAL_MAX) shown = plain;
  }
  const value = stepTrace(row, at, above, below, shown, { stepNats: own, cap: step.cap });
  if (known < USUAL_TICKS && value > LEARN_EVIDENCE_MAX && Math.abs(effectAt(row, at)) > USUAL_MAX)
    row[at + USUAL] = 0;
  rememberLast(row, at, normalOf(effect / spread, freedom));
  return value;
}

/** Of a source's difference from the others: their requests, and the spread between sources, the learnt one or today's. */
function varianceOf({ off, spreads }: Step, statistic: number, i: number, own: number, sums: Sums): number {
  const others = sums.requests - own;
  const squares = sums.squares - own * own;
  const now = sums.sources >= MANY_SOURCES ? sums.spread : spreadOfOthers(off[i]!, own, sums);
  const spread = Math.max(now, spreads[statistic * SPREAD_FLOATS]!);
  return 1 / own + 1 / others + spread * (1 + squares / (others * others));
}

/** What is usual for each source, and what sources scatter beyond their requests. */
function learn(
  { peers, rows, heads, spreads, ticks, off }: Step,
  statistic: number,
  sums: Sums,
  products: number,
): void {
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
  const excess = (Math.min(sums.scatter, 4 * degrees + 6) - degrees) / weight;
  const seen = Math.min(MEMORY_TICKS, ticks + 1);
  const learnt = statistic * SPREAD_FLOATS;
  const mix = (place: number, value: number, over: number): void => {
    spreads[learnt + place] = spreads[learnt + place]! + (value - spreads[learnt + place]!) / over;
  };
  // At first no spread is known of, which counts as much as some ticks.
  mix(SPREAD, excess, Math.max(PRIOR_TICKS, seen));
  mix(PRODUCT, products, Math.max(PRIOR_TICKS, seen));
  mix(UNIT, Math.min(unit, USUAL_BOUND), seen);
}
