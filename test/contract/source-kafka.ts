/** The exam of a Kafka source beyond `source.ts`: groups, rebalances, retention, transactions, codecs, a broker that goes. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Producer, Source } from '../../agent/flow/ports.ts';
import type { KafkaProducerOptions, KafkaSourceOptions } from '../../agent/io/kafka/options.ts';
import { createKafkajsProducer } from '../../agent/io/kafkajs/producer.ts';
import { createPlatformaticProducer } from '../../agent/io/platformatic/producer.ts';
import { type KafkaBroker, startKafka } from '../kit/kafka.ts';
import { fileOwner, type Owner } from '../kit/owner.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { waitFor } from '../kit/wait-for.ts';
import { type KafkaLog, kafkaLog, newTopic } from './kafka-log.ts';
import { Committed, type ReaderOptions, startReader } from './reader.ts';
import { sourceContract } from './source.ts';

const PRODUCERS: ((options: KafkaProducerOptions) => Producer)[] = [
  createKafkajsProducer,
  createPlatformaticProducer,
];

type CreateSource = (options: KafkaSourceOptions) => Source;

/** Quick to notice a rebalance; slow to give up a member, so that a prompt leave shows. */
const QUICK = { heartbeatIntervalMs: 250, sessionTimeoutMs: 30_000, fetchBytesMin: 1, fetchWaitMs: 50 };
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `value ${from + i}`);

export function kafkaSourceContract(name: string, createSource: CreateSource): void {
  const member = (
    brokers: readonly string[],
    { topic }: Pick<KafkaLog, 'topic'>,
    groupId: string,
    more = {},
  ) =>
    createSource({ connection: { brokers, clientId: 'exam' }, topics: [topic], groupId, ...QUICK, ...more });

  sourceContract(name, {
    async log(owner, values) {
      const brokers = await sharedKafka();
      const log = await kafkaLog(owner, brokers);
      // Two batches, so that a fetch may begin inside one.
      await log.append(values.slice(0, 400));
      await log.append(values.slice(400));
      return { id: { topic: log.topic, partition: 0 }, source: member(brokers, log, randomUUID()) };
    },
  });

  async function open(owner: Owner, partitions = 1) {
    const brokers = await sharedKafka();
    const log = await kafkaLog(owner, brokers, partitions);
    const groupId = randomUUID();
    const committed = new Committed();
    const join = (options: Partial<ReaderOptions> & { more?: Partial<KafkaSourceOptions> } = {}) => {
      const source = member(brokers, log, groupId, options.more);
      owner.onTestFinished(() => source.close());
      return startReader({ committed, ...options, source });
    };
    return { log, join, committed, id: { topic: log.topic, partition: 0 } };
  }

  const values = (committed: Committed) => committed.seen().map(({ value }) => value);

  describe(`Kafka source: ${name}`, () => {
    test('starts at the position of the handler, not the one the group has, which is only mirrored', async (t) => {
      const { log, join, committed, id } = await open(t);
      await log.append(numbers(0, 10));
      const first = join();
      await waitFor(() => committed.seen().length === 10, { what: 'all ten' });
      await first.source.mirror([{ id, next: 10n }]);
      await first.source.close();
      const second = join({ start: 4n, committed: new Committed() });
      await waitFor(() => second.committed.seen().length === 6, { what: 'the last six' });
      expect(values(second.committed)).toEqual(numbers(4, 10));
    });

    test('loses and repeats nothing over twenty rebalances of two members while events come in', async (t) => {
      const partitions = 4;
      const { log, join, committed } = await open(t, partitions);
      const produced = [0, 0, 0, 0];
      let storm = true;
      const producing = (async () => {
        while (storm) {
          for (let p = 0; p < partitions; p++) {
            await log.append(numbers(produced[p]!, produced[p]! + 20), p);
            produced[p]! += 20;
          }
        }
      })();
      const during = () => new Promise<void>((resolve) => setImmediate(resolve));
      const steady = join({ during });
      await waitFor(() => steady.holds().length === partitions, { what: 'the first assignment' });
      const comers = [];
      for (let round = 0; round < 10; round++) {
        const comer = join({ during });
        comers.push(comer);
        await waitFor(() => comer.holds().length === 2 && steady.holds().length === 2, {
          what: `round ${round}`,
        });
        const before = comer.batches.length;
        await waitFor(() => comer.batches.length > before, { what: `a batch of round ${round}` });
        await comer.source.close();
        await waitFor(() => steady.holds().length === partitions, { what: `the end of round ${round}` });
      }
      storm = false;
      await producing;
      const total = produced.reduce((sum, count) => sum + count);
      await waitFor(() => committed.seen().length >= total, { what: 'everything produced' });
      for (let p = 0; p < partitions; p++)
        expect(committed.of(`${log.topic}:${p}`).seen.map(({ value }) => value)).toEqual(
          numbers(0, produced[p]!),
        );
      for (const { breaks } of [steady, ...comers]) expect(breaks).toEqual([]);
      expect(steady.assignments.length).toBeGreaterThanOrEqual(20);
      expect(total).toBeGreaterThan(1_000);
    });

    test('gives partitions back before others get them, when the group allows to wait', async (t) => {
      const { join } = await open(t, 2);
      const first = join();
      await waitFor(() => first.holds().length === 2, { what: 'the first assignment' });
      const second = join();
      await waitFor(() => first.holds().length === 1 && second.holds().length === 1, { what: 'one each' });
      expect(first.revocations).toEqual([first.assignments[0]]);
      expect([...first.holds(), ...second.holds()].sort()).toEqual(first.assignments[0]);
    });

    test('hears of a rebalance while a batch is under way, and holds nobody up', async (t) => {
      const { log, join } = await open(t, 2);
      const gate = Promise.withResolvers<void>();
      await log.append(numbers(0, 3), 0);
      const first = join({ during: () => gate.promise });
      await waitFor(() => first.batches.length === 1, { what: 'the batch that hangs' });
      join();
      await waitFor(() => first.revocations.length === 1, { what: 'the revocation' });
      gate.resolve();
      await waitFor(() => first.holds().length === 1, { what: 'the new assignment' });
    });

    test('leaves the group at close: the others have its partitions long before its session would end', async (t) => {
      const { join } = await open(t, 2);
      const [a, b] = [join(), join()];
      await waitFor(() => a.holds().length === 1 && b.holds().length === 1, { what: 'one each' });
      await b.source.close();
      expect(b.revocations.at(-1)).toEqual(b.assignments.at(-1));
      await waitFor(() => a.holds().length === 2, { what: 'both', deadlineMs: 10_000 });
    });

    test('keeps its partitions while a batch takes longer than its session', async (t) => {
      const { log, join } = await open(t, 2);
      const sessionTimeoutMs = 6_000;
      await log.append(numbers(0, 3), 0);
      const gate = Promise.withResolvers<void>();
      const reader = join({ during: () => gate.promise, more: { sessionTimeoutMs } });
      await waitFor(() => reader.batches.length === 1, { what: 'the batch that hangs' });
      const begun = Date.now();
      await waitFor(() => Date.now() - begun > sessionTimeoutMs * 1.3, { what: 'the end of a session' });
      gate.resolve();
      await log.append(numbers(0, 3), 1);
      await waitFor(() => reader.committed.seen().length === 6, { what: 'all six' });
      expect([reader.assignments.length, reader.revocations.length]).toEqual([1, 0]);
    });

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

    test('gets the partitions that are added to the topic', async (t) => {
      const { log, join, committed } = await open(t);
      const reader = join({ more: { metadataAgeMs: 500 } });
      await waitFor(() => reader.holds().length === 1, { what: 'the partition' });
      await log.grow(3);
      await waitFor(() => reader.holds().length === 3, { what: 'all three' });
      await log.append(numbers(0, 5), 2);
      await waitFor(() => committed.seen().length === 5, { what: 'what is in a new one' });
    });

    test('shows that the log no longer holds a position: the batch begins where the log does', async (t) => {
      const { log, join, committed } = await open(t);
      await log.append(numbers(0, 20));
      await log.deleteBefore(12);
      let gate = Promise.withResolvers<void>();
      const reader = join({ start: 5n, during: () => gate.promise });
      await waitFor(() => reader.batches.length === 1, { what: 'a batch' });
      expect(reader.batches[0]).toMatchObject({ from: 12n, next: 20n });
      expect(reader.logs.get(`${log.topic}:0`)).toMatchObject({ low: 12n, end: 20n });
      // And in the middle of reading.
      await log.append(numbers(20, 50));
      await log.deleteBefore(40);
      gate.resolve();
      gate = Promise.withResolvers<void>();
      gate.resolve();
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

  describe(`Kafka source and its broker: ${name}`, () => {
    const owner = fileOwner();
    let broker: Promise<KafkaBroker> | null = null;
    const ownBroker = () => {
      broker ??= startKafka(owner);
      return broker;
    };

    test('tells that no broker answers, and reads once one does', async (t) => {
      const kafka = await ownBroker();
      const log = await kafkaLog(t, kafka.brokers);
      await log.append(numbers(0, 5));
      await kafka.stop();
      const reader = startReader({ source: member(kafka.brokers, log, randomUUID()) });
      t.onTestFinished(() => reader.source.close());
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble' });
      expect(reader.troubles[0]).toMatchObject({ row: 'kafka_unreachable' });
      await kafka.start();
      await waitFor(() => reader.committed.seen().length === 5, { what: 'all five', deadlineMs: 60_000 });
      expect(reader.troubles.at(-1)).toBeNull();
    });

    test('closes while no broker answers', async (t) => {
      const kafka = await ownBroker();
      const log = await kafkaLog(t, kafka.brokers);
      await kafka.stop();
      const reader = startReader({ source: member(kafka.brokers, log, randomUUID()) });
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble' });
      await reader.source.close();
      expect(await reader.over).toBeNull();
      await kafka.start();
    });

    test('goes on after kill -9 of the broker: nothing lost, nothing twice', async (t) => {
      const kafka = await ownBroker();
      const log = await kafkaLog(t, kafka.brokers, 2);
      await log.append(numbers(0, 50), 0);
      await log.append(numbers(0, 50), 1);
      const reader = startReader({ source: member(kafka.brokers, log, randomUUID()) });
      t.onTestFinished(() => reader.source.close());
      await waitFor(() => reader.committed.seen().length === 100, { what: 'the first hundred' });
      await kafka.kill();
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble', deadlineMs: 30_000 });
      await kafka.start();
      await log.append(numbers(50, 80), 0);
      await waitFor(() => reader.committed.seen().length >= 130, { what: 'the rest', deadlineMs: 60_000 });
      expect(reader.committed.of(`${log.topic}:0`).seen.map(({ value }) => value)).toEqual(numbers(0, 80));
      expect(reader.committed.of(`${log.topic}:1`).seen.map(({ value }) => value)).toEqual(numbers(0, 50));
      expect(reader.troubles.at(-1)).toBeNull();
    });

    test('shows that the topic was deleted and created again', async (t) => {
      const kafka = await ownBroker();
      const log = await kafkaLog(t, kafka.brokers);
      await log.append(numbers(0, 10));
      const source = member(kafka.brokers, log, randomUUID(), { metadataAgeMs: 500 });
      const reader = startReader({ source });
      t.onTestFinished(() => source.close());
      await waitFor(() => reader.committed.seen().length === 10, { what: 'all ten' });
      const before = reader.logs.get(`${log.topic}:0`);
      await log.recreate();
      await log.append(['new 0', 'new 1']);
      await waitFor(() => reader.committed.seen().length === 12, {
        what: 'the new ones',
        deadlineMs: 60_000,
      });
      expect(values(reader.committed).slice(10)).toEqual(['new 0', 'new 1']);
      // Where the client knows topic ids the agent is asked anew and can tell; where not, the chain is seen to break.
      expect(reader.batches.at(-1)?.from).toBe(0n);
      expect(reader.breaks).toHaveLength(1);
      const now = reader.logs.get(`${log.topic}:0`);
      if (before?.topicId !== null) expect(now?.topicId).not.toBe(before?.topicId);
    });

    test('tells that the topic is missing, and reads it once it is there', async (t) => {
      const kafka = await ownBroker();
      const topic = `later-${randomUUID()}`;
      const source = member(kafka.brokers, { topic }, randomUUID());
      const reader = startReader({ source });
      t.onTestFinished(() => source.close());
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble' });
      expect(reader.troubles[0]).toMatchObject({ row: 'kafka_topic_missing' });
      await newTopic(t, { brokers: kafka.brokers, name: topic });
      await waitFor(() => reader.holds().length === 1, { what: 'the partition' });
      expect(reader.troubles.at(-1)).toBeNull();
    });
  });
}
