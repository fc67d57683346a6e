/**
 * One membership in the group, from joining to a failure or the end. kafkajs 2.2.4, guarded against:
 * - it starts a partition at the group's offset: so all are paused while it still joins (its listeners are called
 *   synchronously), loaded by the handler, sought, and only then resumed;
 * - it jumps to the default offset when a position is out of range, and now and then answers from before a seek: so
 *   each batch is checked against the position that was asked for, and the log is asked when they differ;
 * - it has no revocation: so the heartbeat's answer is taken for it, also while a batch is under way;
 * - it repeats a batch five times when the callback throws: so nothing is thrown to it.
 */
import type { Batch, Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { LogIdentity, PartitionId, SourceHandler, SourceRecord } from '../../flow/ports.ts';
import { type Cursor, deliver, move } from '../kafka/cursor.ts';
import { addHeader, NO_HEADERS } from '../kafka/headers.ts';
import type { CompleteSourceOptions } from '../kafka/options.ts';
import type { Session, SessionEnd, SessionSignals } from '../kafka/supervisor.ts';
import { createTenure } from '../kafka/tenure.ts';
import { within } from '../kafka/wait.ts';
import { BRIEF_RETRY, createKafka } from './client.ts';
import { createKafkajsLog } from './log.ts';

/** Some half a minute: a broker that restarts finds the member it knew, and its group goes on without a rebalance. */
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 18 };
const BATCHES_AT_ONCE = 16;
const DISCONNECT_MS = 5_000;
const REVOKE_MS = 5_000;
/** What a member is told when its partitions are to move, or are lost. */
const REBALANCE = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
]);

export interface SessionOptions extends SessionSignals {
  readonly options: CompleteSourceOptions;
  readonly handler: SourceHandler;
}

export function createSession({ options, handler, working, trouble }: SessionOptions): Session {
  const { connection } = options;
  const unreachable = (reason: string): void => trouble(new Error(reason));
  const members = createKafka({ connection, retry: RETRY, unreachable });
  const questions = createKafka({ connection, retry: BRIEF_RETRY, unreachable });
  const consumer = createConsumer(members.kafka, options);
  const admin = questions.kafka.admin({ retry: BRIEF_RETRY });
  const log = createKafkajsLog(admin);
  const over = Promise.withResolvers<SessionEnd | null>();
  const busy = new Set<Promise<unknown>>();
  /** Where the client went by itself over records that nobody is to see (control records, aborted transactions). */
  const passed = new WeakMap<Cursor, bigint>();
  let state: 'starting' | 'running' | 'closing' = 'starting';
  let closing: Promise<void> | null = null;
  const running = (): boolean => state === 'running';
  const failed = (error: unknown): void => over.resolve({ error, byHandler: true });
  const revokeMs = Math.min(REVOKE_MS, options.rebalanceTimeoutMs / 3);

  const tenure = createTenure({
    handler,
    identify: log.identify,
    failed,
    revokeMs,
    ready(cursors) {
      if (!running()) return;
      for (const cursor of cursors) seekClient(cursor);
      consumer.resume(byTopic(cursors.map(({ id }) => id)));
      working();
    },
  });

  function seekClient({ id, position }: Cursor): void {
    consumer.seek({ ...id, offset: String(position) });
  }

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const ids = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    consumer.pause(byTopic(ids));
    if (state !== 'closing') tenure.assign(ids);
  });
  consumer.on(consumer.events.REBALANCING, () => void tenure.revoke());
  consumer.on(consumer.events.HEARTBEAT, working);
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (running()) state = 'starting';
    over.resolve({ error: payload.error, byHandler: false });
  });
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize > 0) return;
    const cursor = tenure.cursors.get(payload);
    if (cursor !== undefined) passed.set(cursor, BigInt(payload.lastOffset) + 1n);
  });

  async function eachBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
    const cursor = tenure.cursors.get(batch);
    if (cursor === undefined || state === 'closing') return;
    const from = await beginning(cursor, batch);
    if (from === null) return;
    const next = BigInt(batch.lastOffset()) + 1n;
    const fetched = { records: batch.messages.map(toRecord), from, next, end: BigInt(batch.highWatermark) };
    // A batch may take long, while the store is away: the group must not miss us, and we must hear what it wants.
    const beating = setInterval(() => {
      heartbeat().catch((error: { type?: string }) => {
        // Anything else the client meets again itself, at the heartbeat after the batch.
        if (REBALANCE.has(error.type ?? '')) void tenure.revoke();
      });
    }, options.heartbeatIntervalMs);
    const delivery = deliver(handler, cursor, fetched);
    busy.add(delivery);
    try {
      if (await delivery) resolveOffset(batch.lastOffset());
    } catch (error) {
      failed(error);
      consumer.pause([{ topic: batch.topic, partitions: [batch.partition] }]);
    } finally {
      busy.delete(delivery);
      clearInterval(beating);
    }
  }

  /**
   * What the batch is an answer to: the cursor's position; or where the client went since the log does not hold that,
   * which the agent is to see. Null for an answer from before a seek, which is asked again.
   */
  async function beginning(cursor: Cursor, batch: Batch): Promise<bigint | null> {
    // Not in the client's types: the position that was asked for.
    const asked = BigInt((batch as Batch & { readonly fetchedOffset: string }).fetchedOffset);
    const { generation, position } = cursor;
    if (asked === position) return position;
    const { low, end } = await identify(cursor.id);
    if (cursor.generation !== generation) return null;
    if (position < low || position > end) return asked;
    if (asked === passed.get(cursor)) return position;
    seekClient(cursor);
    return null;
  }

  async function identify(partition: PartitionId): Promise<LogIdentity> {
    const [found] = await log.identify([partition]);
    return found!.log;
  }

  async function start(): Promise<void> {
    // Asked first: a broker or topic that is missing is told at once.
    await admin.connect();
    await admin.fetchTopicMetadata({ topics: [...options.topics] });
    await consumer.connect();
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
    if (state === 'closing') return;
    state = 'running';
    await consumer.run({
      eachBatch,
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: BATCHES_AT_ONCE,
    });
  }

  async function leave(): Promise<void> {
    if (running()) consumer.pause(options.topics.map((topic) => ({ topic })));
    state = 'closing';
    // A batch that waits for something, like the store, is let go by the revocation.
    await within(revokeMs, Promise.allSettled(busy));
    await tenure.revoke();
    await Promise.allSettled(busy);
    await within(DISCONNECT_MS, Promise.allSettled([consumer.disconnect(), admin.disconnect()]));
    for (const client of [members, questions]) client.hangUp();
    over.resolve(null);
  }

  return {
    run() {
      start().catch((error: unknown) => over.resolve({ error, byHandler: false }));
      return over.promise;
    },
    seek(partition, position) {
      const cursor = tenure.cursors.get(partition);
      if (cursor === undefined || !running()) return;
      move(cursor, position);
      seekClient(cursor);
    },
    identify,
    async mirror(positions) {
      const mine = positions.filter(({ id }) => tenure.cursors.get(id) !== undefined);
      if (mine.length === 0 || !running()) return;
      await consumer.commitOffsets(mine.map(({ id, next }) => ({ ...id, offset: String(next) })));
    },
    close() {
      closing ??= leave();
      return closing;
    },
  };
}

function createConsumer(kafka: Kafka, options: CompleteSourceOptions): Consumer {
  return kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    heartbeatInterval: options.heartbeatIntervalMs,
    metadataMaxAge: options.metadataAgeMs,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    minBytes: options.fetchBytesMin,
    maxBytes: options.fetchBytesMax,
    maxBytesPerPartition: options.partitionBytesMax,
    maxWaitTimeInMs: options.fetchWaitMs,
    // Sessions are begun anew by the source, which tells of it.
    retry: { ...RETRY, restartOnFailure: async () => false },
  });
}

function byTopic(ids: readonly PartitionId[]): { topic: string; partitions: number[] }[] {
  return [...Map.groupBy(ids, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map(({ partition }) => partition),
  }));
}

function toRecord({ offset, timestamp, key, value, headers }: KafkaMessage): SourceRecord {
  const arrivedMs = Number(timestamp);
  return {
    position: BigInt(offset),
    arrivedMs: arrivedMs >= 0 ? arrivedMs : null,
    key,
    value,
    headers: headers === undefined ? NO_HEADERS : toHeaders(headers),
  };
}

function toHeaders(headers: NonNullable<KafkaMessage['headers']>): ReadonlyMap<string, Uint8Array> {
  let map: Map<string, Uint8Array> | null = null;
  for (const name in headers) {
    const values = headers[name];
    const value = Array.isArray(values) ? values[0] : values;
    if (value === undefined || value === null) continue;
    map ??= new Map();
    addHeader(map, name, typeof value === 'string' ? Buffer.from(value) : value);
  }
  return map ?? NO_HEADERS;
}
