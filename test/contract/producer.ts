/** The exam of every `Producer` that writes to Kafka: what arrives, where, in which order, and what it says when nothing does. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type OutgoingMessage,
  type Producer,
  partitionName,
  SinkUnavailable,
} from '../../agent/flow/ports.ts';
import type { KafkaProducerOptions } from '../../agent/io/kafka/options.ts';
import { createKafkajsProducer } from '../../agent/io/kafkajs/producer.ts';
import { createKafkajsSource } from '../../agent/io/kafkajs/source.ts';
import type { KafkaBroker } from '../kit/kafka.ts';
import type { Owner } from '../kit/owner.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { waitFor } from '../kit/wait-for.ts';
import { newTopic } from './kafka-log.ts';
import { startReader } from './reader.ts';

const message = (key: string, text: string): OutgoingMessage => ({ key, value: Buffer.from(text) });

export function producerContract(
  name: string,
  createProducer: (options: KafkaProducerOptions) => Producer,
  /** A broker that may be stopped and frozen. */
  ownBroker: () => Promise<KafkaBroker>,
): void {
  function open(
    owner: Owner,
    brokers: readonly string[],
    topic: string,
    more: Partial<KafkaProducerOptions> = {},
  ) {
    const connection = { brokers, clientId: 'exam' };
    const producer = createProducer({ connection, topic, compression: 'none', ...more });
    owner.onTestFinished(() => producer.close());
    return producer;
  }

  /** What the topic holds, once that is `count` messages, one of them the `awaited`. */
  async function arrived(
    owner: Owner,
    brokers: readonly string[],
    topic: string,
    count: number,
    awaited?: string,
  ) {
    const source = createKafkajsSource({
      connection: { brokers, clientId: 'exam' },
      topics: [topic],
      groupId: randomUUID(),
      fetchWaitMs: 50,
    });
    owner.onTestFinished(() => source.close());
    const reader = startReader({ source });
    const enough = (): boolean => {
      const seen = reader.committed.seen();
      return seen.length >= count && (awaited === undefined || seen.some(({ value }) => value === awaited));
    };
    await waitFor(enough, { what: `${count} messages`, deadlineMs: 30_000 });
    const partition = (at: number) => reader.committed.of(partitionName({ topic, partition: at })).seen;
    return { all: reader.committed.seen(), partition };
  }

  describe(`producer: ${name}`, () => {
    test('sends every key to the partition where other clients send it', async (t) => {
      const brokers = await sharedKafka();
      const keys = Array.from({ length: 200 }, (_, i) => `default/model-${i}-ß`);
      const [mine, theirs] = [
        await newTopic(t, { brokers, partitions: 7 }),
        await newTopic(t, { brokers, partitions: 7 }),
      ];
      await open(t, brokers, mine).send(keys.map((key) => message(key, key)));
      const reference = createKafkajsProducer({
        connection: { brokers, clientId: 'exam' },
        topic: theirs,
        compression: 'none',
      });
      t.onTestFinished(() => reference.close());
      await reference.send(keys.map((key) => message(key, key)));
      const [a, b] = [await arrived(t, brokers, mine, 200), await arrived(t, brokers, theirs, 200)];
      for (let at = 0; at < 7; at++) {
        expect(a.partition(at).map(({ value }) => value)).toEqual(b.partition(at).map(({ value }) => value));
        expect(a.partition(at).length).toBeGreaterThan(0);
      }
    });

    test('keeps the order of sends that overlap, of more than a broker takes at once, and their headers', async (t) => {
      const brokers = await sharedKafka();
      const topic = await newTopic(t, { brokers });
      const producer = open(t, brokers, topic);
      const text = (send: number, at: number) => `${send}/${at} ${'x'.repeat(10_000)}`;
      const sends = Array.from({ length: 4 }, (_, send) =>
        producer.send(
          Array.from({ length: 100 }, (_, at) => ({
            ...message('k', text(send, at)),
            headers: { send: `${send}`, ü: 'ä' },
          })),
        ),
      );
      await Promise.all(sends);
      const { all } = await arrived(t, brokers, topic, 400);
      expect(all.map(({ value }) => value)).toEqual(
        Array.from({ length: 400 }, (_, i) => text(Math.floor(i / 100), i % 100)),
      );
      expect(all[399]?.headers).toEqual({ send: '3', ü: 'ä' });
    });

    test('says that it cannot when the topic is missing, and which one', async (t) => {
      const brokers = await sharedKafka();
      const producer = open(t, brokers, 'no-such-topic', { deadlineMs: 20_000 });
      const failure = await producer.send([message('k', 'v')]).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SinkUnavailable);
      expect(String(failure)).toContain('no topic "no-such-topic"');
    });

    test('sends nothing after its close, which may come twice', async (t) => {
      const brokers = await sharedKafka();
      const topic = await newTopic(t, { brokers });
      const producer = open(t, brokers, topic);
      await producer.send([message('k', 'v')]);
      await Promise.all([producer.close(), producer.close()]);
      await expect(producer.send([message('k', 'w')])).rejects.toBeInstanceOf(SinkUnavailable);
      await producer.send([]);
      expect((await arrived(t, brokers, topic, 1)).all).toHaveLength(1);
    });
  });

  describe(`producer and its broker: ${name}`, () => {
    test('keeps its deadline while the broker hangs, and sends again once it goes on', async (t) => {
      const kafka = await ownBroker();
      const topic = await newTopic(t, { brokers: kafka.brokers });
      const producer = open(t, kafka.brokers, topic, { deadlineMs: 1_000 });
      await producer.send([message('k', 'before')]).catch(() => producer.send([message('k', 'before')]));
      kafka.signal('SIGSTOP');
      try {
        // A process stops thread by thread: until all have, a message may still get through.
        await waitFor(
          () =>
            producer.send([message('k', 'last')]).then(
              () => false,
              () => true,
            ),
          { what: 'a broker that hangs' },
        );
        const sends = [producer.send([message('k', 'a')]), producer.send([message('k', 'b')])];
        for (const { status, reason } of (await Promise.allSettled(sends)) as PromiseRejectedResult[]) {
          expect(status).toBe('rejected');
          expect(reason).toBeInstanceOf(SinkUnavailable);
        }
      } finally {
        kafka.signal('SIGCONT');
      }
      await waitFor(() => producer.send([message('k', 'after')]).then(() => true), {
        what: 'an acknowledgement',
      });
      const { all } = await arrived(t, kafka.brokers, topic, 2, 'after');
      expect(all[0]?.value).toBe('before');
    });

    test('says that it cannot while there is no broker, and sends once there is one', async (t) => {
      const kafka = await ownBroker();
      const topic = await newTopic(t, { brokers: kafka.brokers });
      await kafka.stop();
      const producer = open(t, kafka.brokers, topic, { deadlineMs: 1_000 });
      const failure = await producer.send([message('k', 'lost?')]).catch((error: Error) => error);
      expect(failure).toBeInstanceOf(SinkUnavailable);
      expect(String(failure)).toContain(kafka.brokers[0]);
      await kafka.start();
      await waitFor(() => producer.send([message('k', 'v')]).then(() => true), {
        what: 'an acknowledgement',
      });
      expect((await arrived(t, kafka.brokers, topic, 1, 'v')).all.at(-1)?.value).toBe('v');
    });
  });
}
