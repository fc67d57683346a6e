/**
 * A source made of sessions: when one ends in a failure of the client, it is told and the next one begun after a
 * growing pause, without end. Only the handler's own failure, or a refusal at the very start that no repetition
 * mends (rights, credentials), ends it.
 */
import type { LogIdentity, PartitionId, Source, SourceHandler } from '../../flow/ports.ts';
import { backOff } from './wait.ts';

export interface SessionEnd {
  readonly error: unknown;
  /** Thrown by the handler: the source is to stop. Otherwise by the client: the next session may fare better. */
  readonly byHandler: boolean;
}

/** One membership in the group. */
export interface Session {
  /** Joins, and resolves when the session is over: with the reason, or null after `close`. */
  run(): Promise<SessionEnd | null>;
  seek(partition: PartitionId, position: bigint): void;
  identify(partition: PartitionId): Promise<LogIdentity>;
  mirror(positions: readonly { id: PartitionId; next: bigint }[]): Promise<void>;
  /** Waits for the running batches, gives the partitions back, leaves the group. Safe to repeat. */
  close(): Promise<void>;
}

export interface SessionSignals {
  /** The log answers. */
  readonly working: () => void;
  /** It does not, and the session goes on trying. */
  readonly trouble: (error: unknown) => void;
}

export interface SupervisorOptions {
  readonly open: (handler: SourceHandler, signals: SessionSignals) => Session;
  readonly isFatal: (error: unknown) => boolean;
  /** In the words of `errors.ts`. */
  readonly explain: (error: unknown) => Error;
}

export function createSupervisor({ open, isFatal, explain }: SupervisorOptions): Source {
  const stop = new AbortController();
  let session: Session | null = null;
  let running: Promise<void> | null = null;

  async function supervise(handler: SourceHandler): Promise<void> {
    let troubled = false;
    let everWorked = false;
    let failures = 0;
    const trouble = (error: unknown): void => {
      if (stop.signal.aborted) return;
      troubled = true;
      handler.trouble(explain(error));
    };
    const working = (): void => {
      everWorked = true;
      failures = 0;
      if (troubled) handler.trouble(null);
      troubled = false;
    };
    const explained: SourceHandler = {
      assigned: (partitions) => handler.assigned(partitions),
      revoked: (partitions, deadlineMs) => handler.revoked(partitions, deadlineMs),
      batch: (batch) => handler.batch(batch),
      trouble,
    };
    while (!stop.signal.aborted) {
      session = open(explained, { working, trouble });
      const end = await session.run();
      await session.close();
      if (end === null || stop.signal.aborted) return;
      if (end.byHandler) throw end.error;
      if (isFatal(end.error) && !everWorked) throw explain(end.error);
      trouble(end.error);
      await backOff(failures++, stop.signal);
    }
  }

  return {
    run(handler) {
      if (running !== null) throw new Error('Kafka source: run was called before');
      running = supervise(handler);
      return running;
    },
    seek: async (partition, position) => session?.seek(partition, position),
    async identify(partition) {
      if (session === null) throw new Error('Kafka source: it does not run');
      return session.identify(partition);
    },
    mirror: async (positions) => session?.mirror(positions),
    async close() {
      stop.abort();
      await session?.close();
      // `run` tells its failure to its own caller.
      await running?.catch(() => {});
    },
  };
}
