/**
 * One membership in the group, from joining to a failure or the end. @platformatic/kafka 2.12.1: one instance of its
 * Consumer is the member and asks about the log, a second one fetches, so that a long poll delays no heartbeat.
 * Guarded against: it joins again by itself when told of a rebalance, which waits here until the handler has let go;
 * and after a failed join it is silent for ever, so that its session is over.
 */
import { type ClusterMetadata, Consumer } from '@platformatic/kafka';
import type { SourceHandler } from '../../flow/ports.ts';
import { type Cursor, move } from '../kafka/cursor.ts';
import type { CompleteSourceOptions } from '../kafka/options.ts';
import type { Session, SessionEnd, SessionSignals } from '../kafka/supervisor.ts';
import { createTenure } from '../kafka/tenure.ts';
import { within } from '../kafka/wait.ts';
import { baseOptions } from './client.ts';
import { readCursors } from './fetcher.ts';
import { createPlatformaticLog } from './log.ts';

/** Some half a minute: a broker that restarts finds the member it knew. */
const MEMBER_PATIENCE = { retries: 30, retryDelay: 1_000 };
/** The fetcher has a pause of its own after a failure, and tells of it. */
const FETCH_PATIENCE = { retries: 1, retryDelay: 100 };
const NO_EPOCH = -1;
const REVOKE_MS = 5_000;
const CLOSE_MS = 5_000;

export interface SessionOptions extends SessionSignals {
  readonly options: CompleteSourceOptions;
  readonly handler: SourceHandler;
}

export function createSession({ options, handler, working, trouble }: SessionOptions): Session {
  const over = Promise.withResolvers<SessionEnd | null>();
  const failed = (error: unknown): void => over.resolve({ error, byHandler: true });
  const revokeMs = Math.min(REVOKE_MS, options.rebalanceTimeoutMs / 3);
  const broken = (error: unknown): void => over.resolve({ error, byHandler: false });
  const member = new Consumer({
    ...baseOptions(options.connection, MEMBER_PATIENCE),
    groupId: options.groupId,
    groupProtocol: 'classic',
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: Math.max(options.rebalanceTimeoutMs, options.sessionTimeoutMs),
    heartbeatInterval: options.heartbeatIntervalMs,
    autocommit: false,
    // Called before each join and awaited: the one place where a join can be held until partitions are given back.
    protocolsMetadata: async () => {
      await letGo();
      return Buffer.alloc(0);
    },
  });
  const client = new Consumer({
    ...baseOptions(options.connection, FETCH_PATIENCE),
    groupId: options.groupId,
  });
  for (const each of [member, client]) each.topics.trackAll(...options.topics);
  const log = createPlatformaticLog(client, options.topics);
  const busy = new Set<Promise<unknown>>();
  /** The topics as they were when the partitions were loaded. */
  let metadata: ClusterMetadata | null = null;
  let tenancy = new AbortController();
  let reading: Promise<unknown> = Promise.resolve();
  let joined = '';
  let closing: Promise<void> | null = null;

  const tenure = createTenure({
    handler,
    failed,
    revokeMs,
    async identify(ids) {
      metadata = await log.metadata();
      return log.identify(ids);
    },
    ready(cursors) {
      working();
      if (cursors.length > 0 && metadata !== null) read(cursors, metadata);
    },
  });

  function read(cursors: readonly Cursor[], metadata: ClusterMetadata): void {
    tenancy = new AbortController();
    const { signal } = tenancy;
    const fetcher = { client, log, options, handler, working, trouble, failed, busy };
    // After the tenancy before has ended: two fetches at a time would confuse the broker's fetch session.
    reading = reading.then(() => readCursors(fetcher, { cursors, metadata, signal })).catch(broken);
  }

  function letGo(): Promise<void> {
    tenancy.abort();
    return tenure.revoke();
  }

  member.on('consumer:group:rebalance', () => void letGo());
  member.on('consumer:group:join', ({ memberId, generationId, assignments }) => {
    const generation = `${memberId} ${generationId}`;
    // A failed commit makes the client join a second time, beside the heartbeat that does so anyway.
    if (closing !== null || generation === joined) return;
    joined = generation;
    tenancy.abort();
    tenure.assign(
      (assignments ?? []).flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    );
  });
  member.on('consumer:heartbeat:error', ({ error }) => trouble(error));
  member.on('consumer:heartbeat:end', working);
  member.on('error', broken);

  async function start(): Promise<void> {
    // Asked first, with little patience: a broker or topic that is missing is told at once.
    await log.metadata();
    if (closing === null) await member.joinGroup({});
  }

  async function leave(): Promise<void> {
    tenancy.abort();
    // A batch that waits for something, like the store, is let go by the revocation.
    await within(revokeMs, Promise.allSettled(busy));
    await tenure.revoke();
    await Promise.allSettled(busy);
    await within(CLOSE_MS, Promise.allSettled([member.close(true), client.close(true)]));
    over.resolve(null);
  }

  return {
    run() {
      start().catch(broken);
      return over.promise;
    },
    seek(partition, position) {
      const cursor = tenure.cursors.get(partition);
      if (cursor !== undefined) move(cursor, position);
    },
    async identify(partition) {
      const [found] = await log.identify([partition]);
      return found!.log;
    },
    async mirror(positions) {
      const mine = positions.filter(({ id }) => tenure.cursors.get(id) !== undefined);
      if (mine.length === 0 || closing !== null) return;
      await member.commit({
        offsets: mine.map(({ id, next }) => ({ ...id, offset: next, leaderEpoch: NO_EPOCH })),
      });
    },
    close() {
      closing ??= leave();
      return closing;
    },
  };
}
