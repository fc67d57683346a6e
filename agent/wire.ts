/**
 * The one file that knows both sides: turns the configuration into the adapters of `agent/io`. Adapters are loaded when
 * they are asked for, so that a command pays for the clients it uses only.
 */
import type { ConnectionOptions } from 'node:tls';
import { usesTls } from './config/checks.ts';
import type { Config } from './config/rows.ts';
import { readKeyFile } from './config/secret.ts';
import { failure } from './errors.ts';
import type { Notifier, Producer, Source, StateStore } from './flow/ports.ts';
import type { KafkaConnection, KafkaSasl } from './io/kafka/options.ts';
import type { KafkaAdmin } from './io/kafkajs/admin.ts';
import type { RedisAddress, RedisClientOptions, RedisTarget } from './io/redis/client.ts';

export { createFileSource } from './io/file/source.ts';

export interface StoreOptions {
  /** For commands that only look: takes no lock, writes nothing. */
  readonly readOnly?: boolean;
  readonly onTrouble?: (error: Error | null) => void;
}

export async function createStore(config: Config, options: StoreOptions = {}): Promise<StateStore> {
  const { store } = config;
  switch (store.type) {
    case 'memory': {
      const { createMemoryStore } = await import('./io/memory/store.ts');
      return createMemoryStore();
    }
    case 'disk': {
      const { createDiskStore } = await import('./io/disk/store.ts');
      const path = required(store.disk.path, 'store.disk.path');
      return createDiskStore({ path, readOnly: options.readOnly ?? false, fsync: store.disk.fsync });
    }
    case 'redis': {
      const { createRedisStore } = await import('./io/redis/store.ts');
      const trouble = options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble };
      return createRedisStore({ ...redisOptions(config), keyPrefix: store.redis.keyPrefix, ...trouble });
    }
  }
}

/** The telemetry topic, as one member of the group. */
export async function createSource(config: Config): Promise<Source> {
  const { kafka } = config;
  const options = {
    connection: kafkaConnection(config),
    topics: [kafka.topic],
    groupId: kafka.groupId,
    sessionTimeoutMs: kafka.sessionTimeoutMs,
    rebalanceTimeoutMs: kafka.rebalanceTimeoutMs,
    heartbeatIntervalMs: kafka.heartbeatIntervalMs,
  };
  switch (kafka.client) {
    case 'kafkajs':
      return (await import('./io/kafkajs/source.ts')).createKafkajsSource(options);
    case 'platformatic':
      return (await import('./io/platformatic/source.ts')).createPlatformaticSource(options);
  }
}

/** Into the telemetry topic, or another one. */
export async function createProducer(config: Config, topic = config.kafka.topic): Promise<Producer> {
  const options = { connection: kafkaConnection(config), topic, compression: config.kafka.compression };
  switch (config.kafka.client) {
    case 'kafkajs':
      return (await import('./io/kafkajs/producer.ts')).createKafkajsProducer(options);
    case 'platformatic':
      return (await import('./io/platformatic/producer.ts')).createPlatformaticProducer(options);
  }
}

/** Findings as CloudEvents into a topic of their own. */
export async function createTopicNotifier(config: Config, topic: string): Promise<Notifier> {
  const notifier = await import('./io/kafka/notifier.ts');
  return notifier.createTopicNotifier({ producer: await createProducer(config, topic) });
}

export async function createKafkaAdmin(config: Config): Promise<KafkaAdmin> {
  const admin = await import('./io/kafkajs/admin.ts');
  return admin.createKafkaAdmin({ connection: kafkaConnection(config) });
}

/** The clock of Kafka, epoch milliseconds; null where no broker tells. Either client can serve the other's brokers. */
export async function kafkaTimeMs(config: Config): Promise<number | null> {
  const { brokerTimeMs } = await import('./io/platformatic/time.ts');
  return brokerTimeMs(kafkaConnection(config));
}

export function kafkaConnection({ kafka }: Config): KafkaConnection {
  return {
    brokers: kafka.brokers,
    clientId: kafka.clientId,
    connectionTimeoutMs: kafka.connectionTimeoutMs,
    requestTimeoutMs: kafka.requestTimeoutMs,
    tls: usesTls(kafka.tls) ? tlsOptions(kafka.tls, 'kafka.tls') : null,
    sasl: kafkaSasl(kafka.sasl),
  };
}

function kafkaSasl({ mechanism, username, password, token }: Config['kafka']['sasl']): KafkaSasl | null {
  if (mechanism === null) return null;
  if (mechanism === 'oauthbearer') return { mechanism, token: () => token?.reveal() ?? '' };
  return { mechanism, username: username ?? '', password: () => password?.reveal() ?? '' };
}

/** The clock of Redis, epoch milliseconds. */
export async function redisTimeMs(config: Config): Promise<number> {
  const { createRedisClient } = await import('./io/redis/client.ts');
  const client = createRedisClient(redisOptions(config));
  try {
    const [seconds, microseconds] = await client.call('time', (redis) => redis.time());
    return Number(seconds) * 1000 + Number(microseconds) / 1000;
  } finally {
    await client.close();
  }
}

export function redisOptions({ store: { redis } }: Config): RedisClientOptions {
  const url = redis.url === null ? null : new URL(redis.url);
  const username = redis.username ?? (url?.username ? decodeURIComponent(url.username) : null);
  const secure = usesTls(redis.tls) || url?.protocol === 'rediss:';
  const tls = secure ? tlsOptions(redis.tls, 'store.redis.tls') : null;
  return {
    target: redisTarget(redis, url, tls),
    ...(username === null ? {} : { username }),
    ...(redis.password === null ? {} : { password: redis.password.reveal() }),
    ...(tls === null ? {} : { tls }),
    deadlineMs: redis.deadlineMs,
  };
}

function redisTarget(
  redis: Config['store']['redis'],
  url: URL | null,
  tls: ConnectionOptions | null,
): RedisTarget {
  if (redis.cluster.length > 0) return { mode: 'cluster', nodes: redis.cluster.map(addressOf) };
  if (redis.sentinels.length > 0) {
    return {
      mode: 'sentinel',
      sentinels: redis.sentinels.map(addressOf),
      name: redis.sentinelName,
      db: redis.database,
      ...(redis.sentinelUsername === null ? {} : { sentinelUsername: redis.sentinelUsername }),
      ...(redis.sentinelPassword === null ? {} : { sentinelPassword: redis.sentinelPassword.reveal() }),
      ...(tls === null ? {} : { sentinelTls: tls }),
    };
  }
  if (url === null) {
    return {
      mode: 'single',
      address: { host: required(redis.host, 'store.redis.host'), port: redis.port },
      db: redis.database,
    };
  }
  const database = /^\/(\d+)$/.exec(url.pathname)?.[1];
  return {
    mode: 'single',
    address: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? redis.port : Number(url.port),
    },
    db: database === undefined ? redis.database : Number(database),
  };
}

/** `host:port` or `[::1]:port`, as the configuration has checked. */
function addressOf(text: string): RedisAddress {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

export function tlsOptions(tls: Config['kafka']['tls'], key: string): ConnectionOptions {
  return {
    ...(tls.ca === null ? {} : { ca: readKeyFile(`${key}.ca`, tls.ca) }),
    ...(tls.cert === null ? {} : { cert: readKeyFile(`${key}.cert`, tls.cert) }),
    ...(tls.key === null ? {} : { key: readKeyFile(`${key}.key`, tls.key) }),
    ...(tls.serverName === null ? {} : { servername: tls.serverName }),
  };
}

/** What the role at hand does not demand, and the command asks for all the same. */
function required(value: string | null, key: string): string {
  if (value === null)
    throw failure('config_missing', { where: 'configuration', key, because: 'this command reads the store' });
  return value;
}
