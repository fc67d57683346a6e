/** The exam of a Kafka source by what logs hold: seeks, retention, transactions, codecs, batches that inflate. */
import { describe, expect, test } from 'vitest';
import type { Producer } from '../../agent/flow/ports.ts';
import type { KafkaProducerOptions } from '../../agent/io/kafka/options.ts';
import { createKafkajsProducer } from '../../agent/io/kafkajs/producer.ts';
import { createPlatformaticProducer } from '../../agent/io/platformatic/producer.ts';
import type { Owner } from '../kit/owner.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { waitFor } from '../kit/wait-for.ts';
import { type KafkaExam, numbers, openLog, values } from './kafka-exam.ts';
import { Committed } from './reader.ts';

const PRODUCERS: ((options: KafkaProducerOptions) => Producer)[] = [
  createKafkajsProducer,
  createPlatformaticProducer,
];

export function logCases(exam: KafkaExam): void {
  const open = (owner: Owner) => openLog(exam, owner);

  describe(`Kafka source and its log: ${exam.name}`, () => {
    test('reads again from a seek while nothing is running', async (t) => {
      const { log, join, committed, id } = await open(t);
      await log.append(numbers(0, 10));
      const reader = join();
      await waitFor(() => committed.seen().length === 10, { what: 'all ten' });
      await reader.seek(id, 7n);
      await waitFor(() => committed.seen().length === 13, { what: 'three of them again' });
      expect(values(committed)).toEqual([...numbers(0, 10), ...numbers(7, 10)]);
      expect(reader.breaks).toEqual([]);
    });

    test('goes on from every one of many seeks, whatever is being fetched meanwhile', async (t) => {
      const { log, join, committed, id } = await open(t);
      for (let batch = 0; batch < 40; batch++) await log.append(numbers(batch * 25, batch * 25 + 25));
      // Small answers, so that a fetch is under way nearly always.
      const reader = join({ more: { partitionBytesMax: 1, fetchBytesMax: 1 } });
      await waitFor(() => reader.batches.length > 0, { what: 'the first batch' });
      for (let round = 0; round < 100; round++) {
        const position = BigInt((round * 37) % 500);
        const before = reader.batches.length;
        await reader.seek(id, position);
        await waitFor(() => reader.batches.length > before, {
          what: `a batch after seek ${round}`,
          everyMs: 1,
        });
        expect(reader.batches[before]?.from).toBe(position);
        expect(reader.batches[before]?.records[0]?.position).toBe(position);
      }
      await waitFor(() => committed.of(`${log.topic}:0`).next === 1_000n, { what: 'the end' });
      expect(reader.breaks).toEqual([]);
    });

    test('shows that the log no longer holds a position: the batch begins where the log does', async (t) => {
      const { log, join, committed } = await open(t);
      await log.append(numbers(0, 20));
      await log.deleteBefore(12);
      const reader = join({ start: 5n, gated: true });
      await waitFor(() => reader.batches.length === 1, { what: 'a batch' });
      expect(reader.batches[0]).toMatchObject({ from: 12n, next: 20n });
      expect(reader.logs.get(`${log.topic}:0`)).toMatchObject({ low: 12n, end: 20n });
      // And in the middle of reading.
      await log.append(numbers(20, 50));
      await log.deleteBefore(40);
      reader.release();
      await waitFor(() => reader.batches.length === 2, { what: 'the batch after' });
      expect(reader.batches[1]).toMatchObject({ from: 40n, next: 50n });
      await waitFor(() => committed.of(`${log.topic}:0`).next === 50n, { what: 'the commit' });
      expect(values(committed)).toEqual([...numbers(12, 20), ...numbers(40, 50)]);
      expect(reader.breaks).toHaveLength(2);
    });

    test('gives no record of an aborted transaction, however fetches cut it, and no break in the chain', async (t) => {
      const { log, join, committed } = await open(t);
      await log.append(numbers(0, 2));
      await log.transaction([['aborted 0'], ['aborted 1', 'aborted 2'], ['aborted 3']], 'abort');
      await log.transaction([numbers(2, 3), numbers(3, 5)], 'commit');
      await log.transaction([['aborted 4']], 'abort');
      await log.transaction([['aborted 5']], 'abort');
      await log.append(numbers(5, 6));
      // One byte: the broker answers with one batch at a time.
      for (const partitionBytesMax of [1_000_000, 1]) {
        const reader = join({
          committed: new Committed(),
          more: { partitionBytesMax, fetchBytesMax: partitionBytesMax },
        });
        await waitFor(() => reader.committed.seen().length >= 6, { what: `six (${partitionBytesMax})` });
        expect(values(reader.committed)).toEqual(numbers(0, 6));
        expect(reader.breaks).toEqual([]);
        await reader.source.close();
      }
      expect(committed.seen()).toEqual([]);
    });

    test('reads all codecs, from both clients, with headers in lower case', async (t) => {
      const brokers = await sharedKafka();
      const { log, join, committed } = await open(t);
      const expected: string[] = [];
      for (const create of PRODUCERS) {
        for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
          const producer = create({
            connection: { brokers, clientId: 'exam' },
            topic: log.topic,
            compression,
          });
          const sent = numbers(0, 30).map(
            (value) => `${create.name} ${compression} ${value} ${'x'.repeat(500)}`,
          );
          await producer.send(
            sent.map((value) => ({ key: 'k', value: Buffer.from(value), headers: { CE_Id: 'ü' } })),
          );
          await producer.close();
          expected.push(...sent);
        }
      }
      join();
      await waitFor(() => committed.seen().length === expected.length, { what: 'all codecs' });
      expect(values(committed)).toEqual(expected);
      expect(committed.seen().every(({ headers }) => headers.ce_id === 'ü')).toBe(true);
    });

    test('goes on behind a batch that inflates without bound: its record comes as one that is no event', async (t) => {
      const brokers = await sharedKafka();
      const { log, join, committed } = await open(t);
      const connection = { brokers, clientId: 'exam' };
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
        // Snappy and LZ4 shrink zeros less than the broker's limit of 1 MiB a batch would ask for 80 MB.
        const producer = createKafkajsProducer({ connection, topic: log.topic, compression });
        if (compression === 'gzip' || compression === 'zstd')
          await producer.send([{ key: 'k', value: Buffer.alloc(80_000_000) }]);
        await producer.send([{ key: 'k', value: Buffer.from(compression) }]);
        await producer.close();
      }
      join();
      await waitFor(() => committed.seen().length === 6, { what: 'all six' });
      const refused = expect.stringContaining('normwatch refused the batch');
      expect(values(committed)).toEqual([refused, 'gzip', 'snappy', 'lz4', refused, 'zstd']);
    });
  });
}
