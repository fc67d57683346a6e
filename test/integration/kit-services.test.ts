/** The kit itself, part two: failover, cluster, scrape, browser and a link that breaks. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, type TestContext, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { startKafka } from '../kit/kafka.ts';
import { openPage } from '../kit/page.ts';
import { startPrometheus } from '../kit/prometheus.ts';
import { startProxy } from '../kit/proxy.ts';
import { startRedis } from '../kit/redis.ts';
import { startCluster } from '../kit/redis-cluster.ts';
import { startSentinel } from '../kit/redis-sentinel.ts';
import { createTopic } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

test('the replica becomes master when sentinels miss the old one', async (t) => {
  const { sentinels, master, replica, name, masterPort } = await startSentinel(t, { sentinels: 3 });
  const client = new Redis({ sentinels: sentinels.map(({ host, port }) => ({ host, port })), name });
  t.onTestFinished(() => client.disconnect());
  client.on('error', () => {});
  await client.incr('counter');
  expect(await masterPort()).toBe(master.port);
  await master.kill();
  await waitFor(async () => (await masterPort()) === replica.port, { what: 'failover', deadlineMs: 30_000 });
  await waitFor(() => client.incr('counter'), { what: 'a write on the new master', deadlineMs: 30_000 });
  expect(await replica.cli('get', 'counter')).toBe('2');
});

test('three masters share the slots of a cluster', async (t) => {
  const { nodes, manage } = await startCluster(t);
  expect(await manage('check')).toContain('All 16384 slots covered');
  expect(nodes).toHaveLength(3);
});

test('a reply lost behind the proxy does not undo the write', async (t) => {
  const server = await startRedis(t);
  const proxy = await startProxy(t, { port: server.port });
  const client = new Redis({
    port: proxy.port,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: null,
  });
  t.onTestFinished(() => client.disconnect());
  client.on('error', () => {});
  await client.connect();
  proxy.dropReplies(true);
  const answer = client.incr('counter').then(
    () => 'answered',
    () => 'unknown',
  );
  await waitFor(async () => (await server.cli('get', 'counter')) === '1', { what: 'the write' });
  await waitFor(() => proxy.droppedBytes() > 0, { what: 'the reply to be dropped' });
  proxy.cut();
  expect(await answer).toBe('unknown');
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

test('Prometheus scrapes a target and Chromium reads its page', async (t) => {
  const port = await serve(t, { '/metrics': 'answer 42\n', '/': '<!doctype html><title>Hello</title>' });
  const prometheus = await startPrometheus(t, { targets: [`127.0.0.1:${port}`] });
  const { page, requests, errors } = await openPage(t, `http://127.0.0.1:${port}/`);
  expect(await page.title()).toBe('Hello');
  expect(requests).toContain(`http://127.0.0.1:${port}/`);
  expect(errors.filter((error) => !error.includes('404'))).toEqual([]);
  const [sample] = await waitFor(
    async () => {
      const samples = await prometheus.query('answer');
      return samples.length > 0 && samples;
    },
    { what: 'a scrape' },
  );
  expect(sample?.value).toBe(42);
  expect(sample?.labels.instance).toBe(`127.0.0.1:${port}`);
});

async function serve(t: TestContext, pages: Readonly<Record<string, string>>): Promise<number> {
  const server = createServer((request, response) => {
    const text = pages[request.url ?? ''];
    response.setHeader('content-type', request.url === '/' ? 'text/html' : 'text/plain');
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
