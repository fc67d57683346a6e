import { expect, test } from 'vitest';
import { createKafkaAdmin } from '../../agent/io/kafkajs/admin.ts';
import { freePort } from '../kit/free-port.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { createTopic } from '../kit/topic.ts';

const connectionTo = (brokers: readonly string[]) => ({ brokers, clientId: 'doctor' });

test('tells what a cluster and a topic are like', async (t) => {
  const brokers = await sharedKafka();
  const admin = createKafkaAdmin({ connection: connectionTo(brokers) });
  t.onTestFinished(() => admin.close());
  const week = await createTopic(t, { brokers, partitions: 3, config: { 'retention.ms': '604800000' } });
  const forever = await createTopic(t, { brokers, config: { 'retention.ms': '-1' } });
  const cluster = await admin.cluster();
  expect(cluster.brokers).toEqual(brokers);
  expect(cluster.clusterId).toMatch(/^[\w-]{22}$/);
  const facts = await admin.topic(week);
  expect(facts).toMatchObject({ partitions: 3, replicas: 1, retentionMs: 604_800_000 });
  expect(facts?.config.get('cleanup.policy')).toBe('delete');
  expect(await admin.topic(forever)).toMatchObject({ partitions: 1, retentionMs: null });
});

test('tells a topic that is missing from one that is there, and makes none', async (t) => {
  const admin = createKafkaAdmin({ connection: connectionTo(await sharedKafka()) });
  t.onTestFinished(() => admin.close());
  expect(await admin.topic('nobody-made-this')).toBeNull();
  expect(await admin.topic('nobody-made-this')).toBeNull();
});

test('says at once, and which broker, when none answers', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const admin = createKafkaAdmin({ connection: connectionTo([address]) });
  t.onTestFinished(() => admin.close());
  await expect(admin.cluster()).rejects.toMatchObject({
    row: 'kafka_unreachable',
    message: expect.stringContaining(address),
  });
});
