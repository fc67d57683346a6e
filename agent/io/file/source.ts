/**
 * A recording as a log: one partition, one record a line, the line number from 0 as position. Read once and to the
 * end; a replay must not wait for it, so records are views on the chunks as they were read.
 */
import type { Readable } from 'node:stream';
import type {
  Batch,
  LogIdentity,
  PartitionId,
  Source,
  SourceHandler,
  SourceRecord,
} from '../../flow/ports.ts';
import { chunksOf, openFile, readFailure } from './chunks.ts';
import { createLineSplitter } from './lines.ts';

const BATCH_RECORDS = 500;
/** A file's end is not known before it is read: no stored position is beyond this one. */
const END_UNKNOWN = 2n ** 63n - 1n;
const IDENTITY: LogIdentity = { clusterId: null, topicId: null, low: 0n, end: END_UNKNOWN };

export interface FileSourceOptions {
  /** `.jsonl`, `.jsonl.gz` (known by its first bytes, not its name), or `-` for `stdin`. */
  readonly path: string;
  /** What `-` reads; the process's standard input unless told. */
  readonly stdin?: Readable;
}

export function createFileSource({ path, stdin = process.stdin }: FileSourceOptions): Source {
  if (path === '') throw new Error('createFileSource: path is empty');
  const id: PartitionId = { topic: path, partition: 0 };
  let start: bigint | null = null;
  /** Set by `seek`: the pass under way ends without effect, and the next one begins here. */
  let again: bigint | null = null;
  let closed = false;
  let running: Promise<void> | null = null;
  let stream: Readable | null = null;

  /** One reading of the file. False when `seek` or `close` cut it short. */
  async function pass(handler: SourceHandler, from: bigint): Promise<boolean> {
    let next = from;
    const deliver = async (records: readonly SourceRecord[], lines: number): Promise<boolean> => {
      for (let at = 0; at < records.length; at += BATCH_RECORDS) {
        if (closed || again !== null) return false;
        const part = records.length <= BATCH_RECORDS ? records : records.slice(at, at + BATCH_RECORDS);
        const upto = at + part.length === records.length ? BigInt(lines) : part.at(-1)!.position + 1n;
        const batch: Batch = { partition: id, records: part, from: next, next: upto, end: null };
        next = upto;
        await handler.batch(batch);
      }
      return !closed && again === null;
    };
    const splitter = createLineSplitter(Number(from));
    const readable = await openFile(path, stdin);
    stream = readable;
    const chunks = chunksOf(readable);
    try {
      for (;;) {
        // Only reading is caught: what the handler throws stops the source as it is.
        const step = await chunks.next().catch((error: unknown) => ({ failed: error }) as const);
        if (closed) return false;
        const failed = 'failed' in step;
        const ended = failed || step.done === true;
        const records = ended ? splitter.end() : splitter.push(step.value);
        if (!(await deliver(records, splitter.lines()))) return false;
        if (failed) throw readFailure(path, step.failed);
        if (ended) return true;
      }
    } finally {
      readable.destroy();
      stream = null;
      await chunks.return();
    }
  }

  async function readAll(handler: SourceHandler): Promise<void> {
    const positions = await handler.assigned([{ id, log: IDENTITY }]);
    for (const position of positions.values()) start = position;
    while (start !== null && !closed) {
      again = null;
      if (await pass(handler, start)) return;
      start = again;
    }
  }

  return {
    run(handler) {
      if (running !== null) throw new Error('createFileSource: run was called before');
      running = readAll(handler);
      return running;
    },
    async seek(partition, position) {
      if (partition.topic !== path || start === null) return;
      if (path === '-') throw new Error('standard input cannot be read a second time');
      again = position;
    },
    identify: async () => IDENTITY,
    mirror: async () => {},
    async close() {
      closed = true;
      stream?.destroy();
      // `run` tells its failure to its own caller.
      await running?.catch(() => {});
    },
  };
}
