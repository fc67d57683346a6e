/** What the Kafka cases do to a topic from outside: with kafkajs itself, so that no adapter examines itself. */
import kafkajs, { type Producer } from 'kafkajs';
import type { Owner } from '../kit/owner.ts';
import { createTopic, kafkaAdmin, type TopicOptions } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

export interface KafkaLog {
  readonly topic: string;
  /** Appends to one partition, all in one batch. */
  append(values: readonly string[], partition?: number): Promise<void>;
  /** One transaction, committed or aborted, of several batches. */
  transaction(batches: readonly (readonly string[])[], end: 'commit' | 'abort'): Promise<void>;
  /** The topic gets so many partitions. */
  grow(partitions: number): Promise<void>;
  /** Deletes the topic and makes it again under its name. */
  recreate(): Promise<void>;
  /** Removes everything before `position`, as retention does. */
  deleteBefore(position: number): Promise<void>;
}

/** Tried again: under load a topic that was just made is not known everywhere when its leaders are asked for. */
export const newTopic = (owner: Owner, options: TopicOptions): Promise<string> =>
  waitFor(() => createTopic(owner, options), { what: 'a new topic' });

export async function kafkaLog(owner: Owner, brokers: readonly string[], partitions = 1): Promise<KafkaLog> {
  const topic = await newTopic(owner, { brokers, partitions });
  const kafka = new kafkajs.Kafka({
    clientId: 'exam',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const plain = kafka.producer({ allowAutoTopicCreation: false });
  await connect(owner, plain);
  const send = (producer: Pick<Producer, 'send'>, values: readonly string[], partition = 0) =>
    producer.send({ topic, messages: values.map((value) => ({ value, partition })) });
  return {
    topic,
    async append(values, partition) {
      await send(plain, values, partition);
    },
    async transaction(batches, end) {
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        transactionalId: `x-${topic}`,
      });
      await connect(owner, producer);
      const transaction = await producer.transaction();
      for (const values of batches) await send(transaction, values);
      await transaction[end]();
    },
    async grow(count) {
      const admin = await kafkaAdmin(owner, brokers);
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    },
    async recreate() {
      const admin = await kafkaAdmin(owner, brokers);
      await admin.deleteTopics({ topics: [topic] });
      await waitFor(async () => !(await admin.listTopics()).includes(topic), { what: 'the deletion' });
      await newTopic(owner, { brokers, partitions, name: topic });
    },
    async deleteBefore(position) {
      const admin = await kafkaAdmin(owner, brokers);
      // The client deletes only in topics whose leaders it happens to know.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(position) }] });
    },
  };
}

async function connect(owner: Owner, producer: Producer): Promise<void> {
  await producer.connect();
  owner.onTestFinished(() => producer.disconnect());
}
