/**
 * @platformatic/kafka 2.12.1 as both source and producer use it. Guarded against here: decompression without bounds,
 * and metadata that is fetched anew every five seconds.
 */
import { type BaseOptions, compressionsAlgorithms } from '@platformatic/kafka';
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
const FATAL_IDS = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
]);

export function isFatal(error: unknown): boolean {
  return layersOf(error).some(({ code, apiId }) => code === FATAL_CODE || FATAL_IDS.has(apiId ?? ''));
}

/** The client turns the broker's answer into a usage error of its own. */
const UNKNOWN_TOPIC = /^Unknown topic /;

/** The client's errors in the words of `errors.ts`. */
export function kafkaFailure(error: unknown, { brokers }: KafkaConnection, topics: readonly string[]): Error {
  const all = layersOf(error);
  if (all.some(({ apiId, message }) => apiId === 'UNKNOWN_TOPIC_OR_PARTITION' || UNKNOWN_TOPIC.test(message)))
    return failure('kafka_topic_missing', { topic: topics.join(', ') }, error);
  const detail = all.at(-1)?.message ?? String(error);
  return failure('kafka_unreachable', { brokers: brokers.join(', '), detail }, error);
}

type ClientError = Error & { readonly code?: string; readonly apiId?: string };
const DEPTH_MAX = 10;

/** The error and all that it holds, the innermost last: each retry and each broker adds a layer. */
function layersOf(error: unknown, depth = 0): ClientError[] {
  if (!(error instanceof Error) || depth > DEPTH_MAX) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  return [error, ...inner.flatMap((each) => layersOf(each, depth + 1))];
}
