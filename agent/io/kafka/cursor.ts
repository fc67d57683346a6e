/** Where each partition stands, and the one way a batch goes to the handler; the same with every client. */
import type { PartitionId, SourceHandler, SourceRecord } from '../../flow/ports.ts';
import { partitionName } from '../../flow/ports.ts';

export interface Cursor {
  readonly id: PartitionId;
  /** What the log is asked for next. */
  position: bigint;
  /** Changes with each seek and at revocation: work that began before is without effect. */
  generation: number;
}

export class Cursors {
  readonly #cursors = new Map<string, Cursor>();

  open(id: PartitionId, position: bigint): Cursor {
    const cursor = { id, position, generation: 0 };
    this.#cursors.set(partitionName(id), cursor);
    return cursor;
  }

  get(id: PartitionId): Cursor | undefined {
    return this.#cursors.get(partitionName(id));
  }

  all(): Cursor[] {
    return [...this.#cursors.values()];
  }

  clear(): void {
    for (const cursor of this.#cursors.values()) cursor.generation++;
    this.#cursors.clear();
  }
}

export function move(cursor: Cursor, position: bigint): void {
  cursor.generation++;
  cursor.position = position;
}

export interface Fetched {
  readonly records: readonly SourceRecord[];
  /** Where the log was asked. Not the end of the batch before: then the log no longer held that, and the agent sees it. */
  readonly from: bigint;
  readonly next: bigint;
  readonly end: bigint | null;
}

/** True when the cursor went on to `next`; false when a seek or revocation came in between. */
export async function deliver(
  handler: SourceHandler,
  cursor: Cursor,
  { records, from, next, end }: Fetched,
): Promise<boolean> {
  const { generation, id: partition } = cursor;
  await handler.batch({ partition, records, from, next, end });
  if (cursor.generation !== generation) return false;
  cursor.position = next;
  return true;
}
