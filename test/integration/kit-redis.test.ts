/** The kit's Redis: a single server, sentinels and a cluster are real, and a link to them breaks as told. */
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { startProxy } from '../kit/proxy.ts';
import { startRedis } from '../kit/redis.ts';
import { startCluster } from '../kit/redis-cluster.ts';
import { startSentinel } from '../kit/redis-sentinel.ts';
import { waitFor } from '../kit/wait-for.ts';

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
    host: proxy.host,
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
