/**
 * Reads the partitions of one tenure, a loop for each leader: fetch, hand over, fetch again. The client's own stream
 * hands out records of partitions that were lost and resumes from stale positions; its `fetch` does what it is told.
 */
import { type ClusterMetadata, type Consumer, ResponseError } from '@platformatic/kafka';
import type { SourceHandler } from '../../flow/ports.ts';
import { type Cursor, deliver } from '../kafka/cursor.ts';
import type { CompleteSourceOptions } from '../kafka/options.ts';
import { backOff } from '../kafka/wait.ts';
import type { PlatformaticLog } from './log.ts';
import { type FetchedPartition, type FetchResponse, readPartition } from './records.ts';

const READ_COMMITTED = 1;
const OUT_OF_RANGE = 1;
const NO_EPOCH = -1;

export interface FetcherOptions {
  readonly client: Consumer;
  readonly log: PlatformaticLog;
  readonly options: CompleteSourceOptions;
  readonly handler: SourceHandler;
  readonly working: () => void;
  readonly trouble: (error: unknown) => void;
  /** The handler threw; nothing more is delivered. */
  readonly failed: (error: unknown) => void;
  /** Batches that the handler is at. */
  readonly busy: Set<Promise<unknown>>;
}

export interface Tenancy {
  readonly cursors: readonly Cursor[];
  /** The topics as they were at the assignment. */
  readonly metadata: ClusterMetadata;
  readonly signal: AbortSignal;
}

/** A topic is not the one of the assignment: it has other partitions, or was created anew. */
export class TopicChanged extends Error {
  override name = 'TopicChanged';
}

/** Until `signal` aborts or the handler throws. Rejects with TopicChanged only. */
export async function readCursors(fetcher: FetcherOptions, tenancy: Tenancy): Promise<void> {
  const { client, log, options, handler, working, trouble, failed, busy } = fetcher;
  const stop = new AbortController();
  const signal = AbortSignal.any([tenancy.signal, stop.signal]);
  let failures = 0;

  /** Reads from one leader until a failure, or until the metadata are old. */
  async function readFrom(node: number, cursors: readonly Cursor[], metadata: ClusterMetadata) {
    const untilMs = Date.now() + options.metadataAgeMs;
    while (!signal.aborted && Date.now() < untilMs) {
      const generations = cursors.map(({ generation }) => generation);
      const response = await client
        .fetch({
          node,
          minBytes: options.fetchBytesMin,
          maxBytes: options.fetchBytesMax,
          maxWaitTime: options.fetchWaitMs,
          isolationLevel: READ_COMMITTED,
          topics: requestOf(cursors, metadata, options.partitionBytesMax),
        })
        .catch(answerOutOfRange);
      if (signal.aborted) return;
      working();
      failures = 0;
      await Promise.all(
        cursors.map((cursor, at) => {
          const found = partitionOf(response, cursor, metadata);
          // A seek or a revocation in between: the answer is to a question that nobody asks any more.
          return found === undefined || cursor.generation !== generations[at] ? null : take(cursor, found);
        }),
      );
    }
  }

  async function take(cursor: Cursor, partition: FetchedPartition): Promise<void> {
    if (partition.errorCode === OUT_OF_RANGE) return reposition(cursor);
    const from = cursor.position;
    const { records, next } = readPartition(partition, from);
    if (next === from) return;
    const delivery = deliver(handler, cursor, { records, from, next, end: partition.highWatermark });
    busy.add(delivery);
    try {
      await delivery;
    } catch (error) {
      stop.abort();
      failed(error);
    } finally {
      busy.delete(delivery);
    }
  }

  /** The log does not hold the position: on to what it holds, which the agent sees from where the next batch begins. */
  async function reposition(cursor: Cursor): Promise<void> {
    const { generation, position } = cursor;
    const [found] = await log.identify([cursor.id]);
    const { low, end } = found!.log;
    if (cursor.generation === generation && (position < low || position > end)) cursor.position = low;
  }

  async function round(): Promise<void> {
    const metadata = await log.metadata();
    for (const topic of options.topics) checkTopic(topic, tenancy.metadata, metadata);
    const byLeader = Map.groupBy(
      tenancy.cursors,
      ({ id }) => metadata.topics.get(id.topic)!.partitions[id.partition]!.leader,
    );
    // All are awaited, also after a failure: nothing of this round is under way when the next one begins.
    const ends = await Promise.allSettled(
      [...byLeader].map(([node, cursors]) => readFrom(node, cursors, metadata)),
    );
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken !== undefined) throw broken.reason;
  }

  while (!signal.aborted) {
    try {
      await round();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TopicChanged) throw error;
      trouble(error);
      await backOff(failures++, signal);
    }
  }
}

function checkTopic(topic: string, before: ClusterMetadata, now: ClusterMetadata): void {
  const was = before.topics.get(topic);
  const is = now.topics.get(topic);
  if (was?.id !== is?.id) throw new TopicChanged(`topic ${topic} was created anew`);
  if (was?.partitionsCount !== is?.partitionsCount)
    throw new TopicChanged(`topic ${topic} has ${is?.partitionsCount} partitions by now`);
}

function requestOf(cursors: readonly Cursor[], metadata: ClusterMetadata, partitionMaxBytes: number) {
  return [...Map.groupBy(cursors, ({ id }) => id.topic)].map(([topic, of]) => {
    const { id: topicId, partitions } = metadata.topics.get(topic)!;
    return {
      topicId,
      partitions: of.map(({ id: { partition }, position }) => ({
        partition,
        currentLeaderEpoch: partitions[partition]!.leaderEpoch,
        fetchOffset: position,
        lastFetchedEpoch: NO_EPOCH,
        partitionMaxBytes,
      })),
    };
  });
}

function partitionOf(
  { responses }: FetchResponse,
  { id }: Cursor,
  metadata: ClusterMetadata,
): FetchedPartition | undefined {
  const topicId = metadata.topics.get(id.topic)!.id;
  return responses
    .find((topic) => topic.topicId === topicId)
    ?.partitions.find(({ partitionIndex }) => partitionIndex === id.partition);
}

/** The client throws away an answer that refuses one of its partitions; when that is all, it is an answer to us. */
function answerOutOfRange(error: unknown): FetchResponse {
  const refused = lastResponse(error);
  const codes = refused?.responses.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
  const isAnswer = refused?.errorCode === 0 && codes?.every((code) => code === 0 || code === OUT_OF_RANGE);
  if (refused === null || !isAnswer) throw error;
  return refused;
}

function lastResponse(error: unknown): FetchResponse | null {
  if (error instanceof ResponseError) return (error.response as FetchResponse | undefined) ?? null;
  return error instanceof AggregateError ? lastResponse(error.errors.at(-1)) : null;
}
