/** A handler that does what the agent does: claims what it is given, commits by compare-and-set, checks the chain. */
import type { Batch, LogIdentity, PartitionId, Source, SourceHandler } from '../../agent/flow/ports.ts';
import { partitionName } from '../../agent/flow/ports.ts';

export interface Seen {
  readonly position: bigint;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Like the store: shared by all readers of a test, and what is in it is the truth. */
export class Committed {
  readonly partitions = new Map<string, { epoch: number; next: bigint | null; seen: Seen[] }>();

  of(name: string) {
    let found = this.partitions.get(name);
    if (found === undefined) {
      found = { epoch: 0, next: null, seen: [] };
      this.partitions.set(name, found);
    }
    return found;
  }

  /** Positions and values in the order they were committed, of all partitions one after the other. */
  seen(): Seen[] {
    return [...this.partitions.keys()].sort().flatMap((name) => this.of(name).seen);
  }
}

export interface ReaderOptions {
  readonly source: Source;
  readonly committed?: Committed;
  /** Where to begin instead of what was committed. */
  readonly start?: bigint;
  /** Every batch waits for `release` before its commit. */
  readonly gated?: boolean;
  /** Awaited in every batch, before its commit. */
  readonly during?: (batch: Batch) => Promise<void> | void;
  /** Awaited when partitions are given back. */
  readonly letGo?: () => Promise<void>;
}

export type Reader = ReturnType<typeof startReader>;

export function startReader(options: ReaderOptions) {
  const { source, committed = new Committed(), start, gated = false, during, letGo } = options;
  const gate = Promise.withResolvers<void>();
  if (!gated) gate.resolve();
  const mine = new Map<string, { epoch: number; expected: bigint | null; due: bigint }>();
  const reader = {
    source,
    committed,
    batches: [] as Batch[],
    logs: new Map<string, LogIdentity>(),
    assignments: [] as string[][],
    revocations: [] as string[][],
    troubles: [] as (Error | null)[],
    /** Batches that do not begin where the last one of the partition ended. */
    breaks: [] as string[],
    refusedCommits: 0,
    /** Most batches of one partition at a time. */
    mostAtOnce: 0,
    holds: () => [...mine.keys()].sort(),
    over: Promise.resolve<unknown>(null),
  };
  const running = new Map<string, number>();

  function claim(id: PartitionId, log: LogIdentity): bigint {
    const name = partitionName(id);
    const stored = committed.of(name);
    stored.epoch++;
    const due = start ?? stored.next ?? log.low;
    mine.set(name, { epoch: stored.epoch, expected: stored.next, due });
    reader.logs.set(name, log);
    return due;
  }

  const handler: SourceHandler = {
    async assigned(partitions) {
      await null;
      reader.assignments.push(partitions.map(({ id }) => partitionName(id)).sort());
      return new Map(partitions.map(({ id, log }) => [partitionName(id), claim(id, log)]));
    },
    async revoked(partitions) {
      reader.revocations.push(partitions.map(partitionName).sort());
      await letGo?.();
      for (const id of partitions) mine.delete(partitionName(id));
    },
    async batch(batch) {
      const name = partitionName(batch.partition);
      running.set(name, (running.get(name) ?? 0) + 1);
      reader.mostAtOnce = Math.max(reader.mostAtOnce, running.get(name)!);
      try {
        await take(name, batch);
      } finally {
        running.set(name, running.get(name)! - 1);
      }
    },
    trouble: (error) => void reader.troubles.push(error),
  };

  async function take(name: string, batch: Batch): Promise<void> {
    const claimed = mine.get(name);
    reader.batches.push(batch);
    if (claimed === undefined) {
      reader.breaks.push(`${name}: a batch at ${batch.from} though it is not mine`);
      return;
    }
    if (batch.from !== claimed.due) reader.breaks.push(`${name}: ${batch.from} instead of ${claimed.due}`);
    claimed.due = batch.next;
    // Copied before anything is awaited: it belongs to the reader only until `batch` resolves.
    const seen = batch.records.map(toSeen);
    if (gated) await gate.promise;
    await during?.(batch);
    const stored = committed.of(name);
    if (stored.epoch !== claimed.epoch || stored.next !== claimed.expected) {
      reader.refusedCommits++;
      return;
    }
    stored.seen.push(...seen);
    stored.next = batch.next;
    claimed.expected = batch.next;
  }

  /** As after a refused commit: what was claimed is due again from there. */
  async function seek(id: PartitionId, position: bigint): Promise<void> {
    const claimed = mine.get(partitionName(id));
    if (claimed !== undefined) claimed.due = position;
    await source.seek(id, position);
  }

  const run = source.run(handler);
  reader.over = run.then(
    () => null,
    (error: unknown) => error,
  );
  return {
    ...reader,
    seek,
    release: () => gate.resolve(),
    /** For the cleanup of a test, also one that failed: nothing may hang on its gate. */
    end: () => {
      gate.resolve();
      return source.close();
    },
    get refusedCommits() {
      return reader.refusedCommits;
    },
    get mostAtOnce() {
      return reader.mostAtOnce;
    },
  };
}

function toSeen({ position, value, headers }: Batch['records'][number]): Seen {
  const text = Object.fromEntries([...headers].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
  return { position, value: Buffer.from(value ?? []).toString(), headers: text };
}
