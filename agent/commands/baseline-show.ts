/** `baseline show`: what streams are held against, and what that promises. From the store, or learnt from a recording. */
import type { Command } from 'commander';
import { showRate } from '../config/rate.ts';
import { budgetOf } from '../core/budget.ts';
import { createPartition, exportReferences, type Partition, viewPartition } from '../core/fold.ts';
import type { Hours } from '../core/hours.ts';
import { learnedId } from '../core/learning.ts';
import { promiseOf, type ReferencePromise } from '../core/promise.ts';
import type { Reference } from '../core/reference.ts';
import type { Budget } from '../core/settings.ts';
import type { ModelView, StreamView } from '../core/view.ts';
import { failure, failures, type NormwatchError } from '../errors.ts';
import { textOf } from './baseline-text.ts';
import { type ConfigOptions, configOption, explain, type Session } from './command.ts';
import { createProgress } from './progress.ts';
import { describeAccount, foldFile, foldSettingsOf } from './recording.ts';
import { findModel, readModels, type StoredModel } from './state.ts';

const COMMAND = 'baseline show';

interface ShowOptions extends ConfigOptions {
  readonly model?: string;
  readonly environment: string;
  readonly version?: string;
  readonly json?: true;
}

/** All that is told of a model, as `--json` prints it. */
export interface Shown {
  readonly environment: string;
  readonly model: string;
  readonly budget: { readonly pages: string; readonly tickets: string; readonly outputKlNats: number };
  readonly streams: readonly Pick<StreamView, 'id' | 'state' | 'reference' | 'calibration'>[];
  readonly references: readonly ReferenceFacts[];
}

export interface ReferenceFacts {
  readonly id: string;
  /** `learning`: not enough yet, so nothing is held against it. */
  readonly kind: Reference['kind'] | 'learning';
  readonly version: string;
  readonly checkpoint: string | null;
  /** RFC 3339. */
  readonly created: string;
  /** Null where it is of a recording, whose time is not that of the clock. */
  readonly ageMs: number | null;
  readonly ticks: number;
  readonly tickMs: number;
  readonly flushes: number;
  readonly requests: number;
  readonly layers: number;
  /** Hours of event time learnt, and how many of the 24 of a day were among them. */
  readonly hours: { readonly learnt: number; readonly ofDay: number };
  /** Streams that are held against it now. */
  readonly streams: readonly string[];
  readonly promise: ReferencePromise;
}

export function addShow(group: Command, session: Session): void {
  const show = group
    .command('show')
    .description('show what the streams of a model are held against, and what that promises');
  show
    .argument('[file]', 'a recording to learn it from, instead of the store: .jsonl, .jsonl.gz, or -')
    .option('-m, --model <name>', 'the model it is about; needed where there are several')
    .option('-e, --environment <name>', 'its environment', 'default')
    .option('--version <version>', 'only this version')
    .addOption(configOption())
    .option('--json', 'as one JSON object')
    .action(async (file: string | undefined, options: ShowOptions) => {
      const models =
        file === undefined
          ? await readModels(session, COMMAND, options)
          : await learn(session, file, options);
      const found = choose(models, file ?? 'the store', options);
      const shown = shownOf(found, options.version, file === undefined ? session.nowMs() : null);
      session.out(options.json === true ? `${JSON.stringify(shown)}\n` : textOf(shown));
    });
  explain(show, {
    no: 'nothing is known of the model',
    more:
      'Of each reference in use: what is known, the budget split over the detectors, the evidence that\n' +
      "each needs, and the time between false alarms, promised and measured on the reference's own ticks.\n" +
      'Of the configuration only "fold" and "budget" count for a recording; the defaults when there is none.',
    examples: ['baseline show -c normwatch.yaml -m minilm-l6', 'baseline show normal.jsonl.gz'],
  });
}

/** What a recording teaches, as `replay --baseline` would take it; nothing else is needed. */
async function learn(session: Session, file: string, options: ShowOptions): Promise<StoredModel[]> {
  const partition = createPartition(foldSettingsOf(session, options, COMMAND));
  const progress = createProgress(session);
  const failed: NormwatchError[] = [];
  const account = await foldFile(session, file, partition, { progress, failed });
  progress.clear();
  if (failed.length > 0) throw failures(failed);
  session.err(`${file}: ${describeAccount(account)}\n`);
  return viewPartition(partition).models.map((view) => ({ view, partition }));
}

/** `of` is where they are from. */
function choose(
  models: readonly StoredModel[],
  of: string,
  { model, environment }: ShowOptions,
): StoredModel {
  if (model !== undefined) return findModel(models, environment, model);
  const [only, ...others] = models;
  if (only === undefined) throw failure('reference_none', { of });
  if (others.length === 0) return only;
  const known = models.map(({ view }) => `${view.environment}/${view.model}`).join(', ');
  const detail = `${of} holds several models, name one with --model: ${known}`;
  throw failure('usage', { detail, command: COMMAND });
}

function shownOf({ view, partition }: StoredModel, version: string | undefined, nowMs: number | null): Shown {
  const { environment, model } = view;
  const budget = budgetOf(partition.settings, model);
  const streams = view.streams.filter((one) => version === undefined || one.version === version);
  const references = referencesOf(partition, view, nowMs !== null).map((reference) =>
    factsOf(reference, { view, partition, budget, nowMs }),
  );
  return {
    environment,
    model,
    budget: {
      pages: showRate(budget.pagesEveryMs),
      tickets: showRate(budget.ticketsEveryMs),
      outputKlNats: budget.outputKlNats,
    },
    streams: streams.map(({ id, state, reference, calibration }) => ({ id, state, reference, calibration })),
    references,
  };
}

/** Of the store what is in force; of a recording all that it teaches, as an export would carry it. */
function referencesOf(
  partition: Partition,
  { environment, model }: ModelView,
  inForce: boolean,
): Reference[] {
  const known = partition.models.get(`${environment}/${model}`)?.references ?? [];
  return exportReferences(partition)
    .filter((named) => named.environment === environment && named.model === model)
    .map(({ reference }) => (inForce && known.find(({ id }) => id === reference.id)) || reference);
}

interface Around {
  readonly view: ModelView;
  readonly partition: Partition;
  readonly budget: Budget;
  readonly nowMs: number | null;
}

function factsOf(one: Reference, { view, partition, budget, nowMs }: Around): ReferenceFacts {
  const { settings } = partition;
  const streams = [...(partition.models.get(`${view.environment}/${view.model}`)?.streams.values() ?? [])];
  const held = streams.filter(({ reference }) => reference === one.id);
  const learning = streams.some(
    (stream) => stream.baseline.learning !== null && learnedId(stream) === one.id,
  );
  const hours = held.reduce<Hours | null>(
    (most, { hours }) => (hours.known > (most?.known ?? -1) ? hours : most),
    null,
  );
  const known = hours ?? one.hours;
  return {
    id: one.id,
    kind: learning && held.length === 0 && one.kind === 'learned' ? 'learning' : one.kind,
    version: one.version,
    checkpoint: one.checkpoint,
    created: new Date(one.createdMs).toISOString(),
    ageMs: nowMs === null ? null : nowMs - one.createdMs,
    ticks: one.bucket.ticks,
    tickMs: settings.tickMs,
    flushes: one.bucket.flushes,
    requests: one.bucket.requests,
    layers: one.layers.length,
    hours: {
      learnt: known?.known ?? 0,
      ofDay: known === null ? 0 : known.days.filter((days) => days >= 1).length,
    },
    streams: held.map(({ id }) => id),
    promise: promiseOf(one, settings, budget, known),
  };
}
