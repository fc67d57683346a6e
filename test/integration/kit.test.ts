/** The kit itself: real servers start, serve, die and come back, and end with their test. */
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { startRedis } from '../kit/redis.ts';
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

test('a Redis with AOF that is killed comes back with its data on the same port', async (t) => {
  const server = await startRedis(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const client = new Redis(server.url, { lazyConnect: true, retryStrategy: null });
  t.onTestFinished(() => client.disconnect());
  client.on('error', () => {});
  await client.connect();
  expect(await client.incr('counter')).toBe(1);
  await server.kill();
  await server.start();
  expect(await server.cli('incr', 'counter')).toBe('2');
});
