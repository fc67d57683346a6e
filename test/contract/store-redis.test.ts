/**
 * One Redis: the common exam, then what lies between agent and server: lost replies, hangs, restarts, lost script
 * cache, full memory, foreign values, secrets. Every fault is made on a real server or a real link.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type StateStore, StoreUnavailable } from '../../agent/flow/ports.ts';
import { createRedisStore, type RedisStoreOptions } from '../../agent/io/redis/store.ts';
import { fileOwner, type Owner } from '../kit/owner.ts';
import { startProxy } from '../kit/proxy.ts';
import { type RedisServer, startRedis } from '../kit/redis.ts';
import { waitFor } from '../kit/wait-for.ts';
import { bytes, commitOf, freshPartition, storeContract } from './store.ts';

const owner = fileOwner();
const KEY_PREFIX = 'team*[a]:nw:';
let redis: RedisServer;
let store: StateStore;
let rival: StateStore;

beforeAll(async () => {
  redis = await startRedis(owner);
  store = openStore(owner, redis.port, { keyPrefix: KEY_PREFIX });
  rival = openStore(owner, redis.port, { keyPrefix: KEY_PREFIX });
});

storeContract('Redis', { store: () => store, rival: () => rival });

function openStore(by: Owner, port: number, options: Partial<RedisStoreOptions> = {}): StateStore {
  const target = { mode: 'single', address: { host: '127.0.0.1', port } } as const;
  const opened = createRedisStore({ target, ...options });
  by.onTestFinished(() => opened.close());
  return opened;
}

describe('Redis store', () => {
  test('keeps one hash per partition, its name in braces', async () => {
    const partition = freshPartition();
    const set = new Map([['part', bytes('value')]]);
    await store.commit(partition, commitOf(await store.claim(partition), { next: 7n, set }));
    const key = `${KEY_PREFIX}{${partition}}`;
    expect(await redis.cli('type', key)).toBe('hash');
    expect((await redis.cli('hkeys', key)).split('\n').sort()).toEqual(
      ['commit', 'epoch', 'facts', 'next', 'p:part'].sort(),
    );
    expect(await redis.cli('hget', key, 'next')).toBe('7');
    expect(await redis.cli('ttl', key)).toBe('-1');
  });

  test('goes on when the script cache is flushed between calls', async () => {
    const partition = freshPartition();
    const flush = () => redis.cli('script', 'flush');
    await flush();
    let claim = await store.claim(partition);
    for (let round = 0; round < 5; round++) {
      await flush();
      expect(await store.commit(partition, commitOf(claim))).toEqual({ result: 'committed' });
      await flush();
      claim = await store.claim(partition);
    }
    expect(claim.header).toMatchObject({ epoch: 6n, next: 5n });
  });

  test('a lost reply is `unavailable` within the deadline, and the repeat is committed once', async (t) => {
    const partition = freshPartition();
    const link = await startProxy(t, { port: redis.port });
    const distant = openStore(t, link.port, { keyPrefix: KEY_PREFIX, deadlineMs: 400 });
    // Redis must know the script, or it is only the reply NOSCRIPT that gets lost.
    await store.commit(partition, commitOf(await store.claim(partition), { expected: 1n }));
    const claim = await answered(() => distant.claim(partition));
    const request = commitOf(claim, { next: 50n, set: new Map([['part', bytes('once')]]) });
    link.dropReplies(true);
    await expect(distant.commit(partition, request)).rejects.toThrow(StoreUnavailable);
    expect(link.droppedBytes()).toBeGreaterThan(0);
    // It did arrive: that is the case the commit id is for.
    expect((await store.read(partition))?.header.next).toBe(50n);
    link.dropReplies(false);
    expect(await answered(() => distant.commit(partition, request))).toEqual({ result: 'committed' });
    expect(await distant.commit(partition, commitOf(claim, { expected: 50n, next: 51n }))).toEqual({
      result: 'committed',
    });
    expect((await store.read(partition))?.header).toMatchObject({ epoch: claim.header.epoch, next: 51n });
  });

  test('a link cut after the request is told at once, not at the deadline', async (t) => {
    const partition = freshPartition();
    const link = await startProxy(t, { port: redis.port });
    // A deadline beyond the test's own: only the cut can end the call.
    const distant = openStore(t, link.port, { keyPrefix: KEY_PREFIX, deadlineMs: 600_000 });
    const request = commitOf(await distant.claim(partition));
    link.dropReplies(true);
    const outcome = expect(distant.commit(partition, request)).rejects.toThrow(StoreUnavailable);
    await waitFor(() => link.droppedBytes() > 0, { what: 'the reply to be lost' });
    link.cut();
    await outcome;
    link.dropReplies(false);
    expect(await distant.commit(partition, request)).toEqual({ result: 'committed' });
    expect((await store.read(partition))?.header.next).toBe(1n);
  });

  test.each<[string, (server: RedisServer) => unknown, (server: RedisServer) => unknown]>([
    ['stopped by SIGSTOP', (server) => server.signal('SIGSTOP'), (server) => server.signal('SIGCONT')],
    // Nothing but time ends this pause: `client unpause` would wait as well.
    ['paused by CLIENT PAUSE', (server) => server.cli('client', 'pause', '3000'), () => {}],
  ])(
    'a server %s is `unavailable` by the deadline, again and again, and serves later',
    async (_, freeze, thaw) => {
      await using cleanup = new Cleanup();
      const frozen = await startRedis(cleanup);
      const patient = openStore(cleanup, frozen.port, { deadlineMs: 250 });
      const claim = await answered(() => patient.claim('t:0'));
      const request = commitOf(claim, { set: new Map([['part', bytes('late')]]) });
      await freeze(frozen);
      for (const call of [
        () => patient.commit('t:0', request),
        () => patient.claim('other:0'),
        () => patient.read('t:0'),
        () => patient.list(),
        () => patient.check(),
      ])
        await expect(call()).rejects.toThrow(StoreUnavailable);
      await thaw(frozen);
      expect(await answered(() => patient.commit('t:0', request))).toEqual({ result: 'committed' });
      expect((await patient.read('t:0'))?.fields.get('part')).toEqual(bytes('late'));
    },
  );

  test('a server that is away says so, and is found again after its restart with what it kept', async (t) => {
    const server = await startRedis(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const told: (string | null)[] = [];
    const patient = openStore(t, server.port, {
      deadlineMs: 1_000,
      onTrouble: (error) => told.push(error?.message ?? null),
    });
    const claim = await patient.claim('t:0');
    await patient.commit('t:0', commitOf(claim, { next: 5n, set: new Map([['part', bytes('kept')]]) }));
    await server.kill();
    const request = commitOf(claim, { expected: 5n, next: 6n });
    await expect(patient.commit('t:0', request)).rejects.toThrow(StoreUnavailable);
    await expect(patient.commit('t:0', request)).rejects.toThrow(/ECONNREFUSED/);
    await server.start();
    expect(await answered(() => patient.commit('t:0', request))).toEqual({ result: 'committed' });
    expect((await patient.claim('t:0')).fields.get('part')).toEqual(bytes('kept'));
    expect(told.at(-1)).toBeNull();
    expect(told.some((message) => message?.includes('ECONNREFUSED'))).toBe(true);
  });

  test('a server that lost everything refuses, and shows position null', async (t) => {
    const server = await startRedis(t);
    const patient = openStore(t, server.port);
    const claim = await patient.claim('t:0');
    await patient.commit('t:0', commitOf(claim, { next: 5n }));
    await server.cli('flushall');
    const answer = await patient.commit('t:0', commitOf(claim, { expected: 5n, next: 6n }));
    expect(answer).toEqual({ result: 'refused', epoch: 0n, next: null });
    expect(await patient.read('t:0')).toBeNull();
  });

  test('a full memory is `unavailable`, nothing is half written, and it goes on when there is room', async (t) => {
    const server = await startRedis(t);
    const patient = openStore(t, server.port);
    const set = new Map([['a', bytes('a1')]]);
    await patient.commit('t:0', commitOf(await patient.claim('t:0'), { next: 5n, set }));
    const before = await patient.claim('t:0');
    await server.cli('config', 'set', 'maxmemory', '1');
    const change = { set: new Map([['b', new Uint8Array(50_000)]]), remove: ['a'], next: 6n };
    const request = commitOf(before, change);
    await expect(patient.commit('t:0', request)).rejects.toThrow(/OOM/);
    await expect(patient.commit('t:0', request)).rejects.toThrow(StoreUnavailable);
    await expect(patient.claim('t:1')).rejects.toThrow(StoreUnavailable);
    expect(await patient.read('t:0')).toEqual(before);
    await server.cli('config', 'set', 'maxmemory', '0');
    expect(await patient.commit('t:0', request)).toEqual({ result: 'committed' });
    expect([...((await patient.read('t:0'))?.fields.keys() ?? [])]).toEqual(['b']);
  });

  test('does not believe what it reads', async (t) => {
    const partition = freshPartition();
    const key = `${KEY_PREFIX}{${partition}}`;
    const limits = { fieldBytesMax: 100, fieldsMax: 8, partitionBytesMax: 300 };
    const strict = openStore(t, redis.port, { keyPrefix: KEY_PREFIX, limits });
    for (const damage of [
      ['set', key, 'a string'],
      ['hset', key, 'p:large', 'x'.repeat(101)],
      ['hset', key, ...['a', 'b', 'c', 'd'].flatMap((name) => [`p:${name}`, 'x'.repeat(90)])],
      ['hset', key, ...Array.from({ length: 9 }, (_, at) => [`p:${at}`, 'x']).flat()],
      ['hset', key, 'epoch', '1', 'next', '1e3'],
      ['hset', key, 'epoch', '1', 'next', '-1'],
      ['hset', key, 'epoch', '1', 'facts', '{"__proto__":1}'],
      ['hset', key, 'epoch', '1', 'facts', '[["a"]]'],
    ]) {
      await redis.cli(...damage);
      await expect(strict.claim(partition), damage.join(' ')).rejects.toThrow(/cannot be used/);
      await expect(strict.read(partition), damage.join(' ')).rejects.toThrow(/cannot be used/);
      await redis.cli('del', key);
    }
  });
});

/** Repeats a call while the store is unavailable: what the flow does with its backoff. */
function answered<T>(call: () => Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
  return waitFor(call, { what: 'the store to answer' });
}

/** `test.each` hands its cases no context, so these tests end what they started themselves. */
class Cleanup implements Owner, AsyncDisposable {
  readonly cleanups: (() => Promise<void> | void)[] = [];
  onTestFinished(cleanup: () => Promise<void> | void): void {
    this.cleanups.push(cleanup);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.cleanups.reverse()) await cleanup();
  }
}
