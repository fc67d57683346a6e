/** Records of a recording one by one, and the account of the lines that could not be used. */
import type { Readable } from 'node:stream';
import type { SourceRecord } from '../flow/ports.ts';
import { createFileSource } from '../wire.ts';
import type { Session } from './command.ts';
import type { Progress } from './progress.ts';

/** Calls `each` for every batch of lines, in order; the bytes belong to the callee until it resolves. */
export async function readLines(
  session: Session,
  path: string,
  each: (records: readonly SourceRecord[]) => Promise<void> | void,
): Promise<void> {
  const source = createFileSource({ path, stdin: session.input as Readable });
  await source.run({
    assigned: async (partitions) => new Map(partitions.map(({ id }) => [`${id.topic}:${id.partition}`, 0n])),
    revoked: async () => {},
    batch: async ({ records }) => each(records),
    trouble: () => {},
  });
}

const NAMED_MAX = 20;

export interface RefusedLines {
  add(position: bigint, reason: string, field: string | null, detail: string): void;
  /** Says how many more there were than could be named. */
  end(): void;
  readonly byReason: ReadonlyMap<string, number>;
}

/** Names refused lines on stderr, 20 of a file at most, and counts all. */
export function createRefusedLines(session: Session, path: string, progress: Progress): RefusedLines {
  const byReason = new Map<string, number>();
  const file = path === '-' ? 'stdin' : path;
  let count = 0;
  return {
    add(position, reason, field, detail) {
      count += 1;
      byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
      if (count > NAMED_MAX) return;
      progress.clear();
      session.err(`${file}:${position + 1n}: ${reason}${field === null ? '' : ` ${field}`} ${detail}\n`);
    },
    end() {
      progress.clear();
      if (count > NAMED_MAX) session.err(`${file}: … and ${count - NAMED_MAX} more\n`);
    },
    byReason,
  };
}

/** `3 refused (not_json 2, too_large 1)` */
export function tally(what: string, counts: ReadonlyMap<string, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} ${count}`);
  return `${total} ${what}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

export function addCounts(into: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [name, count] of from) into.set(name, (into.get(name) ?? 0) + count);
}

/** `1 incident`, `2 incidents` */
export const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
