/** Whole requests that take longer or fail more often than in the baseline. */
import { BINS, countAbove, placeShare, quantileLog2, totalOf } from '../score/latency.ts';
import * as r from '../sums/requests.ts';
import { BETS_STRIDE, stepBets } from './bets.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { capOf, natsOf } from './evidence.ts';
import { round } from './shift.ts';

const LEAST_RATIO = 1.5;
const PAGE_RATIO = 2;
const PAGE_MS = 60_000;
/** What counts is both this many times the baseline's error rate and so much more of it. */
const ERROR_RATIO = 2;
const ERROR_RISE = 0.005;
const PAGE_ERROR_RISE = 0.05;
const TICKS_MIN = 30;
/** Two statistics share the budget: each counts for half of the mean. */
const STATISTICS = 2;
/** Each tick takes this much off what the minute remembers. */
const FORGET = 1 / 6;
/** Of the chance under the null, what the alternatives of a binomial test are: their mean is an e-value as well. */
const TIMES = [2, 4, 16, 64] as const;
const ODDS_MAX = 0.9;
/** A source is blamed when its share of bad requests is this many times what is allowed, and no other's is above it. */
const BLAME_TIMES = 2;
const BLAME_REQUESTS = 20;

/** Row of the stream: evidence and onset of latency and of errors; requests of the last minute as in a tick's row. */
const LATENCY = 0;
const ERRORS = BETS_STRIDE + 1;
const MINUTE = 2 * (BETS_STRIDE + 1);
const STRIDE = MINUTE + r.R_BINS + BINS;

/** One of the two statistics in this tick. */
interface Judged {
  readonly evidence: number;
  readonly onsetMs: number;
  /** Of the last minute: times the baseline's, and as it is in both. */
  readonly ratio: number;
  readonly now: number;
  readonly usual: number;
  readonly blamed: readonly string[];
}

export const requestLatency: Detector = {
  name: 'request_latency',
  family: 'latency',
  doc:
    'p99 of request latency and the error rate, both against the baseline. A tick counts when its p99 is 1.5 times what ' +
    'is usual, as far as its rank among the ticks of the baseline and the number of slow requests both bear it out; ' +
    'errors likewise, from twice the usual rate and 0.5 % more. Pages only when users feel it: twice the p99 for a ' +
    'minute, or 5 % more errors. Misses slower medians under an unchanged p99, and what no `requests` events tell.',
  params: [
    { name: 'ratio', unit: 'ratio', value: LEAST_RATIO, help: 'least p99 that counts, times the baseline' },
    {
      name: 'pageRatio',
      unit: 'ratio',
      value: PAGE_RATIO,
      help: 'p99 over a minute that pages, times the baseline',
    },
    {
      name: 'errorRatio',
      unit: 'ratio',
      value: ERROR_RATIO,
      help: 'least error rate that counts, times the baseline',
    },
    { name: 'errorRise', unit: 'ratio', value: ERROR_RISE, help: 'and at least so much above the baseline' },
    {
      name: 'pageErrorRise',
      unit: 'ratio',
      value: PAGE_ERROR_RISE,
      help: 'rise of the error rate that pages',
    },
  ],
  metrics: ['request_duration_seconds', 'requests_total', 'request_errors_total'],
  causes: ['latency_regression'],
  ofReference: true,
  cellStride: 0,
  streamStride: STRIDE,
  tick(context, state) {
    state.nats = 0;
    state.at = -1;
    const base = context.baseline?.sums.get(r.REQUESTS_KEY);
    const tick = context.tick.sums.get(r.REQUESTS_KEY);
    if (base === undefined || tick === undefined) return [];
    const { ticketNats, pageNats } = context.thresholds('request_latency');
    remember(state, tick);
    const cap = capOf(pageNats, STATISTICS);
    const latency = judgeLatency(context, state, base, tick, cap);
    const errors = judgeErrors(context, state, base, tick, cap);
    state.nats = natsOf(((latency?.evidence ?? 0) + (errors?.evidence ?? 0)) / STATISTICS);
    if (state.nats < ticketNats) return [];
    const least = Math.exp(ticketNats) / STATISTICS;
    const isSlow = latency !== null && latency.evidence >= least && latency.ratio >= LEAST_RATIO;
    const isFailing = errors !== null && errors.evidence >= least && errors.now - errors.usual >= ERROR_RISE;
    if (!isSlow && !isFailing) return [];
    const certain = state.nats >= pageNats;
    const sinceMs = context.tick.endMs - (latency?.onsetMs ?? 0);
    const pages =
      certain &&
      ((isSlow && latency.ratio >= PAGE_RATIO && sinceMs >= PAGE_MS) ||
        (isFailing && errors.now - errors.usual >= PAGE_ERROR_RISE));
    return [signalOf(isSlow ? latency : null, isFailing ? errors : null, pages ? 'page' : 'ticket')];
  },
};

function remember(state: DetectorState, tick: Float64Array): void {
  const { stream } = state;
  for (let i = 0; i < r.R_BINS + BINS; i++)
    stream[MINUTE + i] = stream[MINUTE + i]! * (1 - FORGET) + tick[i]!;
}

function judgeLatency(
  context: TickContext,
  state: DetectorState,
  base: Float64Array,
  tick: Float64Array,
  cap: number,
): Judged | null {
  const p99 = r.requestP99(tick);
  const usual = quantileLog2(base, r.R_BINS, 0.99);
  if (p99 === null || usual === null || base[r.R_P99_PLACES]! < TICKS_MIN) return null;
  const limit = usual + Math.log2(LEAST_RATIO);
  const total = totalOf(tick, r.R_BINS);
  const slow = countAbove(tick, r.R_BINS, limit);
  const p = placeShare(base, r.R_P99_PLACES, p99);
  const share = 0.01;
  const { evidence, onsetMs } = step(context, state, LATENCY, p, binomialEvidence(slow, total, share), cap);
  const minute = quantileLog2(state.stream, MINUTE + r.R_BINS, 0.99)!;
  const blamed = blamedOf(context, share, (row) => [
    countAbove(row, r.R_BINS, limit),
    totalOf(row, r.R_BINS),
  ]);
  return { evidence, onsetMs, ratio: 2 ** (minute - usual), now: 2 ** minute, usual: 2 ** usual, blamed };
}

function judgeErrors(
  context: TickContext,
  state: DetectorState,
  base: Float64Array,
  tick: Float64Array,
  cap: number,
): Judged | null {
  const judged = tick[r.R_JUDGED]!;
  if (judged < r.REQUESTS_MIN || base[r.R_ERROR_PLACES]! < TICKS_MIN) return null;
  const usual = base[r.R_ERRORS]! / base[r.R_JUDGED]!;
  const allowed = Math.max(ERROR_RATIO * usual, usual + ERROR_RISE);
  // Where half of all requests fail as a rule, nothing is twice as bad.
  if (allowed >= 1) return null;
  const errors = tick[r.R_ERRORS]!;
  const p = placeShare(base, r.R_ERROR_PLACES, r.errorPlace(errors / judged));
  const { evidence, onsetMs } = step(
    context,
    state,
    ERRORS,
    p,
    binomialEvidence(errors, judged, allowed),
    cap,
  );
  const now = state.stream[MINUTE + r.R_ERRORS]! / state.stream[MINUTE + r.R_JUDGED]!;
  const blamed = blamedOf(context, allowed, (row) => [row[r.R_ERRORS]!, row[r.R_JUDGED]!]);
  return { evidence, onsetMs, ratio: now / Math.max(usual, ERROR_RISE), now, usual, blamed };
}

/**
 * Likelihood ratio of larger chances against `chance`, averaged over them: an e-value for every chance up to it, since the
 * ratio only grows with the count (Robbins, "Statistical methods related to the law of the iterated logarithm", 1970).
 */
export function binomialEvidence(count: number, of: number, chance: number): number {
  let sum = 0;
  for (const times of TIMES) {
    const larger = Math.min(times * chance, Math.max(ODDS_MAX, (1 + chance) / 2));
    const nats = count * Math.log(larger / chance) + (of - count) * Math.log((1 - larger) / (1 - chance));
    sum += Math.exp(Math.min(nats, 100));
  }
  return sum / TIMES.length;
}

function step(
  context: TickContext,
  state: DetectorState,
  at: number,
  p: number,
  limit: number,
  cap: number,
): { evidence: number; onsetMs: number } {
  const evidence = stepBets(state.stream, at, p, limit, cap);
  const onset = at + BETS_STRIDE;
  if (evidence <= 1) state.stream[onset] = context.tick.endMs;
  else if (state.stream[onset] === 0) state.stream[onset] = context.tick.startMs;
  return { evidence, onsetMs: state.stream[onset]! };
}

/** Sources that have the bad requests while no other has more than is allowed; empty when it is all of them. */
function blamedOf(
  { tick }: TickContext,
  allowed: number,
  badOf: (row: Float64Array) => readonly [bad: number, of: number],
): string[] {
  const blamed: string[] = [];
  let others = 0;
  for (const { source, tick: one } of tick.sources) {
    const row = one.sums.get(r.REQUESTS_KEY);
    const [bad, of] = row === undefined ? [0, 0] : badOf(row);
    if (of < BLAME_REQUESTS) continue;
    if (bad / of >= BLAME_TIMES * allowed) blamed.push(source);
    else if (bad / of > allowed) return [];
    else others++;
  }
  return others === 0 ? [] : blamed;
}

function signalOf(latency: Judged | null, errors: Judged | null, severity: Signal['severity']): Signal {
  const told = [latency, errors].filter((one) => one !== null);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const says = [
    ...(latency === null
      ? []
      : [`p99 of requests is ${duration(latency.now)}, ${latency.ratio.toFixed(1)} times the usual`]),
    ...(errors === null ? [] : [`${percent(errors.now)} of requests fail, usual ${percent(errors.usual)}`]),
  ];
  return {
    layer: -1,
    site: null,
    sources: told.every((one) => one.blamed.length > 0) ? told[0]!.blamed : [],
    severity,
    cause: 'latency_regression',
    confidence: 0.8,
    effect: told[0]!.ratio,
    unit: 'ratio',
    onsetMs: Math.min(...told.map((one) => one.onsetMs)),
    evidence: {
      ...(latency !== null && {
        request_p99_seconds: round(latency.now),
        usual_request_p99_seconds: round(latency.usual),
      }),
      ...(errors !== null && { error_rate: round(errors.now), usual_error_rate: round(errors.usual) }),
    },
    says: says.join(', and '),
  };
}

const duration = (seconds: number): string =>
  seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
