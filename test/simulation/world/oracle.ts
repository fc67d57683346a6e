import { countsOf, isFinding } from './fold.ts';
import type { LogRecord, PartitionLog } from './log.ts';
import type { Held } from './store.ts';

/**
 * Mints ids, remembers what was produced and what the log itself lost, and judges what the agents made of it. Code of
 * its own: nothing of `agent/` is used to recompute anything.
 */
export interface Oracle {
  readonly violations: string[];
  produced(partition: number, record: LogRecord): void;
  /** Retention took these, read or not. `isKnown`: something was committed, so they are missed if they were not read. */
  expired(partition: number, records: readonly LogRecord[], isKnown: boolean): void;
  /** The log was cut; it had ended at `endBefore`. */
  truncated(partition: number, endBefore: bigint): void;
  recreated(partition: number): void;
  written(partition: number, held: Held): void;
  published(partition: number, id: number): void;
  shown(partition: number, total: number): void;
  violate(sentence: string): void;
  /** After everything came to rest. */
  judge(partition: number, log: PartitionLog, held: Held): void;
}

interface Known {
  /** Of the log as it is now; the ids of an earlier one must be gone. */
  readonly current: Map<number, LogRecord>;
  readonly expired: Map<number, { readonly isKnown: boolean }>;
  /** Records below it may have been missed: the log was cut under them. */
  doubtfulBelow: bigint;
  hasGaps: boolean;
  wasReset: boolean;
  readonly committedFindings: Set<number>;
  readonly publishedFindings: Set<number>;
  readonly committedTotals: Set<number>;
}

export function createOracle(partitions: number): Oracle {
  const all: Known[] = Array.from({ length: partitions }, () => ({
    current: new Map(),
    expired: new Map(),
    doubtfulBelow: 0n,
    hasGaps: false,
    wasReset: false,
    committedFindings: new Set(),
    publishedFindings: new Set(),
    committedTotals: new Set(),
  }));
  const violations: string[] = [];
  const violate = (sentence: string): void => void violations.push(sentence);

  function judgeIds(p: number, log: PartitionLog, counts: ReadonlyMap<number, number>): void {
    const known = all[p]!;
    for (const [id, count] of counts) {
      if (count !== 1) violate(`partition ${p}: id ${id} was counted ${count} times`);
      if (!known.current.has(id)) violate(`partition ${p}: id ${id} is of a log that is gone`);
    }
    for (const { id, position } of log.records) {
      if (!counts.has(id) && position >= known.doubtfulBelow)
        violate(`partition ${p}: id ${id} at ${position} was never counted`);
    }
  }

  function judgeLoss(p: number, log: PartitionLog, counts: ReadonlyMap<number, number>, held: Held): void {
    const known = all[p]!;
    if (known.wasReset || known.doubtfulBelow > 0n) return;
    const missed = [...known.expired].filter(([id]) => !counts.has(id));
    // Before the first commit nobody has begun to read: what goes then may be told or not.
    const least = missed.filter(([, { isKnown }]) => isKnown).length;
    const most = known.hasGaps ? Number(log.low) : missed.length;
    const told = Number(held.facts.get('lost') ?? 0);
    if (told < least || told > most)
      violate(`partition ${p}: retention took ${least} to ${most} records unread, ${told} were told`);
  }

  function judgeFindings(p: number, counts: ReadonlyMap<number, number>): void {
    for (const id of counts.keys()) {
      if (isFinding(id) && !all[p]!.publishedFindings.has(id))
        violate(`partition ${p}: finding ${id} never went out`);
    }
  }

  return {
    violations,
    violate,
    produced(p, record) {
      const known = all[p]!;
      if (record.position !== BigInt(known.current.size)) known.hasGaps = true;
      known.current.set(record.id, record);
    },
    expired(p, records, isKnown) {
      for (const { id } of records) all[p]!.expired.set(id, { isKnown });
    },
    truncated(p, endBefore) {
      const known = all[p]!;
      if (endBefore > known.doubtfulBelow) known.doubtfulBelow = endBefore;
    },
    recreated(p) {
      const known = all[p]!;
      known.current.clear();
      known.doubtfulBelow = 0n;
      known.wasReset = true;
    },
    written(p, { fields }) {
      const known = all[p]!;
      const counts = countsOf(fields);
      for (const id of counts.keys()) if (isFinding(id)) known.committedFindings.add(id);
      known.committedTotals.add([...counts.values()].reduce((sum, count) => sum + count, 0));
    },
    published(p, id) {
      const known = all[p]!;
      known.publishedFindings.add(id);
      if (!known.committedFindings.has(id))
        violate(`partition ${p}: finding ${id} went out before it was committed`);
    },
    shown(p, total) {
      if (!all[p]!.committedTotals.has(total))
        violate(`partition ${p}: a view of ${total} was never committed`);
    },
    judge(p, log, held) {
      const counts = countsOf(held.fields);
      judgeIds(p, log, counts);
      judgeLoss(p, log, counts, held);
      judgeFindings(p, counts);
    },
  };
}
