import type { PartitionView } from '../core/view.ts';
import { aborted, within } from './backoff.ts';
import { createChain } from './chain.ts';
import type { RefusedRecord } from './core.ts';
import { foldBatch } from './fold.ts';
import { createPersist } from './persist.ts';
import {
  type Batch,
  END_UNKNOWN,
  type LogIdentity,
  type PartitionId,
  partitionName,
  type Source,
  type StateStore,
} from './ports.ts';
import { type Fingerprint, judgeStart } from './start.ts';
import {
  beginTenure,
  isDirty,
  readFrom,
  type Snapshot,
  type Tenure,
  type TenureOptions,
  takeSnapshot,
} from './tenure.ts';

/**
 * One owned partition: claim, fold, commit, show; and again from the claim when a commit is refused. At most one commit
 * is under way; folding goes on meanwhile until `commitRecords` wait for the next one, then the source waits too.
 */
export interface WorkerSettings {
  readonly startAt: 'earliest' | 'latest';
  /** A commit begins once this many records are folded since the last, without waiting for the interval. */
  readonly commitRecords: number;
  /** Longest stretch of folding before the event loop gets a turn: heartbeats hang on it. */
  readonly foldSliceMs: number;
  /** After this long without a batch the log is asked whether there is really nothing to read. */
  readonly idleCheckMs: number;
}

export interface WorkerOptions<State, Event, Refusal extends RefusedRecord>
  extends Omit<TenureOptions<State, Event, Refusal>, 'partition'> {
  readonly id: PartitionId;
  readonly source: Source;
  readonly store: StateStore;
  readonly settings: WorkerSettings;
  /** Trouble with the store, or its end (`null`), for `/readyz`. */
  onStoreTrouble(message: string | null): void;
  /** The committed view was replaced; null: it is no longer ours to show. */
  onView(view: PartitionView | null): void;
  /** A failure that cannot be mended by trying again. */
  onFailure(error: unknown): void;
}

/** What a worker measures of itself; all of it is about committed state. */
export interface PartitionSelf {
  readonly topic: string;
  readonly partition: number;
  /** Records not committed yet, as the end of the log was last seen; null while loading. */
  readonly lagRecords: number | null;
  /** Position after the last committed record. */
  readonly next: bigint | null;
  /** Positions the log dropped before they were read, over the life of the state. */
  readonly lost: number;
  readonly lastCommitMs: number | null;
}

export type Worker = ReturnType<typeof createWorker>;

export function createWorker<State, Event, Refusal extends RefusedRecord>(
  options: WorkerOptions<State, Event, Refusal>,
) {
  const { id, core, source, store, clock, occurrences, settings, onStoreTrouble, onView, onFailure } =
    options;
  const partition = partitionName(id);
  const tenureOptions = { ...options, partition };
  /** Ends with the ownership: wakes everything that waits. */
  const ownership = new AbortController();
  let tenure: Tenure<State> | null = null;
  let loading: Promise<unknown> = Promise.resolve();
  let committing: Promise<void> | null = null;
  let lastCommitMs: number | null = null;
  let isHalted = false;
  let batchesRunning = 0;
  let lastBatchMs = clock.nowMs();
  /** End of the log as last seen. */
  let end: bigint | null = null;

  const persist = createPersist({ partition, clock, occurrences, onStoreTrouble });
  const chain = createChain({ id, source, clock, occurrences, signal: ownership.signal, onFailure });

  /** Claims, restores, and says where to begin; null when the partition was lost meanwhile. */
  async function load(known: LogIdentity | null, differs: Fingerprint | null = null): Promise<bigint | null> {
    const claim = await persist('claim', () => store.claim(partition), ownership.signal);
    if (claim === null) return null;
    let log = known ?? (await chain.identify());
    const judge = (identity: LogIdentity) =>
      judgeStart({ header: claim.header, log: identity, startAt: settings.startAt, differs });
    // The predecessor may have gone on between the look at the log and the claim: ask again before giving up a state.
    if (log !== null && known !== null && ['truncated', 'recreated'].includes(judge(log).kind))
      log = await chain.identify();
    if (log === null || ownership.signal.aborted) return null;
    const start = judge(log);
    tenure = beginTenure(tenureOptions, { claim, log, start });
    end = log.end === END_UNKNOWN ? null : log.end;
    lastBatchMs = clock.nowMs();
    lastCommitMs = null;
    occurrences.partitionClaimed(partition, tenure.next, start.kind);
    if (!tenure.isCold) onView(core.view(tenure.state));
    return readFrom(tenure);
  }

  /** All memory is dropped; what is stored is read again and the source goes back to it. */
  function reload(differs: Fingerprint | null = null): void {
    endTenure();
    if (isHalted) return;
    const start = load(null, differs);
    loading = start.catch(onFailure);
    chain.seekTo(start);
  }

  function endTenure(): void {
    tenure?.aborter.abort();
    tenure = null;
    onView(null);
  }

  async function batch(incoming: Batch): Promise<void> {
    batchesRunning += 1;
    lastBatchMs = clock.nowMs();
    try {
      await take(incoming);
    } finally {
      batchesRunning -= 1;
    }
  }

  async function take(incoming: Batch): Promise<void> {
    if (tenure === null) {
      // Its records come again after the seek that follows the load.
      await loading;
      return;
    }
    const mine = tenure;
    end = incoming.end ?? end;
    const verdict = await chain.check(mine, incoming);
    if (tenure !== mine || verdict === 'drop') return;
    if (verdict === 'reload') return reload();
    const stillMine = (): Promise<boolean> => pause(mine);
    const outcome = await foldBatch(tenureOptions, mine, incoming, {
      sliceMs: settings.foldSliceMs,
      stillMine,
    });
    if (outcome === 'differs') reload(mine.check ?? mine.last);
  }

  async function wake(mine: Tenure<State>): Promise<void> {
    const sinceMs = clock.nowMs();
    lastBatchMs = sinceMs;
    const found = await chain.wake(mine, () => batchesRunning === 0 && lastBatchMs === sinceMs);
    if (found === 'reload') return reload();
    if (found !== null && found.end !== END_UNKNOWN) end = found.end;
  }

  /** Between two stretches of folding: room for others, for a due commit, and for the end. */
  async function pause(mine: Tenure<State>): Promise<boolean> {
    await clock.sleep(0);
    if (mine.uncommitted >= settings.commitRecords) {
      if (committing !== null) await committing;
      if (tenure === mine && !isHalted) void commit();
    }
    if (isHalted) await aborted(ownership.signal);
    return tenure === mine;
  }

  /** Writes what was folded. Resolves when that is decided, never rejects. */
  function commit(): Promise<void> {
    if (committing !== null) return committing;
    if (tenure === null || !isDirty(tenure)) return Promise.resolve();
    committing = write(tenure)
      .catch(onFailure)
      .finally(() => {
        committing = null;
      });
    return committing;
  }

  /** The same request until it is decided: its `commitId` makes a repeat after a lost reply harmless. */
  async function write(mine: Tenure<State>): Promise<void> {
    const startedMs = clock.nowMs();
    const snapshot = takeSnapshot(tenureOptions, mine);
    const { request } = snapshot;
    const outcome = await persist('commit', () => store.commit(partition, request), mine.aborter.signal);
    if (outcome === null) return;
    if (outcome.result === 'committed') return applyCommitted(mine, snapshot, startedMs);
    occurrences.commitRefused(partition, request.expected, outcome.next);
    reload();
  }

  function applyCommitted(
    mine: Tenure<State>,
    { request, committed, view, outbox }: Snapshot,
    startedMs: number,
  ): void {
    mine.committed = committed;
    lastCommitMs = clock.nowMs();
    occurrences.committed(lastCommitMs - startedMs);
    onView(view);
    mine.outbox.committed(outbox);
    // The log was cut or created again. The store's comparison hangs on positions that rise: a late repeat of this
    // commit would fit once more when the position is back where it was, unless a new epoch begins here.
    if (request.expected !== null && request.next < request.expected) reload();
  }

  /** Ends the ownership at once: nothing more is written, shown or sent. */
  function drop(): void {
    if (ownership.signal.aborted) return;
    occurrences.partitionReleased(partition, tenure?.committed.next ?? null);
    ownership.abort();
    endTenure();
    onStoreTrouble(null);
  }

  async function commitLast(): Promise<void> {
    await committing;
    await commit();
  }

  return {
    id,
    partition,
    load,
    batch,
    commit,
    drop,

    /** At every beat: commits, and looks after a log that has gone quiet. */
    beat(): void {
      void commit();
      if (tenure === null || isHalted || batchesRunning > 0) return;
      if (clock.nowMs() - lastBatchMs >= settings.idleCheckMs) wake(tenure).catch(onFailure);
    },

    /** One last commit, within the deadline, then the end. Whoever owns the partition by then decides by its claim. */
    async release(deadlineMs: number): Promise<void> {
      isHalted = true;
      if (tenure !== null) await within(clock, deadlineMs, commitLast());
      drop();
    },

    /** Commits and waits until its findings were taken, so that a planned end leaves nothing to repeat. */
    async settle(): Promise<void> {
      isHalted = true;
      await commitLast();
      await tenure?.outbox.drained();
      await commit();
    },

    /** The log has ended for good: what is complete is closed. */
    finish(): void {
      if (tenure === null) return;
      core.finish(tenure.state);
      tenure.uncommitted += 1;
    },

    self(): PartitionSelf {
      const next = tenure?.committed.next ?? null;
      const from = next ?? tenure?.next ?? null;
      return {
        topic: id.topic,
        partition: id.partition,
        lagRecords: from === null || end === null ? null : Math.max(0, Number(end - from)),
        next,
        lost: Number(tenure?.committed.lost ?? 0n),
        lastCommitMs,
      };
    },
  };
}
