/** A folder of labelled recordings, folded and judged; and the days drawn from its healthy ones. */
import { basename, join } from 'node:path';
import { readLabels } from '../agent/commands/backtest-labels.ts';
import { type NullResult, poolNullDays, runNullDays } from '../agent/commands/backtest-null.ts';
import { backtestFile, createLearner, type RunContext, readSeries } from '../agent/commands/backtest-run.ts';
import { type Judged, judgedOf } from '../agent/commands/backtest-summary.ts';
import type { Session } from '../agent/commands/command.ts';
import { createProgress } from '../agent/commands/progress.ts';
import { DEFAULT_SETTINGS } from '../agent/core/settings.ts';
import { failures } from '../agent/errors.ts';

export const quietSession = (err: (text: string) => void, errIsTerminal: boolean): Session => ({
  out: () => {},
  err,
  errIsTerminal,
  environment: {},
  folder: process.cwd(),
  input: process.stdin,
  nowMs: Date.now,
  stop: () => new AbortController().signal,
  exit: 0,
});

const contextOf = (session: Session): RunContext => ({
  session,
  settings: DEFAULT_SETTINGS,
  progress: createProgress(session),
  failed: [],
});

/** All recordings that `labels.json` of the folder names. */
export async function judgeFolder(session: Session, folder: string): Promise<Judged[]> {
  const context = contextOf(session);
  const learn = createLearner(context);
  const results = [];
  for (const label of readLabels(join(folder, 'labels.json'))) {
    const references = label.baseline === null ? [] : await learn(label.baseline);
    results.push(await backtestFile(context, label.path, references, label));
  }
  if (context.failed.length > 0) throw failures(context.failed);
  return judgedOf(results);
}

export interface NullScore {
  readonly recordings: readonly string[];
  readonly plain: NullResult;
  /** With a common level of autocorrelation 0.6 and one standard deviation of a tick, and a day of the same amplitude. */
  readonly uneven: NullResult;
  /** Of CPU for 30 days of one recording, the slowest: the machine may be busy with other things. */
  readonly seconds: number;
}

const PLAIN = { blockTicks: 6, autocorrelation: 0, dailyAmplitude: 0, other: null };
const UNEVEN = { ...PLAIN, autocorrelation: 0.6, dailyAmplitude: 1 };

/** Days drawn from each healthy recording that is nobody's baseline; null when there is none. */
export async function drawFolder(session: Session, folder: string, days: number): Promise<NullScore | null> {
  const context = contextOf(session);
  const labels = readLabels(join(folder, 'labels.json'));
  const baselines = new Set(labels.map(({ baseline }) => baseline));
  const healthy = labels.filter(
    ({ kind, cause, onset, path }) =>
      kind === 'serving' && cause === 'none' && onset.at === 'never' && !baselines.has(path),
  );
  const drawn: Record<'plain' | 'uneven', NullResult[]> = { plain: [], uneven: [] };
  let seconds = 0;
  for (const [i, { path }] of healthy.entries()) {
    const series = await readSeries(context, path);
    for (const [name, drawing] of [
      ['plain', PLAIN],
      ['uneven', UNEVEN],
    ] as const) {
      const before = process.cpuUsage();
      const told = (share: number): void =>
        context.progress.tell(() => `${basename(path)}, ${name}: day ${Math.floor(share * days)} of ${days}`);
      const result = runNullDays(series, {
        days,
        seed: i + 1,
        drawing,
        settings: DEFAULT_SETTINGS,
        references: [],
        told,
      });
      const { user, system } = process.cpuUsage(before);
      seconds = Math.max(seconds, (user + system) / 1e6);
      context.progress.clear();
      session.err(`${basename(path)}, ${name}: ${JSON.stringify(result)}\n`);
      drawn[name].push(result);
    }
  }
  if (healthy.length === 0) return null;
  return {
    recordings: healthy.map(({ path }) => basename(path)),
    plain: poolNullDays(drawn.plain),
    uneven: poolNullDays(drawn.uneven),
    seconds: (seconds * 30) / days,
  };
}
