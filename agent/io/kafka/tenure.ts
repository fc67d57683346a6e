/**
 * The time between getting partitions and losing them, the same with every client: what was held is given back before
 * anything new is loaded, only the newest assignment counts, and cursors are there only for what was loaded.
 */
import { type LogIdentity, type PartitionId, partitionName, type SourceHandler } from '../../flow/ports.ts';
import { type Cursor, Cursors } from './cursor.ts';
import { backOff, within } from './wait.ts';

export interface TenureOptions {
  readonly handler: SourceHandler;
  readonly identify: (ids: readonly PartitionId[]) => Promise<{ id: PartitionId; log: LogIdentity }[]>;
  /** The partitions (maybe none) were loaded; each is to be read from its cursor on. */
  readonly ready: (cursors: readonly Cursor[]) => void;
  /** The handler threw. */
  readonly failed: (error: unknown) => void;
  readonly revokeMs: number;
}

export interface Tenure {
  readonly cursors: Cursors;
  /** Takes effect at once: nothing of an earlier assignment is delivered after this returns. */
  assign(ids: readonly PartitionId[]): void;
  /** Takes effect at once; resolves when the handler has let go. */
  revoke(): Promise<void>;
}

export function createTenure({ handler, identify, ready, failed, revokeMs }: TenureOptions): Tenure {
  const cursors = new Cursors();
  /** Those the handler was told to have. */
  let held: readonly PartitionId[] = [];
  let newest = new AbortController();
  let revocation: Promise<unknown> = Promise.resolve();

  async function revoke(): Promise<void> {
    newest.abort();
    cursors.clear();
    if (held.length > 0) {
      const gone = held;
      held = [];
      // The handler keeps the deadline; if it does not, the group must not wait for it.
      const told = within(revokeMs * 2, handler.revoked(gone, revokeMs)).catch(failed);
      revocation = Promise.all([revocation, told]);
    }
    await revocation;
  }

  async function load(ids: readonly PartitionId[], { signal }: AbortController): Promise<void> {
    await revocation;
    const logs = await identified(ids, signal);
    if (signal.aborted) return;
    held = ids;
    const positions = ids.length === 0 ? new Map<string, bigint>() : await handler.assigned(logs);
    if (signal.aborted) return;
    const opened: Cursor[] = [];
    for (const { id } of logs) {
      const position = positions.get(partitionName(id));
      if (position !== undefined) opened.push(cursors.open(id, position));
    }
    ready(opened);
  }

  async function identified(ids: readonly PartitionId[], signal: AbortSignal) {
    for (let failures = 0; ids.length > 0 && !signal.aborted; failures++) {
      try {
        return await identify(ids);
      } catch (error) {
        if (!signal.aborted) handler.trouble(error as Error);
        await backOff(failures, signal);
      }
    }
    return [];
  }

  return {
    cursors,
    assign(ids) {
      void revoke();
      newest = new AbortController();
      load(ids, newest).catch(failed);
    },
    revoke,
  };
}
