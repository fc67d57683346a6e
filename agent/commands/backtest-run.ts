/** Recordings as `backtest` needs them: folded with what is known of them, or as a series of closed ticks. */
import { watermarkOf } from '../core/clock.ts';
import type { Event } from '../core/decode/event.ts';
import { createPartition, type Partition, pinReferences } from '../core/fold.ts';
import { sameNames } from '../core/layout.ts';
import type { NamedReference } from '../core/references.ts';
import { createSeriesReader, type TickSeries } from '../core/series.ts';
import type { Settings } from '../core/settings.ts';
import { failure, failures, type NormwatchError } from '../errors.ts';
import { type Facts, judge } from './backtest-judge.ts';
import type { Label } from './backtest-labels.ts';
import { createOpenings } from './backtest-openings.ts';
import type { Result } from './backtest-summary.ts';
import type { Session } from './command.ts';
import type { Progress } from './progress.ts';
import { describeAccount, foldFile, learnReferences } from './recording.ts';

export interface RunContext {
  readonly session: Session;
  readonly settings: Settings;
  readonly progress: Progress;
  /** Recordings that break off; what could be read of them counts. */
  readonly failed: NormwatchError[];
}

/** References of recordings to learn from; each is learnt once, however many labels name it. */
export function createLearner({ session, settings, progress }: RunContext) {
  const known = new Map<string, Promise<NamedReference[]>>();
  return (file: string): Promise<NamedReference[]> => {
    let learnt = known.get(file);
    if (learnt === undefined) {
      learnt = learnReferences(session, file, { settings, progress }).then((one) => one.learnt);
      known.set(file, learnt);
    }
    return learnt;
  };
}

export async function backtestFile(
  context: RunContext,
  file: string,
  references: readonly NamedReference[],
  label: Label | null,
): Promise<Result> {
  const { session, settings, progress, failed } = context;
  const partition = createPartition(settings);
  pinReferences(partition, references);
  const openings = createOpenings();
  const begins = new Map<string, number>();
  const seen = ({ environment, model, timeMs, window_ms }: Event): void => {
    const key = `${environment}/${model}`;
    if (!begins.has(key)) begins.set(key, timeMs - window_ms);
  };
  const account = await foldFile(session, file, partition, { progress, seen, told: openings.add, failed });
  progress.clear();
  session.err(`${file}: ${describeAccount(account)}\n`);
  const seconds = secondsOf(partition, begins);
  const facts: Facts = {
    firstMs: Math.min(...begins.values()),
    seconds,
    sourcesOf: (version, role) => sourcesOf(partition, version, role),
  };
  return {
    file,
    seconds,
    openings: openings.all,
    label,
    verdict: label === null ? null : judge(label, openings.all, facts),
  };
}

function secondsOf(partition: Partition, begins: ReadonlyMap<string, number>): number {
  let ms = 0;
  for (const [key, model] of partition.models) {
    const beginMs = begins.get(key);
    if (beginMs === undefined) continue;
    const ends = [...model.streams.values()].flatMap(({ clock }) => watermarkOf(clock) ?? []);
    ms += Math.max(0, (ends.length === 0 ? model.newestMs : Math.max(...ends)) - beginMs);
  }
  return ms / 1000;
}

function sourcesOf(partition: Partition, version: string, role: string | null): string[] {
  for (const model of partition.models.values()) {
    for (const stream of model.streams.values())
      if (stream.version === version && stream.role === role) return [...stream.clock.sources.keys()];
  }
  return [];
}

/** The closed ticks of a recording's largest stream. */
export async function readSeries(context: RunContext, file: string): Promise<TickSeries> {
  const { session, settings, progress } = context;
  const reader = createSeriesReader(settings.tickMs);
  const failed: NormwatchError[] = [];
  await foldFile(session, file, createPartition(settings), { progress, seen: reader.add, failed });
  progress.clear();
  if (failed.length > 0) throw failures(failed);
  const series = reader.read();
  if (series === null) throw failure('recording_unfit', { file, detail: 'it holds no traffic to draw from' });
  if (reader.isCut)
    session.err(`${file}: warning: too long to be held; its first ${series.ticks.length} ticks are used\n`);
  return series;
}

/** Throws when ticks of the one cannot stand beside ticks of the other. */
export function demandAlike(series: TickSeries, file: string, other: TickSeries): void {
  if (sameNames(series.layers, other.layers)) return;
  const detail = `its ${other.layers.length} layers are not those of the recording it is mixed into`;
  throw failure('recording_unfit', { file, detail });
}
