/** Verdicts of many recordings in one: the numbers by which a configuration is judged. */
import { poissonLimits } from '../core/poisson.ts';
import type { Verdict } from './backtest-judge.ts';
import type { Label } from './backtest-labels.ts';
import { countAs, type Opening } from './backtest-openings.ts';

const WEEK_S = 7 * 86_400;
const CONFIDENCE = 0.95;

/** One recording, folded and judged. */
export interface Result {
  readonly file: string;
  /** Event time from its first flush to its newest, added up over its models. */
  readonly seconds: number;
  readonly openings: readonly Opening[];
  readonly label: Label | null;
  readonly verdict: Verdict | null;
}

/** How often in a week, with the exact 95 % limits of that rate. */
export interface Rate {
  readonly count: number;
  readonly per_week: number | null;
  readonly per_week_low: number | null;
  readonly per_week_high: number | null;
}

export interface Share {
  readonly right: number;
  readonly of: number;
}

export interface Labelled {
  readonly recordings: number;
  readonly faults: number;
  readonly detected: number;
  readonly missed: readonly string[];
  /** Faults that may be missed, and how many of them were found. */
  readonly optional: Share;
  readonly delay_s: Delays;
  readonly delay_steps: Delays;
  /** Over the time in which nothing is wrong. */
  readonly false_incidents: Rate;
  readonly extra_incidents: number;
  readonly cause: Share;
  readonly epsilon: Share;
  readonly origin_layer: Share;
  readonly sources: Share;
  readonly severity: Share;
}

export interface Delays {
  readonly median: number | null;
  readonly p90: number | null;
  readonly max: number | null;
}

export interface Totals {
  readonly seconds: number;
  readonly pages: Rate;
  readonly tickets: Rate;
  readonly opened_as_pages: number;
  readonly opened_as_tickets: number;
  readonly reopened: number;
  readonly suppressed: number;
}

export function rateOf(count: number, seconds: number): Rate {
  if (seconds <= 0) return { count, per_week: null, per_week_low: null, per_week_high: null };
  const weeks = seconds / WEEK_S;
  const { low, high } = poissonLimits(count, CONFIDENCE);
  return { count, per_week: count / weeks, per_week_low: low / weeks, per_week_high: high / weeks };
}

export function totalsOf(results: readonly Result[]): Totals {
  const seconds = results.reduce((sum, one) => sum + one.seconds, 0);
  const openings = results.flatMap((one) => one.openings);
  const heard = openings.filter(({ muted }) => !muted);
  const count = (holds: (one: Opening) => boolean): number => heard.filter(holds).length;
  return {
    seconds,
    pages: rateOf(countAs(openings, 'page'), seconds),
    tickets: rateOf(countAs(openings, 'ticket'), seconds),
    opened_as_pages: count((one) => one.openedAs === 'page'),
    opened_as_tickets: count((one) => one.openedAs === 'ticket'),
    reopened: count((one) => one.reopened),
    suppressed: openings.length - heard.length,
  };
}

export interface Judged {
  readonly file: string;
  readonly label: Label;
  readonly verdict: Verdict;
}

export const judgedOf = (results: readonly Result[]): Judged[] =>
  results.flatMap(({ file, label, verdict }) =>
    label === null || verdict === null ? [] : [{ file, label, verdict }],
  );

export function labelledOf(judged: readonly Judged[]): Labelled {
  const verdicts = judged.map(({ verdict }) => verdict);
  const faults = judged.filter(({ verdict }) => verdict.expected === 'fault');
  const share = (of: (one: Verdict) => boolean | null): Share => {
    const known = verdicts.map(of).filter((one) => one !== null);
    return { right: known.filter(Boolean).length, of: known.length };
  };
  const optional = judged.filter(
    ({ label, verdict }) => verdict.expected === 'either' && label.onset.at !== 'never',
  );
  const found = faults.filter(({ verdict }) => verdict.detected);
  const delays = (kind: Label['kind']): Delays =>
    delaysOf(found.flatMap(({ label, verdict }) => (label.kind === kind ? [verdict.delay!] : [])));
  return {
    recordings: judged.length,
    faults: faults.length,
    detected: found.length,
    missed: faults.filter(({ verdict }) => !verdict.detected).map(({ file }) => file),
    optional: {
      right: optional.filter(({ verdict }) => verdict.detected).length,
      of: optional.length,
    },
    delay_s: delays('serving'),
    delay_steps: delays('training'),
    false_incidents: rateOf(
      verdicts.reduce((sum, one) => sum + one.falsely, 0),
      verdicts.reduce((sum, one) => sum + one.healthySeconds, 0),
    ),
    extra_incidents: verdicts.reduce((sum, one) => sum + one.extra, 0),
    cause: share((one) => one.causeRight),
    epsilon: share((one) => one.epsilonRight),
    origin_layer: share((one) => one.layerRight),
    sources: share((one) => one.sourcesRight),
    severity: share((one) => one.severityRight),
  };
}

/** Median as usual; p90 is the least delay that nine in ten do not exceed. */
export function delaysOf(delays: readonly number[]): Delays {
  if (delays.length === 0) return { median: null, p90: null, max: null };
  const sorted = [...delays].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return {
    median: sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    p90: sorted[Math.ceil(0.9 * sorted.length) - 1]!,
    max: sorted.at(-1)!,
  };
}
