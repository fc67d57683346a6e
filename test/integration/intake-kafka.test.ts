/** From a POST to a real broker: all of it, in order, once, also when the broker cannot be reached for a while. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Kafka, logLevel } from 'kafkajs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createIntake } from '../../agent/flow/intake.ts';
import type { Clock } from '../../agent/flow/ports.ts';
import { openIntakeDoor } from '../../agent/io/intake/http.ts';
import { createKafkajsProducer } from '../../agent/io/kafkajs/producer.ts';
import type { Owner } from '../kit/owner.ts';
import { startProxy } from '../kit/proxy.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { createTopic } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

/** A door in front of the broker; `reach` is where the broker is looked for. */
async function openChain(t: Owner, topic: string, reach: { brokers: readonly string[] }) {
  const producer = createKafkajsProducer({
    connection: { brokers: reach.brokers, clientId: 'intake', connectionTimeoutMs: 300 },
    topic,
    compression: 'zstd',
    deadlineMs: 2_000,
  });
  const intake = createIntake({
    producer,
    clock,
    source: 'pod-0',
    boot: randomUUID(),
    bytesMax: 4 * 2 ** 20,
  });
  const door = await openIntakeDoor({ sink: intake, host: '127.0.0.1', port: 0, onError: () => {} });
  t.onTestFinished(async () => {
    await door.close();
    await intake.drain(5_000);
    await producer.close();
  });
  return { intake, door };
}

const event = (fields: object) => ({
  ...{
    v: 1,
    kind: 'activations',
    time: '2026-03-02T00:00:10.000Z',
    window_ms: 1_000,
    version: 'v1',
    requests: 0,
  },
  ...fields,
});

async function post(address: string, events: object[]): Promise<{ accepted: number }> {
  const body = gzipSync(events.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
  const response = await fetch(`${address}/v1/events`, { method: 'POST', headers, body });
  expect(response.status).toBe(202);
  return (await response.json()) as { accepted: number };
}

async function readAll(t: Owner, topic: string, isAll: (seqs: number[]) => boolean) {
  const kafka = new Kafka({ clientId: 'reader', brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: randomUUID() });
  await consumer.connect();
  t.onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  const read: { key: string; value: { model: string; seq: number; boot: string; source: string } }[] = [];
  await consumer.run({
    eachMessage: async ({ message }) =>
      void read.push({ key: `${message.key}`, value: JSON.parse(`${message.value}`) }),
  });
  await waitFor(() => isAll(read.map(({ value }) => value.seq)), {
    what: 'the messages',
    deadlineMs: 60_000,
  });
  return read;
}

describe('intake to Kafka', () => {
  test('every accepted event arrives, keyed and numbered per model, in order', async (t) => {
    const topic = await createTopic(t, { brokers, partitions: 3 });
    const { intake, door } = await openChain(t, topic, { brokers });
    const models = ['a', 'b', 'c', 'd'];
    for (let round = 0; round < 25; round++) {
      const events = models.flatMap((model) => Array.from({ length: 10 }, () => event({ model })));
      expect((await post(door.address, events)).accepted).toBe(40);
    }
    const read = await readAll(t, topic, (seqs) => seqs.length >= 1_000);
    expect(intake.intakeCounters()).toMatchObject({
      accepted: 1_000,
      produced: 1_000,
      dropped: {},
      bufferedEvents: 0,
    });
    expect(read).toHaveLength(1_000);
    for (const model of models) {
      const mine = read.filter(({ key }) => key === `default/${model}`);
      expect(mine.map(({ value }) => value.seq)).toEqual([...Array(250).keys()]);
      expect(new Set(mine.map(({ value }) => `${value.source} ${value.model}`))).toEqual(
        new Set([`pod-0 ${model}`]),
      );
    }
  });

  test('answers at once while no broker can be reached, says why, and sends all of it later', async (t) => {
    const topic = await createTopic(t, { brokers });
    const link = await startProxy(t, { port: Number(brokers[0]?.split(':')[1]) });
    link.refuse(true);
    const { intake, door } = await openChain(t, topic, { brokers: [`${link.host}:${link.port}`] });
    for (let round = 0; round < 5; round++) await post(door.address, [event({ model: 'm' })]);
    await waitFor(() => intake.intakeCounters().trouble, {
      what: 'the failure to be told',
      deadlineMs: 30_000,
    });
    expect((await post(door.address, [event({ model: 'm' })])).accepted).toBe(1);
    expect(intake.intakeCounters()).toMatchObject({
      accepted: 6,
      produced: 0,
      bufferedEvents: 6,
      dropped: {},
    });
    link.refuse(false);
    const read = await readAll(t, topic, (seqs) => seqs.includes(5));
    // An attempt that was given up may still have got through: repeats are allowed, `seq` tells them.
    expect([...new Set(read.map(({ value }) => value.seq))]).toEqual([0, 1, 2, 3, 4, 5]);
    await waitFor(() => intake.intakeCounters().trouble === null, { what: 'the recovery' });
    expect(intake.intakeCounters()).toMatchObject({ produced: 6, bufferedEvents: 0, dropped: {} });
  });
});
