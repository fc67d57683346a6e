/** What keys demand of each other. One entry per demand: the key it is told at, and the sentence when it is broken. */
import type { Config } from './rows.ts';

interface Check {
  readonly key: string;
  readonly row: 'config_missing' | 'config_conflict' | 'config_secret_inline';
  readonly broken: (config: Config) => string | false;
}

const missing = (key: string, broken: Check['broken']): Check => ({ key, row: 'config_missing', broken });
const conflict = (key: string, broken: Check['broken']): Check => ({ key, row: 'config_conflict', broken });

type Tls = Config['kafka']['tls'];
const half = (tls: Tls, has: 'cert' | 'key', needs: 'cert' | 'key', sentence: string): string | false =>
  tls[has] !== null && tls[needs] === null && sentence;

export const usesTls = (tls: Tls): boolean =>
  tls.enabled || tls.ca !== null || tls.cert !== null || tls.serverName !== null;

const usesRedis = (config: Config): boolean =>
  config.roles.includes('agent') && config.store.type === 'redis';

const redisWays = ({ store: { redis } }: Config): string[] => [
  ...(redis.url === null ? [] : ['url']),
  ...(redis.host === null ? [] : ['host']),
  ...(redis.sentinels.length === 0 ? [] : ['sentinels']),
  ...(redis.cluster.length === 0 ? [] : ['cluster']),
];

export const CHECKS: readonly Check[] = [
  missing('kafka.brokers', (c) => c.kafka.brokers.length === 0 && 'there is no broker to ask'),
  missing('kafka.tls.key', (c) => half(c.kafka.tls, 'cert', 'key', 'there is a certificate without it')),
  missing('kafka.tls.cert', (c) => half(c.kafka.tls, 'key', 'cert', 'there is a private key without it')),
  missing('store.redis.tls.key', (c) =>
    half(c.store.redis.tls, 'cert', 'key', 'there is a certificate without it'),
  ),
  missing('store.redis.tls.cert', (c) =>
    half(c.store.redis.tls, 'key', 'cert', 'there is a private key without it'),
  ),
  conflict(
    'kafka.sasl.mechanism',
    (c) =>
      c.kafka.sasl.mechanism === 'plain' &&
      !usesTls(c.kafka.tls) &&
      'plain without TLS tells everyone the password',
  ),
  missing(
    'kafka.sasl.username',
    (c) => namesUser(c) && c.kafka.sasl.username === null && `${c.kafka.sasl.mechanism} needs a user`,
  ),
  missing(
    'kafka.sasl.password',
    (c) => namesUser(c) && c.kafka.sasl.password === null && `${c.kafka.sasl.mechanism} needs a password`,
  ),
  missing(
    'kafka.sasl.token',
    (c) =>
      c.kafka.sasl.mechanism === 'oauthbearer' && c.kafka.sasl.token === null && 'oauthbearer needs a token',
  ),
  conflict(
    'kafka.heartbeatInterval',
    (c) =>
      c.kafka.heartbeatIntervalMs * 3 > c.kafka.sessionTimeoutMs &&
      'it is over a third of "kafka.sessionTimeout"',
  ),
  conflict(
    'kafka.findingsTopic',
    (c) =>
      c.kafka.findingsTopic === c.kafka.topic && 'incidents would be read as telemetry, it is "kafka.topic"',
  ),
  missing(
    'store.redis.host',
    (c) =>
      usesRedis(c) &&
      redisWays(c).length === 0 &&
      'a store of type redis needs host, url, sentinels or cluster',
  ),
  conflict('store.redis', (c) => redisWays(c).length > 1 && `${redisWays(c).join(' and ')} name Redis twice`),
  conflict('store.redis.url', ({ store: { redis } }) => {
    if (redis.url === null || URL.canParse(redis.url) === false)
      return redis.url !== null && 'it is no address';
    return !/^rediss?:$/.test(new URL(redis.url).protocol) && 'it must begin with redis:// or rediss://';
  }),
  {
    key: 'store.redis.password',
    row: 'config_secret_inline',
    broken: ({ store: { redis } }) =>
      redis.url !== null && URL.canParse(redis.url) && new URL(redis.url).password !== '' && 'in the address',
  },
  missing(
    'store.disk.path',
    (c) =>
      c.roles.includes('agent') &&
      c.store.type === 'disk' &&
      c.store.disk.path === null &&
      'the state needs a file',
  ),
];

const namesUser = (config: Config): boolean =>
  config.kafka.sasl.mechanism !== null && config.kafka.sasl.mechanism !== 'oauthbearer';
