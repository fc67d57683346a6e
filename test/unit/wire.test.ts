/** From keys to the options of adapters: what a user writes is what a client is given. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { createStore, kafkaConnection, redisOptions } from '../../agent/wire.ts';
import { provokes } from '../kit/provoke.ts';
import { tempDir } from '../kit/temp-dir.ts';

const configOf = (environment: Readonly<Record<string, string>>) =>
  loadConfig({ file: null, environment: { NORMWATCH_KAFKA_BROKERS: 'a:1', ...environment }, folder: '/' })
    .config;
const redisOf = (keys: Readonly<Record<string, string>>) =>
  redisOptions(
    configOf(
      Object.fromEntries(Object.entries(keys).map(([key, value]) => [`NORMWATCH_STORE_REDIS_${key}`, value])),
    ),
  );

describe('Redis by configuration', () => {
  it('is one server by host and port', () => {
    expect(redisOf({ HOST: 'h', PORT: '7', DATABASE: '2', DEADLINE: '1s' })).toEqual({
      target: { mode: 'single', address: { host: 'h', port: 7 }, db: 2 },
      deadlineMs: 1000,
    });
  });

  it('is one server by address, with TLS and user where the address says so', () => {
    expect(redisOf({ URL: 'rediss://us%40er@[::1]:7000/3', PASSWORD: 'p' })).toEqual({
      target: { mode: 'single', address: { host: '::1', port: 7000 }, db: 3 },
      username: 'us@er',
      password: 'p',
      tls: {},
      deadlineMs: 2000,
    });
    expect(redisOf({ URL: 'redis://h', PORT: '7' }).target).toMatchObject({
      address: { host: 'h', port: 7 },
      db: 0,
    });
  });

  it('is a cluster, or a master behind sentinels', () => {
    expect(redisOf({ CLUSTER: 'a:1,[::1]:2' }).target).toEqual({
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
    });
    expect(
      redisOf({ SENTINELS: 's:1', SENTINEL_NAME: 'm', SENTINEL_PASSWORD: 'sp', PASSWORD: 'p' }),
    ).toMatchObject({
      target: { mode: 'sentinel', sentinels: [{ host: 's', port: 1 }], name: 'm', sentinelPassword: 'sp' },
      password: 'p',
    });
  });

  it('is told by key and file when a certificate is not there', async () => {
    const failed = await provokes('key_file', () => redisOf({ HOST: 'h', TLS_CA: '/nowhere/ca.pem' }));
    expect(failed.message).toContain('"store.redis.tls.ca": /nowhere/ca.pem');
  });

  it('is asked for where the role at hand does not demand it, and a command does', async () => {
    await provokes('config_missing', () => createStore(configOf({ NORMWATCH_ROLES: 'intake' })));
  });
});

describe('Kafka by configuration', () => {
  it('is spoken to without TLS and SASL unless told', () => {
    expect(kafkaConnection(configOf({ NORMWATCH_STORE_TYPE: 'memory' }))).toMatchObject({
      brokers: ['a:1'],
      clientId: 'normwatch',
      tls: null,
      sasl: null,
    });
  });

  it('gets certificates by content, and secrets when they are asked for', async (t) => {
    const folder = await tempDir(t);
    writeFileSync(join(folder, 'ca'), 'CA');
    writeFileSync(join(folder, 'pw'), 'one\n');
    const connection = kafkaConnection(
      configOf({
        NORMWATCH_STORE_TYPE: 'memory',
        NORMWATCH_KAFKA_TLS_CA: join(folder, 'ca'),
        NORMWATCH_KAFKA_SASL_MECHANISM: 'scram-sha-256',
        NORMWATCH_KAFKA_SASL_USERNAME: 'u',
        NORMWATCH_KAFKA_SASL_PASSWORD_FILE: join(folder, 'pw'),
      }),
    );
    expect(connection.tls).toEqual({ ca: 'CA' });
    const { sasl } = connection;
    if (sasl?.mechanism !== 'scram-sha-256') throw new Error(`unexpected ${sasl?.mechanism}`);
    expect(sasl.password()).toBe('one');
    writeFileSync(join(folder, 'pw'), 'two\n');
    expect(sasl.password()).toBe('two');
  });
});
