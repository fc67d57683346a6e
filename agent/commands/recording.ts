/** One recording folded in a state of its own, and the account of what it held. */
import { foldSettings } from '../config/settings.ts';
import type { Event } from '../core/decode/event.ts';
import { decode } from '../core/decode/index.ts';
import {
  createPartition,
  exportReferences,
  finishPartition,
  foldEvent,
  foldRefusal,
  type Partition,
  takeFindings,
  viewPartition,
} from '../core/fold.ts';
import type { FindingLine } from '../core/incident.ts';
import type { NamedReference } from '../core/references.ts';
import { DEFAULT_SETTINGS, type Settings } from '../core/settings.ts';
import { failures, NormwatchError } from '../errors.ts';
import type { SourceRecord } from '../flow/ports.ts';
import { type ConfigOptions, configOf, type Session } from './command.ts';
import { addCounts, countOf, createRefusedLines, readLines, tally } from './lines.ts';
import type { Progress } from './progress.ts';

/** What the fold is told, of the configuration named; the defaults when none is. */
export function foldSettingsOf(session: Session, options: ConfigOptions, command: string): Settings {
  const named = options.config ?? session.environment.NORMWATCH_CONFIG;
  return named === undefined ? DEFAULT_SETTINGS : foldSettings(configOf(session, options, command).config);
}

export interface Account {
  /** Events that decode took, duplicates among them. */
  records: number;
  refused: Map<string, number>;
  duplicates: number;
  missing: number;
  late: number;
  incidents: number;
}

export const emptyAccount = (): Account => ({
  records: 0,
  refused: new Map(),
  duplicates: 0,
  missing: 0,
  late: 0,
  incidents: 0,
});

export const describeAccount = ({ records, refused, duplicates, missing, late }: Account): string =>
  `${countOf(records, 'event')}, ${tally('refused', refused)}, ${countOf(duplicates, 'duplicate')}, ${missing} missing, ${late} late`;

export function addAccount(total: Account, { refused, ...counts }: Account): void {
  addCounts(total.refused, refused);
  for (const [name, count] of Object.entries(counts)) total[name as keyof typeof counts] += count;
}

/** What a baseline's recording teaches; told on stderr. */
export async function learnReferences(
  session: Session,
  file: string,
  { settings, progress }: { settings: Settings; progress: Progress },
): Promise<{ learnt: NamedReference[]; account: Account }> {
  const partition = createPartition(settings);
  const failed: NormwatchError[] = [];
  const account = await foldFile(session, file, partition, { progress, failed });
  // A verdict without the baseline that was asked for would mislead.
  if (failed.length > 0) throw failures(failed);
  const learnt = exportReferences(partition);
  progress.clear();
  session.err(`${file}: baseline, ${describeAccount(account)}, ${countOf(learnt.length, 'reference')}\n`);
  if (learnt.length === 0) session.err(`${file}: warning: nothing to learn a reference from\n`);
  return { learnt, account: { ...account, incidents: 0 } };
}

export interface FoldFileOptions {
  readonly progress: Progress;
  /** Takes each event that decode took, and each incident line, in order. */
  readonly seen?: (event: Event) => void;
  readonly told?: (finding: FindingLine) => void;
  readonly failed: NormwatchError[];
}

/** Of a recording that breaks off, what could be read counts; the failure goes to `failed`. */
export async function foldFile(
  session: Session,
  file: string,
  partition: Partition,
  { progress, seen, told, failed }: FoldFileOptions,
): Promise<Account> {
  const account = emptyAccount();
  const refused = createRefusedLines(session, file, progress);
  const take = (): void => {
    for (const finding of takeFindings(partition)) {
      if (finding.event === 'opened') account.incidents += 1;
      told?.(finding);
    }
  };
  const fold = ({ value, headers, position, arrivedMs }: SourceRecord): void => {
    const decoded = decode(value, headers);
    if (decoded.ok) {
      account.records += 1;
      seen?.(decoded.event);
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
