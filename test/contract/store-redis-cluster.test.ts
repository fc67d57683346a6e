/** Redis Cluster: the common exam, then slots that move while the store is at work. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type StateStore, StoreUnavailable } from '../../agent/flow/ports.ts';
import { createRedisStore } from '../../agent/io/redis/store.ts';
import { fileOwner } from '../kit/owner.ts';
import type { RedisServer } from '../kit/redis.ts';
import { type ClusterSetup, startCluster } from '../kit/redis-cluster.ts';
import { waitFor } from '../kit/wait-for.ts';
import { bytes, commitOf, freshPartition, storeContract } from './store.ts';

const owner = fileOwner();
let cluster: ClusterSetup;
let store: StateStore;
beforeAll(async () => {
  cluster = await startCluster(owner);
  // One node is enough to find the others.
  const target = { mode: 'cluster', nodes: cluster.nodes.slice(0, 1) } as const;
  store = createRedisStore({ target, deadlineMs: 2_000 });
  owner.onTestFinished(() => store.close());
});
storeContract('Redis Cluster', { store: () => store });

describe('Redis store on a cluster', () => {
  test('spreads partitions over the nodes and lists all of them', async () => {
    const names = Array.from({ length: 24 }, () => freshPartition());
    for (const name of names) await store.claim(name);
    const counts = await Promise.all(cluster.nodes.map((node) => node.cli('dbsize')));
    expect(counts.filter((count) => Number(count) > 0)).toHaveLength(cluster.nodes.length);
    expect(await store.list()).toEqual(expect.arrayContaining(names));
  });

  test('follows its slot to another node (MOVED), also in the middle of the move (ASK)', async () => {
    const partition = freshPartition();
    const key = `nw:{${partition}}`;
    const set = new Map([['part', bytes('moved')]]);
    const claim = await store.claim(partition);
    await store.commit(partition, commitOf(claim, { next: 5n, set }));
    const slot = await firstNode().cli('cluster', 'keyslot', key);
    const { from, to } = await placesOf(key);
    await to.cli('cluster', 'setslot', slot, 'importing', await idOf(from));
    await from.cli('cluster', 'setslot', slot, 'migrating', await idOf(to));
    await from.cli('migrate', '127.0.0.1', `${to.port}`, key, '0', '5000');
    // Now the old node answers ASK.
    expect(await store.commit(partition, commitOf(claim, { expected: 5n, next: 6n }))).toEqual({
      result: 'committed',
    });
    for (const node of [to, from]) await node.cli('cluster', 'setslot', slot, 'node', await idOf(to));
    // And now MOVED.
    expect(await store.commit(partition, commitOf(claim, { expected: 6n, next: 7n }))).toEqual({
      result: 'committed',
    });
    const read = await store.read(partition);
    expect(read?.header.next).toBe(7n);
    expect(read?.fields).toEqual(set);
    expect((await placesOf(key)).from.port).toBe(to.port);
  });

  test('a node that hangs is `unavailable` for its partitions only, and is used again later', async () => {
    const [one, other] = await onTwoNodes();
    one.node.signal('SIGSTOP');
    try {
      await expect(store.claim(one.partition)).rejects.toThrow(StoreUnavailable);
      const claim = await waitFor(() => store.claim(other.partition), { what: 'the other node to answer' });
      expect(claim.header.epoch).toBeGreaterThan(1n);
    } finally {
      one.node.signal('SIGCONT');
    }
    await waitFor(() => store.claim(one.partition), { what: 'the node to answer again', deadlineMs: 60_000 });
  });

  test('asks every node whether it keeps what it is given', async () => {
    const last = cluster.nodes.at(-1);
    await last?.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    const fatal = (await store.check()).filter(({ level }) => level === 'fatal');
    expect(fatal).toEqual([{ level: 'fatal', message: expect.stringContaining('allkeys-lru') }]);
    await last?.cli('config', 'set', 'maxmemory-policy', 'noeviction');
  });
});

function firstNode(): RedisServer {
  const [first] = cluster.nodes;
  if (!first) throw new Error('the cluster has no node');
  return first;
}

const idOf = (node: RedisServer): Promise<string> => node.cli('cluster', 'myid');

/** The node that holds the key, and another one. */
async function placesOf(key: string): Promise<{ from: RedisServer; to: RedisServer }> {
  const holds = await Promise.all(cluster.nodes.map((node) => node.cli('--scan', '--pattern', '*')));
  const from = cluster.nodes.find((_, at) => holds[at]?.split('\n').includes(key));
  const to = cluster.nodes.find((node) => node !== from);
  if (!from || !to) throw new Error(`no node holds ${key}`);
  return { from, to };
}

async function onTwoNodes(): Promise<[{ partition: string; node: RedisServer }, { partition: string }]> {
  const one = freshPartition();
  await store.claim(one);
  const { from } = await placesOf(`nw:{${one}}`);
  for (;;) {
    const other = freshPartition();
    await store.claim(other);
    if ((await placesOf(`nw:{${other}}`)).from !== from)
      return [{ partition: one, node: from }, { partition: other }];
  }
}
