/** The kit's Kafka: a real broker serves, dies and comes back with its records, and ends with its test. */
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { startKafka } from '../kit/kafka.ts';
import { startProxy } from '../kit/proxy.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { createTopic } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

test('a record produced to the real Kafka is consumed again', async (t) => {
  const brokers = await sharedKafka();
  const topic = await createTopic(t, { brokers, partitions: 2 });
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  const consumer = kafka.consumer({ groupId: topic });
  t.onTestFinished(async () => {
    await consumer.disconnect();
    await producer.disconnect();
  });
  await producer.connect();
  await producer.send({ topic, messages: [{ key: 'k', value: 'hello', partition: 1 }] });
  const seen: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) =>
      void seen.push(`${partition} ${message.key} ${message.value}`),
  });
  await waitFor(() => seen.length > 0, { what: 'the record' });
  expect(seen).toEqual(['1 k hello']);
});

test('a broker behind a proxy keeps its records over kill -9', async (t) => {
  const port = await freePort();
  const proxy = await startProxy(t, { port });
  const broker = await startKafka(t, { port, advertisedPort: proxy.port });
  const topic = await createTopic(t, { brokers: broker.brokers });
  const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  t.onTestFinished(() => producer.disconnect());
  await producer.send({ topic, messages: [{ value: 'kept' }] });
  expect(proxy.connections()).toBeGreaterThan(0);
  await broker.kill();
  await broker.start();
  const admin = kafka.admin();
  await admin.connect();
  t.onTestFinished(() => admin.disconnect());
  const offsets = await waitFor(() => admin.fetchTopicOffsets(topic), {
    what: 'the topic to be served again',
  });
  expect(offsets[0]?.high).toBe('1');
});
