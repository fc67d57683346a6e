/**
 * @platformatic/kafka 2.12.1 as both source and producer use it. Guarded against here: decompression without bounds,
 * and metadata that is fetched anew every five seconds.
 */
import { type BaseOptions, compressionsAlgorithms, findErrorBy } from '@platformatic/kafka';
import { failure } from '../../errors.ts';
import { type Codec, compress, inflateRecords } from '../kafka/codecs.ts';
import { CONNECTION_DEFAULTS, checkConnection, type KafkaConnection } from '../kafka/options.ts';
import { refusedRecords } from './refused.ts';

// The client keeps its codecs in one table for the whole process.
for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const satisfies Codec[]) {
  const table: { compressSync: unknown; decompressSync: unknown; compress?: unknown } =
    compressionsAlgorithms[codec];
  table.compressSync = (data: Bytes) => compress(codec, toBuffer(data));
  table.decompressSync = (data: Bytes) => {
    try {
      return inflateRecords(codec, toBuffer(data));
    } catch (error) {
      return refusedRecords(error);
    }
  };
  delete table.compress;
}

type Bytes = Buffer | { readonly buffer: Buffer };
const toBuffer = (data: Bytes): Buffer => (Buffer.isBuffer(data) ? data : data.buffer);

export interface Patience {
  readonly retries: number;
  readonly retryDelay: number;
}

export function baseOptions(connection: KafkaConnection, patience: Patience): BaseOptions {
  checkConnection('client', connection);
  return {
    clientId: connection.clientId,
    bootstrapBrokers: [...connection.brokers],
    connectTimeout: connection.connectionTimeoutMs ?? CONNECTION_DEFAULTS.connectionTimeoutMs,
    requestTimeout: connection.requestTimeoutMs ?? CONNECTION_DEFAULTS.requestTimeoutMs,
    autocreateTopics: false,
    ...patience,
    ...(connection.tls && { tls: connection.tls }),
    ...(connection.sasl && { sasl: saslOptions(connection.sasl) }),
  };
}

function saslOptions(sasl: NonNullable<KafkaConnection['sasl']>): NonNullable<BaseOptions['sasl']> {
  if (sasl.mechanism === 'oauthbearer') return { mechanism: 'OAUTHBEARER', token: sasl.token };
  const mechanism = sasl.mechanism.toUpperCase() as 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  return { mechanism, username: sasl.username, password: sasl.password };
}

/** Errors that no repetition mends: rights, credentials, configuration. */
const FATAL_CODE = 'PLT_KFK_AUTHENTICATION';
const FATAL_IDS = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
];

export function isFatal(error: unknown): boolean {
  return findErrorBy(error as Error, 'code', FATAL_CODE) !== null || FATAL_IDS.some((id) => hasId(error, id));
}

const hasId = (error: unknown, id: string): boolean => findErrorBy(error as Error, 'apiId', id) !== null;

/** The client turns the broker's answer into a usage error of its own. */
const UNKNOWN_TOPIC = /^Unknown topic /;

/** The client's errors in the words of `errors.ts`. */
export function kafkaFailure(error: unknown, { brokers }: KafkaConnection, topics: readonly string[]): Error {
  if (hasId(error, 'UNKNOWN_TOPIC_OR_PARTITION') || UNKNOWN_TOPIC.test(innermost(error)))
    return failure('kafka_topic_missing', { topic: topics.join(', ') }, error);
  return failure('kafka_unreachable', { brokers: brokers.join(', '), detail: innermost(error) }, error);
}

function innermost(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 10 && current instanceof Error; depth++) {
    const inner = current instanceof AggregateError ? current.errors.at(-1) : current.cause;
    if (!(inner instanceof Error)) return current.message;
    current = inner;
  }
  return String(current);
}
