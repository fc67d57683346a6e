/**
 * `backtest`: which pages and tickets a configuration would have caused. Recordings are folded as `replay` does; where
 * labels say what was wrong in them, the answers are judged. With --null-days their ticks are drawn again and again
 * into days in which nothing is wrong, and the alarms of those days are held against the budget.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { failure, failures } from '../errors.ts';
import { backtestJson, nullJson } from './backtest-json.ts';
import { type Label, readLabels } from './backtest-labels.ts';
import { poolNullDays, runNullDays } from './backtest-null.ts';
import { backtestFile, createLearner, demandAlike, type RunContext, readSeries } from './backtest-run.ts';
import { judgedOf, labelledOf, type Result, totalsOf } from './backtest-summary.ts';
import { nullTable, nullText, resultTable, totalsText } from './backtest-table.ts';
import {
  type AddCommand,
  type ConfigOptions,
  collect,
  configOption,
  explain,
  positiveOption,
  type Session,
} from './command.ts';
import { createProgress } from './progress.ts';
import { foldSettingsOf } from './recording.ts';

interface BacktestOptions extends ConfigOptions {
  readonly baseline?: readonly string[];
  readonly labels?: string;
  readonly json?: boolean;
  readonly nullDays?: number;
  readonly blocks: number;
  readonly autocorrelation: number;
  readonly dailyCycle: number;
  readonly dailyMix?: string;
  readonly seed: number;
}

export const backtest: AddCommand = (program, session) => {
  const command = program
    .command('backtest')
    .description('pages and tickets that a configuration would have caused; no service');
  command
    .argument(
      '[file...]',
      'recordings: .jsonl, .jsonl.gz, or - for standard input; all labelled ones when absent',
    )
    .option('-b, --baseline <file>', 'a recording to learn references from; may be repeated', collect)
    .addOption(
      new Option('-l, --labels <file>', 'what is wrong in recordings, as JSON').conflicts('nullDays'),
    )
    .option('--json', 'print JSON')
    .addOption(configOption())
    .option(
      '--null-days <days>',
      'draw so many days from each recording, in which nothing is wrong',
      positiveOption,
    )
    .option('--blocks <ticks>', 'ticks that are drawn together', countOption, 6)
    .option('--autocorrelation <phi>', 'of a common level that wanders, from tick to tick', phiOption, 0)
    .option(
      '--daily-cycle <amplitude>',
      'of the common level, in standard deviations of a tick',
      positiveOption,
      0,
    )
    .option('--daily-mix <file>', 'a recording that takes 0.5 − 0.4·sin of the day from the first')
    .option('--seed <number>', 'of what is drawn', countOption, 1)
    .action((files: string[], options: BacktestOptions) => runBacktest(session, files, options));
  explain(command, {
    more:
      'Each recording is folded in a state of its own. Without --baseline a labelled one learns from the baseline that\n' +
      'its label names. Of the configuration only "fold" and "budget" count; the defaults when there is none.\n' +
      'docs/detection.md describes labels, what is counted, and the JSON.',
    examples: [
      'backtest --baseline monday.jsonl.gz tuesday.jsonl.gz wednesday.jsonl.gz',
      'backtest --labels examples/recordings/labels.json',
      'backtest --null-days 30 --autocorrelation 0.6 --daily-cycle 1 healthy.jsonl.gz',
    ],
  });
};

async function runBacktest(
  session: Session,
  files: readonly string[],
  options: BacktestOptions,
): Promise<void> {
  const settings = foldSettingsOf(session, options, 'backtest');
  const context: RunContext = { session, settings, progress: createProgress(session), failed: [] };
  if (files.length === 0 && options.labels === undefined) {
    throw failure('usage', { detail: 'name recordings, or --labels that name them', command: 'backtest' });
  }
  try {
    if (options.nullDays === undefined) await judgeRecordings(context, files, options);
    else await drawNullDays(context, files, options.nullDays, options);
  } finally {
    context.progress.clear();
  }
  if (context.failed.length > 0) throw failures(context.failed);
}

async function judgeRecordings(
  context: RunContext,
  files: readonly string[],
  options: BacktestOptions,
): Promise<void> {
  const { session } = context;
  const labels = options.labels === undefined ? [] : readLabels(options.labels);
  const byPath = new Map(labels.map((label) => [label.path, label]));
  const chosen = files.length > 0 ? files : labels.map(({ path }) => path);
  const learn = createLearner(context);
  const given = [];
  demandRecordings(
    labels.filter(({ path }) => chosen.some((file) => resolve(session.folder, file) === path)),
  );
  for (const file of options.baseline ?? []) given.push(...(await learn(file)));
  const results: Result[] = [];
  for (const file of chosen) {
    const label = byPath.get(resolve(session.folder, file)) ?? null;
    const own = options.baseline === undefined ? (label?.baseline ?? null) : null;
    const references = own === null ? given : await learn(own);
    results.push(await backtestFile(context, file, references, label));
    if (label === null && labels.length > 0) session.err(`${file}: warning: no label names it\n`);
  }
  const totals = totalsOf(results);
  const labelled = labels.length === 0 ? null : labelledOf(judgedOf(results));
  session.out(
    options.json === true
      ? backtestJson(results, totals, labelled)
      : `${resultTable(results)}\n${totalsText(totals, labelled)}`,
  );
}

/** All that labels name and that is not there is told at once, before any work is done. */
function demandRecordings(labels: readonly Label[]): void {
  const problems = labels.flatMap(({ where, file, path, baseline }) => [
    ...(existsSync(path) ? [] : [failure('labels_wrong', { where, detail: `"file": there is no ${file}` })]),
    ...(baseline === null || existsSync(baseline)
      ? []
      : [failure('labels_wrong', { where, detail: `"baseline" of ${file}: there is no ${baseline}` })]),
  ]);
  if (problems.length > 0) throw failures(problems);
}

async function drawNullDays(
  context: RunContext,
  files: readonly string[],
  days: number,
  options: BacktestOptions,
): Promise<void> {
  const { session, settings, progress } = context;
  const learn = createLearner(context);
  const references = [];
  for (const file of options.baseline ?? []) references.push(...(await learn(file)));
  const other = options.dailyMix === undefined ? null : await readSeries(context, options.dailyMix);
  const { blocks, autocorrelation, dailyCycle, seed } = options;
  const drawing = { blockTicks: blocks, autocorrelation, dailyAmplitude: dailyCycle, other };
  const rows = [];
  for (const [i, file] of files.entries()) {
    const series = await readSeries(context, file);
    if (other !== null) demandAlike(series, options.dailyMix!, other);
    const told = (part: number): void =>
      progress.tell(() => `${file}: day ${Math.floor(part * days)} of ${days}`);
    const result = runNullDays(series, { days, seed: seed + i, drawing, settings, references, told });
    rows.push({ file, result });
  }
  progress.clear();
  const pooled = poolNullDays(rows.map(({ result }) => result));
  session.out(
    options.json === true
      ? nullJson(
          { blocks, autocorrelation, dailyCycle, dailyMix: options.dailyMix ?? null, seed },
          rows,
          pooled,
        )
      : `${nullTable(rows)}\n${nullText(pooled)}`,
  );
}

function countOption(value: string): number {
  const number = positiveOption(value);
  if (!Number.isSafeInteger(number)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return number;
}

function phiOption(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number < 1))
    throw new InvalidArgumentError('It must be at least 0 and below 1.');
  return number;
}
