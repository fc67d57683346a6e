/**
 * kafkajs 2.2.4 as both source and producer use it. Guarded against here: codecs it lacks, decompression without
 * bounds, timers that never rest, sockets it forgets, and a log of its own (we only hear from it that a broker cannot
 * be reached).
 */

import type { Kafka, KafkaConfig, KafkaJSError, RetryOptions, SASLOptions } from 'kafkajs';
import kafkajs from 'kafkajs';
import { failure } from '../../errors.ts';
import { type Codec, compress, inflateRecords } from '../kafka/codecs.ts';
import { CONNECTION_DEFAULTS, checkConnection, type KafkaConnection } from '../kafka/options.ts';
import { refusedRecords } from './refused.ts';
import { calmRequestQueue } from './request-queue.ts';
import { createSockets } from './sockets.ts';

export const { CompressionTypes } = kafkajs;

type CodecType = keyof typeof kafkajs.CompressionCodecs;

const CODECS: Record<Codec, CodecType> = {
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

calmRequestQueue();

// The client keeps its codecs in one table for the whole process.
for (const [codec, type] of Object.entries(CODECS) as [Codec, CodecType][]) {
  kafkajs.CompressionCodecs[type] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => compress(codec, buffer),
    decompress: async (bytes: Buffer) => {
      try {
        return inflateRecords(codec, bytes);
      } catch (error) {
        return refusedRecords(bytes, error);
      }
    },
  });
}

const UNREACHABLE = /^Connection (error|timeout)/;

/** For questions: a broker or topic that is missing is to be told at once. */
export const BRIEF_RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 500, retries: 2 };

export interface KafkaOptions {
  readonly connection: KafkaConnection;
  readonly retry: RetryOptions;
  /** Called, also in the middle of the client's own retries, when a broker does not answer. */
  readonly unreachable?: (reason: string) => void;
}

export interface Client {
  readonly kafka: Kafka;
  /** For after everything was disconnected: ends what the client has left open. */
  hangUp(): void;
}

export function createKafka({ connection, retry, unreachable = () => {} }: KafkaOptions): Client {
  checkConnection('client', connection);
  const sockets = createSockets();
  const config: KafkaConfig = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    socketFactory: sockets.dial,
    connectionTimeout: connection.connectionTimeoutMs ?? CONNECTION_DEFAULTS.connectionTimeoutMs,
    authenticationTimeout: connection.requestTimeoutMs ?? CONNECTION_DEFAULTS.requestTimeoutMs,
    requestTimeout: connection.requestTimeoutMs ?? CONNECTION_DEFAULTS.requestTimeoutMs,
    enforceRequestTimeout: true,
    // The one that counts for connections; consumers and producers have one of their own for requests.
    retry,
    logLevel: kafkajs.logLevel.ERROR,
    logCreator: () => (entry) => {
      if (UNREACHABLE.test(entry.log.message)) unreachable(entry.log.message);
    },
    ...(connection.tls && { ssl: connection.tls }),
    ...(connection.sasl && { sasl: saslOptions(connection.sasl) }),
  };
  return { kafka: new kafkajs.Kafka(config), hangUp: sockets.hangUp };
}

function saslOptions(sasl: NonNullable<KafkaConnection['sasl']>): SASLOptions {
  if (sasl.mechanism === 'oauthbearer')
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) };
  return {
    mechanism: sasl.mechanism as 'plain',
    username: sasl.username,
    // Read by the client at each login.
    get password() {
      return sasl.password();
    },
  };
}

/** Errors that no repetition mends: rights, credentials, configuration. */
const FATAL = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'KafkaJSSASLAuthenticationError',
]);

export function isFatal(error: unknown): boolean {
  return causes(error).some(({ name, type }) => FATAL.has(name) || FATAL.has(type ?? ''));
}

/** The client's errors in the words of `errors.ts`. */
export function kafkaFailure(error: unknown, { brokers }: KafkaConnection, topics: readonly string[]): Error {
  const all = causes(error);
  if (all.some(({ type }) => type === 'UNKNOWN_TOPIC_OR_PARTITION'))
    return failure('kafka_topic_missing', { topic: topics.join(', ') }, error);
  const detail = all.at(-1)?.message ?? String(error);
  return failure('kafka_unreachable', { brokers: brokers.join(', '), detail }, error);
}

type ClientError = Pick<KafkaJSError, 'name' | 'message'> & { type?: string; cause?: unknown };

function causes(error: unknown): ClientError[] {
  const all: ClientError[] = [];
  let current = error;
  while (current instanceof Error && all.length < 10) {
    all.push(current);
    current = current.cause;
  }
  return all;
}
