/** The exam of a Kafka source whose broker goes away, or changes under it. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type KafkaBroker, startKafka } from '../kit/kafka.ts';
import { fileOwner } from '../kit/owner.ts';
import { waitFor } from '../kit/wait-for.ts';
import { type KafkaExam, member, numbers, values } from './kafka-exam.ts';
import { kafkaLog, newTopic } from './kafka-log.ts';
import { startReader } from './reader.ts';

export function brokerCases(exam: KafkaExam): void {
  describe(`Kafka source and its broker: ${exam.name}`, () => {
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
      const reader = startReader({ source: member(exam, kafka.brokers, log.topic) });
      t.onTestFinished(() => reader.end());
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble' });
      expect(reader.troubles[0]).toMatchObject({ row: 'kafka_unreachable' });
      await kafka.start();
      await waitFor(() => reader.committed.seen().length === 5, { what: 'all five', deadlineMs: 60_000 });
      // One partition may be read again before the last of the others' trouble is over.
      await waitFor(() => reader.troubles.at(-1) === null, {
        what: 'the end of the trouble',
        deadlineMs: 60_000,
      });
    });

    test('closes while no broker answers', async (t) => {
      const kafka = await ownBroker();
      const log = await kafkaLog(t, kafka.brokers);
      await kafka.stop();
      const reader = startReader({ source: member(exam, kafka.brokers, log.topic) });
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
      const reader = startReader({ source: member(exam, kafka.brokers, log.topic) });
      t.onTestFinished(() => reader.end());
      await waitFor(() => reader.committed.seen().length === 100, { what: 'the first hundred' });
      await kafka.kill();
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble', deadlineMs: 30_000 });
      await kafka.start();
      await log.append(numbers(50, 80), 0);
      await waitFor(() => reader.committed.seen().length >= 130, { what: 'the rest', deadlineMs: 60_000 });
      expect(reader.committed.of(`${log.topic}:0`).seen.map(({ value }) => value)).toEqual(numbers(0, 80));
      expect(reader.committed.of(`${log.topic}:1`).seen.map(({ value }) => value)).toEqual(numbers(0, 50));
      // One partition may be read again before the last of the others' trouble is over.
      await waitFor(() => reader.troubles.at(-1) === null, {
        what: 'the end of the trouble',
        deadlineMs: 60_000,
      });
    });

    test('shows that the topic was deleted and created again', async (t) => {
      const kafka = await ownBroker();
      const log = await kafkaLog(t, kafka.brokers);
      await log.append(numbers(0, 10));
      const source = member(exam, kafka.brokers, log.topic, { metadataAgeMs: 500 });
      const reader = startReader({ source });
      t.onTestFinished(() => reader.end());
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
      const source = member(exam, kafka.brokers, topic);
      const reader = startReader({ source });
      t.onTestFinished(() => reader.end());
      await waitFor(() => reader.troubles.length > 0, { what: 'the trouble' });
      expect(reader.troubles[0]).toMatchObject({ row: 'kafka_topic_missing' });
      await newTopic(t, { brokers: kafka.brokers, name: topic });
      await waitFor(() => reader.holds().length === 1, { what: 'the partition' });
      // One partition may be read again before the last of the others' trouble is over.
      await waitFor(() => reader.troubles.at(-1) === null, {
        what: 'the end of the trouble',
        deadlineMs: 60_000,
      });
    });
  });
}
