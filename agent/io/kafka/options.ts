import type { ConnectionOptions } from 'node:tls';

/** What both clients need to reach a cluster. Secrets are functions, so that a rotated file counts at the next login. */
export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly connectionTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** TLS when given; `{}` trusts the system's authorities. */
  readonly tls?: ConnectionOptions | null;
  readonly sasl?: KafkaSasl | null;
}

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: () => string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => string | Promise<string> };

export interface KafkaSourceOptions {
  readonly connection: KafkaConnection;
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  /** The broker answers a fetch when it has this much, or after `fetchWaitMs`: fewer, larger answers cost less. */
  readonly fetchBytesMin?: number;
  readonly fetchWaitMs?: number;
  /** Most bytes of one answer, and of one partition in it (as stored, that is compressed). */
  readonly fetchBytesMax?: number;
  readonly partitionBytesMax?: number;
  /** How often the topic is looked at anew: added partitions are seen so late. */
  readonly metadataAgeMs?: number;
}

export interface KafkaProducerOptions {
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly compression: Compression;
  /** From the call of `send` to the last acknowledgement. */
  readonly deadlineMs?: number;
}

export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export const CONNECTION_DEFAULTS = { connectionTimeoutMs: 3_000, requestTimeoutMs: 15_000 } as const;

const SOURCE_DEFAULTS = {
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  heartbeatIntervalMs: 3_000,
  fetchBytesMin: 16 * 1024,
  fetchWaitMs: 250,
  fetchBytesMax: 16 * 1024 * 1024,
  partitionBytesMax: 2 * 1024 * 1024,
  metadataAgeMs: 60_000,
} as const;

export type CompleteSourceOptions = Required<KafkaSourceOptions>;

export function completeSourceOptions(options: KafkaSourceOptions): CompleteSourceOptions {
  checkConnection('source', options.connection);
  if (options.topics.length === 0) throw new Error('Kafka source: topics is empty');
  if (options.groupId === '') throw new Error('Kafka source: groupId is empty');
  const complete = { ...SOURCE_DEFAULTS, ...options };
  if (complete.heartbeatIntervalMs * 3 > complete.sessionTimeoutMs)
    throw new Error('Kafka source: heartbeatIntervalMs is over a third of sessionTimeoutMs');
  return complete;
}

export function checkConnection(whose: string, { brokers, clientId }: KafkaConnection): void {
  if (brokers.length === 0) throw new Error(`Kafka ${whose}: brokers is empty`);
  if (clientId === '') throw new Error(`Kafka ${whose}: clientId is empty`);
}
