/** What `backtest --json` prints; docs/detection.md describes it. */
import { formatTime } from '../core/time.ts';
import type { Verdict } from './backtest-judge.ts';
import type { Label } from './backtest-labels.ts';
import type { NullResult } from './backtest-null.ts';
import { countAs, type Opening } from './backtest-openings.ts';
import type { Labelled, Result, Totals } from './backtest-summary.ts';
import type { NullRow } from './backtest-table.ts';

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

export const backtestJson = (results: readonly Result[], totals: Totals, labelled: Labelled | null): string =>
  json({ recordings: results.map(recordingOf), total: totals, labels: labelled });

function recordingOf({ file, seconds, openings, label, verdict }: Result) {
  return {
    file,
    seconds,
    pages: countAs(openings, 'page'),
    tickets: countAs(openings, 'ticket'),
    incidents: openings.map(incidentOf),
    label: label === null || verdict === null ? null : verdictOf(label, verdict),
  };
}

function incidentOf({ id, openedMs, resolvedMs, severity, openedAs, reopened, muted, last }: Opening) {
  return {
    id,
    opened: formatTime(openedMs),
    resolved: resolvedMs === null ? null : formatTime(resolvedMs),
    severity,
    opened_as: openedAs,
    reopened,
    suppressed: muted,
    cause: last.cause,
    layers: last.layers,
    sources: last.sources,
    scope: last.scope,
    detectors: last.detectors,
  };
}

function verdictOf(label: Label, verdict: Verdict) {
  return {
    expected: verdict.expected,
    detectability: label.detectability === '' ? null : label.detectability,
    onset: verdict.onsetMs === null ? null : formatTime(verdict.onsetMs),
    detected: verdict.detected,
    delay: verdict.delay,
    delay_unit: label.kind === 'training' ? 'steps' : 's',
    false_incidents: verdict.falsely,
    extra_incidents: verdict.extra,
    cause: verdict.cause,
    cause_expected: label.cause,
    cause_right: verdict.causeRight,
    origin_layer_right: verdict.layerRight,
    sources_right: verdict.sourcesRight,
    severity_right: verdict.severityRight,
    implied_epsilon: verdict.impliedEpsilon,
    epsilon_right: verdict.epsilonRight,
  };
}

export interface Drawn {
  readonly blocks: number;
  readonly autocorrelation: number;
  readonly dailyCycle: number;
  readonly dailyMix: string | null;
  readonly seed: number;
}

export const nullJson = (drawn: Drawn, rows: readonly NullRow[], pooled: NullResult): string =>
  json({
    null_days: {
      blocks: drawn.blocks,
      autocorrelation: drawn.autocorrelation,
      daily_cycle: drawn.dailyCycle,
      daily_mix: drawn.dailyMix,
      seed: drawn.seed,
      recordings: rows.map(({ file, result }) => ({ file, ...result })),
      pooled,
    },
  });
