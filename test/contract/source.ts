/**
 * The exam of every `Source`: an adapter's test is a setup and this list. What only a group or a broker can do stands
 * in `source-kafka.ts`.
 */
import { describe, expect, test } from 'vitest';
import type { PartitionId, Source } from '../../agent/flow/ports.ts';
import type { Owner } from '../kit/owner.ts';
import { waitFor } from '../kit/wait-for.ts';
import { type ReaderOptions, startReader } from './reader.ts';

export interface SourceSetup {
  /** A new log of one partition that holds these values at 0, 1, 2 …, and a source that reads it. */
  readonly log: (owner: Owner, values: readonly string[]) => Promise<{ id: PartitionId; source: Source }>;
}

const VALUES = Array.from({ length: 1_200 }, (_, i) => `value ${i}`);

export function sourceContract(name: string, { log }: SourceSetup): void {
  async function read(owner: Owner, options: Omit<ReaderOptions, 'source'> = {}) {
    const { id, source } = await log(owner, VALUES);
    const reader = startReader({ ...options, source });
    owner.onTestFinished(() => reader.end());
    const values = () => reader.committed.seen().map(({ value }) => value);
    const last = () =>
      waitFor(
        () => reader.batches.at(-1)?.next === BigInt(VALUES.length) && values().at(-1) === VALUES.at(-1),
        {
          what: 'the last record',
        },
      );
    return { id, source, reader, values, last };
  }

  describe(`source: ${name}`, () => {
    test('delivers everything once, in order, in a chain of batches', async (t) => {
      const { reader, values, last } = await read(t);
      await last();
      expect(values()).toEqual(VALUES);
      expect(reader.committed.seen().map(({ position }) => position)).toEqual(
        VALUES.map((_, i) => BigInt(i)),
      );
      expect(reader.breaks).toEqual([]);
      expect(reader.assignments).toHaveLength(1);
    });

    test('starts at the position the handler returned', async (t) => {
      const { reader, values, last } = await read(t, { start: 700n });
      await last();
      expect(values()).toEqual(VALUES.slice(700));
      expect(reader.batches[0]?.from).toBe(700n);
    });

    test('gives the next batch of a partition only after the one before was taken', async (t) => {
      const { reader, values, last } = await read(t, { gated: true });
      await waitFor(() => reader.batches.length > 0, { what: 'the first batch' });
      // Whatever is read ahead has time to come meanwhile.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(reader.batches).toHaveLength(1);
      reader.release();
      await last();
      expect(reader.mostAtOnce).toBe(1);
      expect(values()).toEqual(VALUES);
    });

    test('reads again from a seek while a batch is running, which ends without effect', async (t) => {
      let sought = false;
      const { id, reader, last } = await read(t, {
        during: async () => {
          if (sought) return;
          sought = true;
          await reader.seek(id, 5n);
        },
      });
      await waitFor(() => reader.batches.length > 1, { what: 'a batch after the seek' });
      await last();
      expect(reader.batches[0]?.from).toBe(0n);
      expect(reader.batches[1]?.from).toBe(5n);
      expect(reader.batches[1]?.records[0]?.position).toBe(5n);
      expect(reader.breaks).toEqual([]);
    });

    test('stops with what the handler threw, and delivers nothing more', async (t) => {
      const boom = new Error('no room');
      const { reader } = await read(t, { during: () => Promise.reject(boom) });
      expect(await reader.over).toBe(boom);
      expect(reader.batches).toHaveLength(1);
    });

    test('waits for the running batch at close, then ends', async (t) => {
      const { source, reader } = await read(t, { gated: true });
      await waitFor(() => reader.batches.length > 0, { what: 'the first batch' });
      let closed = false;
      const closing = Promise.all([source.close(), source.close()]).then(() => {
        closed = true;
      });
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(closed).toBe(false);
      reader.release();
      await closing;
      expect(await reader.over).toBeNull();
      expect(reader.batches).toHaveLength(1);
      await source.close();
    });

    test('says who the log is and what it holds', async (t) => {
      const { id, source, reader, last } = await read(t);
      await last();
      const log = await source.identify(id);
      expect(log).toEqual(reader.logs.get(`${id.topic}:${id.partition}`));
      expect(log.low).toBe(0n);
      expect(log.end).toBeGreaterThanOrEqual(BigInt(VALUES.length));
    });
  });
}
