/** The door to Redis: passwords, ACL, TLS, and the check that refuses a server which would lose state. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type StateStore, type StoreCheck, StoreUnavailable } from '../../agent/flow/ports.ts';
import { createRedisStore, type RedisStoreOptions } from '../../agent/io/redis/store.ts';
import type { Owner } from '../kit/owner.ts';
import { type RedisServer, startRedis } from '../kit/redis.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { waitFor } from '../kit/wait-for.ts';
import { bytes, commitOf } from './store.ts';

const SECRET = 'canary-5ecret-b1rd';

function openStore(by: Owner, port: number, options: Partial<RedisStoreOptions> = {}): StateStore {
  const target = { mode: 'single', address: { host: '127.0.0.1', port } } as const;
  const store = createRedisStore({ target, ...options });
  by.onTestFinished(() => store.close());
  return store;
}

const levels = (checks: StoreCheck[], level: StoreCheck['level']): string[] =>
  checks.filter((check) => check.level === level).map(({ message }) => message);

/** All that an agent's user needs, and nothing more: keys under its prefix, these commands. */
const ACL_RULES = '~nw:* resetchannels -@all +ping +info +client|setname +scan +eval +evalsha'
  .concat(' +hget +hmget +hset +hdel +hincrby +hgetall +hlen +hkeys +hstrlen')
  .split(' ');

describe('Redis store, access', () => {
  test('works with a user that may do no more than it needs', async (t) => {
    const server = await startRedis(t);
    await server.cli('acl', 'setuser', 'normwatch', 'on', `>${SECRET}`, ...ACL_RULES);
    await server.cli('acl', 'setuser', 'default', 'off');
    const store = openStore(t, server.port, { username: 'normwatch', password: SECRET });
    const set = new Map([['part', bytes('value')]]);
    await store.commit('t:0', commitOf(await store.claim('t:0'), { set }));
    await store.commit('t:0', commitOf(await store.claim('t:0'), { remove: ['part'] }));
    expect((await store.read('t:0'))?.header.next).toBe(2n);
    expect(await store.list()).toEqual(['t:0']);
    expect(levels(await store.check(), 'fatal')).toEqual([]);
    const elsewhere = openStore(t, server.port, {
      username: 'normwatch',
      password: SECRET,
      keyPrefix: 'other:',
    });
    await expect(elsewhere.claim('t:0')).rejects.toThrow(/NOPERM/);
  });

  test('says that the password is wrong, without the password', async (t) => {
    const server = await startRedis(t, { args: ['--requirepass', 'right'] });
    for (const options of [{ password: SECRET }, { username: 'nobody', password: SECRET }, {}]) {
      const told: string[] = [];
      const store = openStore(t, server.port, {
        ...options,
        deadlineMs: 1_500,
        onTrouble: (error) => told.push(`${error?.stack} ${JSON.stringify(error)}`),
      });
      const error = await store.claim('t:0').catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect(String(error)).toMatch(/WRONGPASS|NOAUTH/);
      expect(`${(error as Error).stack} ${JSON.stringify(error)} ${told.join()}`).not.toContain(SECRET);
      expect((error as Error).cause).toBeUndefined();
    }
    expect((await openStore(t, server.port, { password: 'right' }).claim('t:0')).header.epoch).toBe(1n);
  });

  test('speaks TLS, shows its own certificate, and does not trust an unknown one', async (t) => {
    const dir = await tempDir(t);
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ]);
    const server = await startTlsRedis(t, dir, { key, cert });
    const [ca, clientKey] = [await readFile(cert), await readFile(key)];
    const mutual = openStore(t, server.port, { tls: { ca, cert: ca, key: clientKey } });
    expect((await mutual.claim('t:0')).header.epoch).toBe(1n);
    const distrustful = openStore(t, server.port, { tls: { cert: ca, key: clientKey }, deadlineMs: 1_500 });
    await expect(distrustful.claim('t:0')).rejects.toThrow(/self-signed certificate/);
    const anonymous = openStore(t, server.port, { tls: { ca }, deadlineMs: 1_500 });
    await expect(anonymous.claim('t:0')).rejects.toThrow(StoreUnavailable);
  });
});

describe('Redis store, check', () => {
  test('calls every eviction policy but noeviction fatal', async (t) => {
    const server = await startRedis(t);
    const store = openStore(t, server.port);
    for (const policy of ['allkeys-lru', 'volatile-ttl', 'allkeys-random']) {
      await server.cli('config', 'set', 'maxmemory-policy', policy);
      expect(levels(await store.check(), 'fatal')).toEqual([expect.stringContaining(policy)]);
    }
    await server.cli('config', 'set', 'maxmemory-policy', 'noeviction');
    expect(levels(await store.check(), 'fatal')).toEqual([]);
  });

  test('warns of a missing append-only file, a missing replica, and writes without one', async (t) => {
    const server = await startRedis(t);
    const store = openStore(t, server.port);
    expect(levels(await store.check(), 'warning')).toEqual([
      expect.stringContaining('append-only'),
      expect.stringContaining('no replica'),
    ]);
    await server.cli('config', 'set', 'appendonly', 'yes');
    const replica = await startRedis(t, { args: ['--replicaof', '127.0.0.1', `${server.port}`] });
    await waitFor(
      async () =>
        levels(await store.check(), 'warning')
          .join()
          .includes('min-replicas-to-write'),
      {
        what: 'the replica to be seen',
      },
    );
    await server.cli('config', 'set', 'min-replicas-to-write', '1');
    expect(await store.check()).toEqual([{ level: 'good', message: expect.stringMatching(/^Redis \d/) }]);
    const astray = openStore(t, replica.port, { deadlineMs: 1_500 });
    expect(levels(await astray.check(), 'fatal')).toEqual([expect.stringContaining('replica')]);
  });

  test('calls a single connection to a cluster fatal', async (t) => {
    const server = await startRedis(t, { args: ['--cluster-enabled', 'yes'] });
    expect(levels(await openStore(t, server.port).check(), 'fatal').join()).toContain('cluster');
  });

  test('is a warning, not a stop, where INFO is forbidden', async (t) => {
    const server = await startRedis(t);
    await server.cli('acl', 'setuser', 'shy', 'on', '>pw', '~*', '+@all', '-info');
    const checks = await openStore(t, server.port, { username: 'shy', password: 'pw' }).check();
    expect(checks).toEqual([{ level: 'warning', message: expect.stringContaining('NOPERM') }]);
  });
});

async function startTlsRedis(
  t: Owner,
  dir: string,
  files: { key: string; cert: string },
): Promise<RedisServer> {
  const tls = ['--tls-cert-file', files.cert, '--tls-key-file', files.key, '--tls-ca-cert-file', files.cert];
  const plain = await startRedis(t, { dir, args: ['--tls-port', '0', ...tls] });
  // The same port, now for TLS only.
  await plain.stop();
  return startRedis(t, {
    dir,
    port: plain.port,
    args: [...tls, '--port', '0', '--tls-port', `${plain.port}`],
  });
}
