/**
 * `replay`: the agent's fold over recordings, without any service. Each file is folded in a state of its own; of a
 * baseline only its references are taken over, so equal sources, boots, seqs and times of two files do not meet.
 */
import { foldSettings } from '../config/settings.ts';
import { decode } from '../core/decode/index.ts';
import {
  createPartition,
  exportReferences,
  finishPartition,
  foldEvent,
  foldRefusal,
  type Partition,
  pinReferences,
  takeFindings,
  viewPartition,
} from '../core/fold.ts';
import { DEFAULT_SETTINGS, type Settings } from '../core/settings.ts';
import { failures, NormwatchError } from '../errors.ts';
import type { SourceRecord } from '../flow/ports.ts';
import {
  type AddCommand,
  type ConfigOptions,
  collect,
  configOf,
  configOption,
  explain,
  type Session,
} from './command.ts';
import { addCounts, countOf, createRefusedLines, readLines, tally } from './lines.ts';
import { openOutput } from './output.ts';
import { createProgress, type Progress } from './progress.ts';

interface ReplayOptions extends ConfigOptions {
  readonly baseline?: readonly string[];
  readonly findings?: string;
}

export const replay: AddCommand = (program, session) => {
  const command = program
    .command('replay')
    .description('find incidents in recordings, as the agent would; no service');
  command
    .argument('<file...>', 'recordings: .jsonl, .jsonl.gz, or - for standard input')
    .option('-b, --baseline <file>', 'a recording to learn references from; may be repeated', collect)
    .option('-o, --findings <file>', 'where incidents go as JSON Lines; standard output when absent')
    .addOption(configOption())
    .action((files: string[], options: ReplayOptions) => replayFiles(session, files, options));
  explain(command, {
    more:
      'Refused lines are named on standard error, 20 of a file at most, and the rest is used.\n' +
      'Of the configuration only "fold" and "budget" count here; the defaults when there is none.',
    examples: [
      'replay --baseline baseline.jsonl.gz recording.jsonl.gz',
      'replay -b monday.jsonl.gz tuesday.jsonl.gz wednesday.jsonl.gz -o findings.jsonl',
      'zcat recording.jsonl.gz | normwatch replay -',
    ],
  });
};

async function replayFiles(
  session: Session,
  files: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  const settings = settingsOf(session, options);
  const startedMs = session.nowMs();
  const progress = createProgress(session);
  const total: Account = emptyAccount();
  const failed: NormwatchError[] = [];
  const output = openOutput(session, options.findings);
  try {
    const references = [];
    for (const file of options.baseline ?? []) {
      const partition = createPartition(settings);
      const account = await foldFile(session, file, partition, { progress, write: null, failed });
      // A verdict without the baseline that was asked for would mislead.
      if (failed.length > 0) throw failures(failed);
      const learnt = exportReferences(partition);
      references.push(...learnt);
      progress.clear();
      session.err(`${file}: baseline, ${describe(account)}, ${countOf(learnt.length, 'reference')}\n`);
      if (learnt.length === 0) session.err(`${file}: warning: nothing to learn a reference from\n`);
      add(total, account);
    }
    for (const file of files) {
      const partition = createPartition(settings);
      pinReferences(partition, references);
      const write = (finding: object): void => output.write(`${JSON.stringify({ ...finding, file })}\n`);
      const account = await foldFile(session, file, partition, { progress, write, failed });
      progress.clear();
      session.err(`${file}: ${describe(account)}, ${countOf(account.incidents, 'incident')}\n`);
      add(total, account);
    }
  } finally {
    progress.clear();
    output.close();
  }
  const seconds = Math.max(0.001, (session.nowMs() - startedMs) / 1000);
  const rate = Math.round(total.records / seconds).toLocaleString('en-US');
  session.err(
    `total: ${describe(total)}, ${countOf(total.incidents, 'incident')} in ` +
      `${seconds.toFixed(1)} s (${rate} events/s)\n`,
  );
  if (failed.length > 0) throw failures(failed);
}

function settingsOf(session: Session, options: ReplayOptions): Settings {
  const named = options.config ?? session.environment.NORMWATCH_CONFIG;
  return named === undefined ? DEFAULT_SETTINGS : foldSettings(configOf(session, options, 'replay').config);
}

interface Account {
  /** Events that decode took, duplicates among them. */
  records: number;
  refused: Map<string, number>;
  duplicates: number;
  missing: number;
  late: number;
  incidents: number;
}

const emptyAccount = (): Account => ({
  records: 0,
  refused: new Map(),
  duplicates: 0,
  missing: 0,
  late: 0,
  incidents: 0,
});

const describe = ({ records, refused, duplicates, missing, late }: Account): string =>
  `${countOf(records, 'event')}, ${tally('refused', refused)}, ${countOf(duplicates, 'duplicate')}, ${missing} missing, ${late} late`;

function add(total: Account, { refused, ...counts }: Account): void {
  addCounts(total.refused, refused);
  for (const [name, count] of Object.entries(counts)) total[name as keyof typeof counts] += count;
}

interface FoldFileOptions {
  readonly progress: Progress;
  /** Takes each incident line; null for a baseline, whose incidents nobody asked for. */
  readonly write: ((finding: object) => void) | null;
  readonly failed: NormwatchError[];
}

async function foldFile(
  session: Session,
  file: string,
  partition: Partition,
  { progress, write, failed }: FoldFileOptions,
): Promise<Account> {
  const account = emptyAccount();
  const refused = createRefusedLines(session, file, progress);
  const take = (): void => {
    for (const finding of takeFindings(partition)) {
      if (finding.event === 'opened') account.incidents += 1;
      write?.(finding);
    }
  };
  const fold = ({ value, headers, position, arrivedMs }: SourceRecord): void => {
    const decoded = decode(value, headers);
    if (decoded.ok) {
      account.records += 1;
      foldEvent(partition, decoded.event, arrivedMs);
      return;
    }
    foldRefusal(partition, decoded.refusal);
    const { reason, field, detail } = decoded.refusal;
    refused.add(position, reason, field, detail);
  };
  try {
    await readLines(session, file, (records) => {
      for (const record of records) fold(record);
      take();
      progress.tell(() => `${file}: ${account.records.toLocaleString('en-US')} events`);
    });
  } catch (error) {
    // Of a recording that breaks off, what could be read counts; the failure is told at the end.
    if (!(error instanceof NormwatchError)) throw error;
    failed.push(error);
  }
  finishPartition(partition);
  take();
  refused.end();
  account.refused = new Map(refused.byReason);
  addModelCounts(account, partition);
  return account;
}

function addModelCounts(account: Account, partition: Partition): void {
  for (const model of viewPartition(partition).models) {
    account.duplicates += model.duplicates;
    account.missing += model.missing;
    for (const count of Object.values(model.late)) account.late += count;
    // What decode took and the fold could not use, e.g. a reference that cannot be read.
    for (const [reason, count] of Object.entries(model.rejected)) {
      const known = account.refused.get(reason) ?? 0;
      account.refused.set(reason, Math.max(known, count));
    }
  }
}
