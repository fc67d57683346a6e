import type { PartitionView } from '../core/view.ts';
import type { Core, RefusedRecord } from './core.ts';
import type { Occurrences } from './occurrences.ts';
import { createOutbox, type Outbox, type OutboxSnapshot, PENDING_FIELD } from './outbox.ts';
import type { Claim, Clock, CommitRequest, LogIdentity, Notifier } from './ports.ts';
import {
  FACTS,
  type Fingerprint,
  formatFingerprint,
  parseFingerprint,
  parseLost,
  type Start,
} from './start.ts';

/**
 * All memory of one partition between a claim and the moment somebody else owns it: the state, where it stands in the
 * log, and what its next commit must say. A refused commit ends the tenure; a new claim begins another one, and nothing
 * is carried over but what is stored.
 */
export interface Tenure<State> {
  readonly epoch: bigint;
  readonly state: State;
  /** The stored state was given up, or there was none. */
  readonly isCold: boolean;
  readonly outbox: Outbox;
  /** What the log is called, as far as this or an earlier client could tell. */
  readonly clusterId: string | null;
  readonly topicId: string | null;
  /** Fields of a state that was given up: the first commit removes them. */
  readonly leftovers: Set<string>;
  readonly aborter: AbortController;
  /** What the store holds. */
  committed: Committed;
  /** The position after the last folded record. */
  next: bigint;
  /** Positions the log dropped before they were read, over the life of the state. */
  lost: bigint;
  /** Of the last folded record. */
  last: Fingerprint | null;
  /** The first record read must be this one, or the log is not the one that was read before. */
  check: Fingerprint | null;
  /** Records folded since the last snapshot; a finished state counts as one. */
  uncommitted: number;
  commits: number;
}

export interface TenureOptions<State, Event, Refusal extends RefusedRecord> {
  readonly partition: string;
  readonly core: Core<State, Event, Refusal>;
  readonly clock: Clock;
  readonly occurrences: Occurrences;
  readonly notifiers: Readonly<Record<string, Notifier>>;
  readonly instance: string;
  readonly configHash: string;
}

/** The committed numbers of a partition that outlive agents. */
export interface Committed {
  readonly next: bigint | null;
  readonly lost: bigint;
}

/** What one commit writes, and what may be shown and sent once it is written. All of one moment. */
export interface Snapshot {
  readonly request: CommitRequest;
  readonly committed: Committed;
  readonly view: PartitionView;
  readonly outbox: OutboxSnapshot;
}

export function beginTenure<State, Event, Refusal extends RefusedRecord>(
  options: TenureOptions<State, Event, Refusal>,
  { claim, log, start }: { claim: Claim; log: LogIdentity; start: Start },
): Tenure<State> {
  const { partition, clock, occurrences, notifiers, configHash } = options;
  const { header, fields } = claim;
  const aborter = new AbortController();
  const { state, isCold } = restore(options, { claim, log, start });
  const next = isCold && start.kind !== 'new' ? log.low : start.next;
  const last = isCold ? null : parseFingerprint(header.facts.get(FACTS.last));
  const expired = start.kind === 'expired' && !isCold ? log.low - start.stored : 0n;

  if (start.kind === 'expired') occurrences.recordsExpired(partition, start.stored, log.low);
  if (start.kind === 'truncated') occurrences.logTruncated(partition, start.stored, start.next);
  if (start.kind === 'recreated') occurrences.logRecreated(partition, start.stored, log.low);
  const storedConfig = header.facts.get(FACTS.configHash);
  if (storedConfig !== undefined && storedConfig !== configHash) occurrences.configurationChanged(partition);

  const lost = parseLost(header.facts.get(FACTS.lost));
  const isChecked =
    start.kind === 'resumed' && !isCold && last !== null && last.position >= log.low && last.position < next;
  const { signal } = aborter;
  return {
    epoch: header.epoch,
    state,
    isCold,
    outbox: createOutbox({
      partition,
      notifiers,
      clock,
      occurrences,
      signal,
      pending: fields.get(PENDING_FIELD),
    }),
    clusterId: log.clusterId ?? (isCold ? null : (header.facts.get(FACTS.clusterId) ?? null)),
    topicId: log.topicId ?? (isCold ? null : (header.facts.get(FACTS.topicId) ?? null)),
    leftovers: new Set(isCold ? fields.keys() : []),
    aborter,
    committed: { next: header.next, lost },
    next,
    lost: lost + expired,
    last,
    check: isChecked ? last : null,
    uncommitted: 0,
    commits: 0,
  };
}

function restore<State, Event, Refusal extends RefusedRecord>(
  { partition, core, occurrences }: TenureOptions<State, Event, Refusal>,
  { claim, log, start }: { claim: Claim; log: LogIdentity; start: Start },
): { state: State; isCold: boolean } {
  if (start.kind === 'new' || start.kind === 'recreated') return { state: core.create(), isCold: true };
  try {
    return { state: core.restore(stateFields(claim.fields)), isCold: false };
  } catch (error) {
    occurrences.stateUnreadable(partition, log.low, error as Error);
    return { state: core.create(), isCold: true };
  }
}

/** The fields of a stored partition that are the core's. For the command line too, which reads without claiming. */
export function stateFields(fields: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  return new Map([...fields].filter(([name]) => name !== PENDING_FIELD));
}

/** Where the source is to begin: at the record to be checked, if there is one. */
export const readFrom = (tenure: Tenure<unknown>): bigint => tenure.check?.position ?? tenure.next;

/** The log no longer holds what comes before `low`. */
export function skipLost(tenure: Tenure<unknown>, low: bigint): void {
  tenure.lost += low - tenure.next;
  tenure.next = low;
  tenure.check = null;
}

export const isDirty = (tenure: Tenure<unknown>): boolean =>
  tenure.next !== tenure.committed.next ||
  tenure.uncommitted > 0 ||
  tenure.leftovers.size > 0 ||
  tenure.outbox.changed();

/** Must run between two records and without a pause: state, position, view and findings are of one moment. */
export function takeSnapshot<State, Event, Refusal extends RefusedRecord>(
  { core, instance, configHash }: TenureOptions<State, Event, Refusal>,
  tenure: Tenure<State>,
): Snapshot {
  const outbox = tenure.outbox.snapshot(core.takeFindings(tenure.state));
  const dirty = core.takeDirty(tenure.state);
  const set = new Map(dirty.set);
  if (outbox.bytes !== null) set.set(PENDING_FIELD, outbox.bytes);
  const remove = new Set([...dirty.remove, ...tenure.leftovers]);
  if (outbox.bytes === null) remove.add(PENDING_FIELD);
  for (const name of set.keys()) remove.delete(name);
  tenure.leftovers.clear();
  tenure.uncommitted = 0;
  tenure.commits += 1;
  const request: CommitRequest = {
    epoch: tenure.epoch,
    expected: tenure.committed.next,
    next: tenure.next,
    // After a failover two agents can hold the same epoch: the instance keeps their commits apart.
    commitId: `${instance}/${tenure.epoch}/${tenure.commits}`,
    facts: facts(tenure, configHash),
    set,
    remove: [...remove],
  };
  const committed = { next: tenure.next, lost: tenure.lost };
  return { request, committed, view: core.view(tenure.state), outbox };
}

function facts(
  { clusterId, topicId, last, lost }: Tenure<unknown>,
  configHash: string,
): ReadonlyMap<string, string> {
  const known: [string, string | null][] = [
    [FACTS.clusterId, clusterId],
    [FACTS.topicId, topicId],
    [FACTS.last, last === null ? null : formatFingerprint(last)],
    [FACTS.lost, String(lost)],
    [FACTS.configHash, configHash],
  ];
  return new Map(known.filter((fact): fact is [string, string] => fact[1] !== null));
}
