/** Verdicts as Markdown: each goal with what was measured, then a line a recording. */
import { basename } from 'node:path';
import type { NullAlarms, NullResult } from '../agent/commands/backtest-null.ts';
import { delaysOf, type Judged, labelledOf, type Share } from '../agent/commands/backtest-summary.ts';
import { describeVerdict, short } from '../agent/commands/backtest-table.ts';
import type { NullScore } from './score-folder.ts';

/** Faults that show in nothing but extremes that are constant in healthy traffic. */
const SENTINEL_CAUSES = ['precision_change', 'variance_estimator', 'epsilon_mismatch'];

type Row = readonly [what: string, measured: string, goal: string];

export function goalTable(judged: readonly Judged[], drawn: NullScore | null): string {
  const rows = [
    ...servingRows(judged.filter(({ label }) => label.kind === 'serving')),
    ...trainingRows(judged),
  ];
  if (drawn !== null) rows.push(...nullRows(drawn));
  return table(['what', 'measured', 'goal'], rows);
}

function servingRows(judged: readonly Judged[]): Row[] {
  const faults = judged.filter(({ verdict }) => verdict.expected === 'fault');
  const sudden = faults.filter(({ label }) => label.scenario !== 'gradual-drift');
  const gradual = faults.filter(({ label }) => label.scenario === 'gradual-drift');
  const summary = labelledOf(judged);
  const delays = (of: readonly Judged[]) => delaysOf(of.flatMap(({ verdict }) => verdict.delay ?? []));
  const { median, p90, max } = delays(sudden);
  const quiet = judged.filter(({ verdict }) => verdict.expected === 'quiet');
  const before = judged.filter(({ verdict }) => verdict.expected !== 'quiet');
  const epsilons = judged.filter(({ label }) => label.epsilon !== null).length;
  const falselyOf = (of: readonly Judged[]) => of.reduce((sum, { verdict }) => sum + verdict.falsely, 0);
  return [
    ['faults found', shareOf({ right: summary.detected, of: summary.faults }), 'all'],
    [
      'delay in s of event time: median, p90, longest',
      `${shown(median)}, ${shown(p90)}, ${shown(max)}`,
      '≤ 10, ≤ 60',
    ],
    ...(gradual.length === 0
      ? []
      : [['the same of a gradual drift, longest', shown(delays(gradual).max), '≤ 90'] as const]),
    ...sentinelRows(judged),
    [`incidents in ${quiet.length} recordings with nothing wrong`, String(falselyOf(quiet)), '0'],
    ['incidents before an onset', String(falselyOf(before)), '0'],
    ['incidents beside the first of a fault', String(summary.extra_incidents), '0'],
    ['origin layer, faults of one layer', shareOf(summary.origin_layer), '100 %'],
    ['sources: named where some have it, nobody where all do', shareOf(summary.sources), '100 %'],
    ['cause', shareOf(summary.cause), '≥ 90 %'],
    [
      `epsilon within ±20 %, of those inferred (of ${epsilons} that are an epsilon)`,
      shareOf(summary.epsilon),
      'all',
    ],
    ['severity acceptable', shareOf(summary.severity), '≥ 95 %'],
  ];
}

function sentinelRows(judged: readonly Judged[]): Row[] {
  const faults = judged.filter(({ label }) => label.detectability === 'sentinel-only');
  if (faults.length === 0) return [];
  const good = faults.filter(
    ({ verdict }) =>
      verdict.detected && verdict.severityRight && SENTINEL_CAUSES.includes(verdict.cause ?? ''),
  );
  const share = shareOf({ right: good.length, of: faults.length });
  return [['seen in constant extremes only: a ticket with one of their causes', share, 'all']];
}

function trainingRows(judged: readonly Judged[]): Row[] {
  const training = judged.filter(({ label }) => label.kind === 'training');
  if (training.length === 0) return [];
  const summary = labelledOf(training);
  return [
    ['training: faults found', shareOf({ right: summary.detected, of: summary.faults }), '–'],
    ['training: incidents where nothing is wrong', String(summary.false_incidents.count), '0'],
  ];
}

function nullRows({ recordings, plain, uneven, seconds }: NullScore): Row[] {
  const goal = (of: NullAlarms): string => `≤ ${Math.max(1, Math.ceil(of.days / of.promised_days / 5))}`;
  const row = (name: string, { pages, tickets, learning_tickets, days }: NullResult): Row[] => [
    [`${short(days)} null days, ${name}: pages`, alarms(pages), days >= 150 ? '≤ 1' : goal(pages)],
    [
      `the same: tickets after three days each`,
      `${alarms(tickets)}; ${learning_tickets} in the first three`,
      `≤ ${Math.round((13 / 150) * days)}`,
    ],
  ];
  return [
    ...row(`from ${recordings.length} healthy recordings in blocks of a minute`, plain),
    ...row('with autocorrelation 0.6 and a daily cycle', uneven),
    ['30 null days take, seconds of CPU', short(seconds), '≤ 60'],
  ];
}

const alarms = ({ count, days, promised_days, per_day_upper }: NullAlarms): string =>
  per_day_upper === null
    ? String(count)
    : `${count} in ${short(days)} days; at most ${short(per_day_upper * promised_days)} in ${short(promised_days)} days (95 %)`;

export function recordingTable(judged: readonly Judged[]): string {
  const rows = judged.map(({ file, label, verdict }) => [
    `\`${basename(file).replace(/\.jsonl(\.gz)?$/, '')}\``,
    verdict.delay === null ? '' : `${short(verdict.delay)} ${label.kind === 'training' ? 'steps' : 's'}`,
    describeVerdict(label, verdict),
  ]);
  return table(['recording', 'delay', 'verdict'], rows);
}

const shown = (value: number | null): string => (value === null ? '–' : short(value));

const shareOf = ({ right, of }: Share): string => (of === 0 ? '–' : `${right} of ${of}`);

/** Columns are padded, so that the table reads as text too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`;
  return line(head) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('');
}
