/** What `backtest` prints for people: a line a recording, then what follows from all of them. */
import { basename } from 'node:path';
import type { Verdict } from './backtest-judge.ts';
import type { Label } from './backtest-labels.ts';
import type { NullAlarms, NullResult } from './backtest-null.ts';
import { countAs } from './backtest-openings.ts';
import type { Delays, Labelled, Rate, Result, Share, Totals } from './backtest-summary.ts';
import { columns, cut } from './columns.ts';

const FILE_WIDTH = 34;

export function resultTable(results: readonly Result[]): string {
  const isJudged = results.some(({ verdict }) => verdict !== null);
  const head = ['RECORDING', 'HOURS', 'PAGES', 'TICKETS', ...(isJudged ? ['DELAY'] : []), 'SAYS'];
  const rows = results.map(({ file, seconds, openings, label, verdict }) => [
    cut(basename(file), FILE_WIDTH),
    (seconds / 3600).toFixed(2),
    String(countAs(openings, 'page')),
    String(countAs(openings, 'ticket')),
    ...(isJudged ? [delayOf(label, verdict)] : []),
    label === null || verdict === null ? causesOf(openings) : describeVerdict(label, verdict),
  ]);
  return columns(head, rows);
}

const causesOf = (openings: Result['openings']): string =>
  [...new Set(openings.map(({ last }) => String(last.cause)))].join(', ');

function delayOf(label: Label | null, verdict: Verdict | null): string {
  if (label === null || verdict === null || verdict.delay === null) return '';
  const unit = label.kind === 'training' ? 'steps' : 's';
  return `${Number(verdict.delay.toFixed(1))} ${unit}`;
}

export function describeVerdict(label: Label, verdict: Verdict): string {
  const { expected, detected, falsely, extra } = verdict;
  const more = [
    ...(falsely > 0 ? [`${falsely} false`] : []),
    ...(extra > 0 ? [`${extra} more of the same fault`] : []),
  ];
  if (!detected) {
    if (expected === 'fault') return ['missed', ...more].join('; ');
    if (falsely > 0) return more.join('; ');
    return label.onset.at === 'never' || expected === 'quiet' ? 'quiet, rightly' : 'not found, may be missed';
  }
  const wrong = [
    ...(verdict.causeRight === false ? [`cause ${verdict.cause}, not ${label.cause}`] : []),
    ...(verdict.layerRight === false ? ['wrong layer'] : []),
    ...(verdict.sourcesRight === false ? ['wrong sources'] : []),
    ...(verdict.severityRight === false ? ['wrong severity'] : []),
    ...(verdict.epsilonRight === false ? [`epsilon ${verdict.impliedEpsilon}, not ${label.epsilon}`] : []),
  ];
  return [...(wrong.length === 0 ? [`${verdict.cause}, all right`] : wrong), ...more].join('; ');
}

export function totalsText(totals: Totals, labelled: Labelled | null): string {
  const openedAs =
    totals.opened_as_pages === totals.pages.count
      ? ''
      : `; when opened ${totals.opened_as_pages} pages, ${totals.opened_as_tickets} tickets`;
  const also = [
    ...(totals.reopened > 0 ? [`${totals.reopened} of them reopened`] : []),
    ...(totals.suppressed > 0 ? [`${totals.suppressed} more suppressed`] : []),
  ];
  return pairs([
    ['event time', `${(totals.seconds / 3600).toFixed(2)} hours`],
    ['pages', `${describeRate(totals.pages)}${openedAs}`],
    ['tickets', [describeRate(totals.tickets), ...also].join('; ')],
    ...(labelled === null ? [] : labelledPairs(labelled)),
  ]);
}

function describeRate({ count, per_week, per_week_low, per_week_high }: Rate): string {
  if (per_week === null) return String(count);
  const [rate, low, high] = [per_week, per_week_low!, per_week_high!].map(short);
  return `${count}, ${rate} a week (95 %: ${low} to ${high})`;
}

/** Three digits are more than a count of few can tell. */
export const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

function labelledPairs(labelled: Labelled): [string, string][] {
  const { delay_s, delay_steps, missed, optional } = labelled;
  return [
    ['faults found', share({ right: labelled.detected, of: labelled.faults })],
    ...missed.map((file, i): [string, string] => [i === 0 ? 'missed' : '', basename(file)]),
    ...(optional.of === 0 ? [] : [['may be missed', `${share(optional)} found`] as [string, string]]),
    ['delay', describeDelays(delay_s, 's')],
    ...(delay_steps.max === null
      ? []
      : [['in training', describeDelays(delay_steps, 'steps')] as [string, string]]),
    ['false', describeRate(labelled.false_incidents)],
    ['more than one', `${labelled.extra_incidents} incidents beside the first of a fault`],
    ['cause', share(labelled.cause)],
    ['epsilon', `${share(labelled.epsilon)} within 20 %`],
    ['origin layer', share(labelled.origin_layer)],
    ['sources', share(labelled.sources)],
    ['severity', share(labelled.severity)],
  ];
}

export const describeDelays = ({ median, p90, max }: Delays, unit: string): string =>
  median === null
    ? '–'
    : `median ${short(median)} ${unit}, p90 ${short(p90!)} ${unit}, longest ${short(max!)} ${unit}`;

export const share = ({ right, of }: Share): string => `${right} of ${of}`;

function pairs(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

export interface NullRow {
  readonly file: string;
  readonly result: NullResult;
}

export function nullTable(rows: readonly NullRow[]): string {
  const head = ['RECORDING', 'DAYS', 'PAGES', 'TICKETS', 'OPEN HOURS', 'CAUSES'];
  const causes = (all: NullResult['causes']): string =>
    Object.entries(all)
      .map(([cause, count]) => `${cause} ${count}`)
      .join(', ');
  return columns(
    head,
    rows.map(({ file, result }) => [
      cut(basename(file), FILE_WIDTH),
      short(result.days),
      String(result.pages.count),
      String(result.tickets.count),
      short(result.open_hours),
      causes(result.causes),
    ]),
  );
}

export function nullText(pooled: NullResult): string {
  return pairs([
    ...alarmPairs('pages', pooled.pages),
    ...alarmPairs('tickets', pooled.tickets),
    ['learning', `${pooled.learning_tickets} tickets in the first 3 days of each, which do not count`],
    [
      'open',
      `${short(pooled.open_hours)} of ${short(24 * pooled.days)} hours; while one is open no other can be`,
    ],
  ]);
}

function alarmPairs(name: string, of: NullAlarms): [string, string][] {
  if (of.per_day_upper === null) return [[name, `${of.count}; no day counts yet`]];
  const seen = of.run_length_days === null ? `more than ${short(of.days)}` : short(of.run_length_days);
  const promised = short(of.promised_days);
  const most = short(of.per_day_upper * of.promised_days);
  return [
    [name, `${of.count} in ${short(of.days)} days, so at most ${most} in ${promised} days (95 %)`],
    ['', `one in ${seen} days; promised one in ${promised}`],
  ];
}
