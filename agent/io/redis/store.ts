/**
 * The store of the agents: Redis 6.2 or later, single, Sentinel or Cluster (connection and its faults: `client.ts`).
 *
 * One hash per partition, `nw:{topic:partition}`: the braces keep each in one slot. State and position change in one
 * script, by compare-and-set on epoch and position. A failover that loses acknowledged writes takes the position back
 * with the state, the next commit is refused, and the log is read again from there.
 */
import { Cluster, type Redis } from 'ioredis';
import {
  type Claim,
  type CommitRequest,
  type CommitResult,
  type StateStore,
  type StoreCheck,
  StoreUnavailable,
} from '../../flow/ports.ts';
import {
  checkCommit,
  decodeFacts,
  encodeFacts,
  parsePosition,
  STORE_LIMITS,
  type StoreLimits,
  sizeGuard,
  unfit,
} from '../memory/stored.ts';
import { checkServer } from './check.ts';
import { createRedisClient, isReplyError, type RedisClientOptions } from './client.ts';
import { CLAIM, COMMIT, PART_PREFIX, type Script, TOO_LARGE } from './scripts.ts';

export interface RedisStoreOptions extends Omit<RedisClientOptions, 'deadlineMs'> {
  readonly keyPrefix?: string;
  /** Every call settles within this. */
  readonly deadlineMs?: number;
  readonly limits?: StoreLimits;
}

/** Most partitions `list` reads: far beyond any topic, and a bound on what a foreign Redis can make us hold. */
const PARTITIONS_MAX = 100_000;

export function createRedisStore(options: RedisStoreOptions): StateStore {
  const { keyPrefix = 'nw:', limits = STORE_LIMITS, deadlineMs = 2_000 } = options;
  if (!(deadlineMs >= 10)) throw new RangeError(`deadlineMs must be at least 10, not ${deadlineMs}`);
  const client = createRedisClient({ ...options, deadlineMs });
  const keyOf = (partition: string): string => `${keyPrefix}{${partition}}`;

  const call = async <T>(what: string, work: (redis: Redis | Cluster) => Promise<T>): Promise<T> => {
    try {
      return await client.call(what, work);
    } catch (error) {
      if (!isReplyError(error)) throw error;
      // The script did nothing. What waiting can mend is `unavailable`: out of memory, loading, no replica, read only.
      const text = client.tell(error);
      if (/\bWRONGTYPE\b/.test(text)) throw unfit('redis', `${what}: the key holds something else`);
      if (text.startsWith(TOO_LARGE))
        throw unfit('redis', `${what}: larger than any state this program writes`);
      throw new StoreUnavailable(`${what}: Redis refused: ${text}`);
    }
  };

  const run = (
    what: string,
    script: Script,
    partition: string,
    args: (string | Buffer)[],
  ): Promise<unknown> =>
    call(`${what} of ${partition}`, async (redis) => {
      try {
        return await redis.callBuffer('evalsha', script.sha, 1, keyOf(partition), ...args);
      } catch (error) {
        if (!isReplyError(error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return redis.callBuffer('eval', script.text, 1, keyOf(partition), ...args);
      }
    });

  const load = async (mode: 'claim' | 'read', partition: string): Promise<Claim | null> => {
    const caps = [limits.fieldsMax, limits.fieldBytesMax, limits.partitionBytesMax].map(String);
    return decodeHash(partition, await run(mode, CLAIM, partition, [mode, ...caps]), limits);
  };

  return {
    async claim(partition: string): Promise<Claim> {
      const claim = await load('claim', partition);
      if (claim === null) throw new StoreUnavailable(`claim of ${partition}: Redis answered nothing`);
      return claim;
    },

    async commit(partition: string, request: CommitRequest): Promise<CommitResult> {
      checkCommit(request, limits);
      const answer = await run('commit', COMMIT, partition, commitArguments(request));
      const [result = '', epoch = '', next = ''] = Array.isArray(answer) ? answer.map(String) : [];
      if (result === 'committed') return { result };
      if (result !== 'refused') throw unfit('redis', `commit of ${partition}: an answer out of the ordinary`);
      return {
        result,
        epoch: parsePosition('redis', 'epoch', epoch),
        next: next === '' ? null : parsePosition('redis', 'position', next),
      };
    },

    read: (partition) => load('read', partition),

    async list(): Promise<string[]> {
      const names = await call('list', (redis) =>
        Promise.all(masters(redis).map((one) => scan(one, keyPrefix))),
      );
      return [...new Set(names.flat())].sort();
    },

    check: (): Promise<StoreCheck[]> =>
      call('check', async (redis) => {
        const isCluster = options.target.mode === 'cluster';
        const checks = await Promise.all(
          masters(redis).map((one) =>
            one.info().then(
              (info) => checkServer(info, isCluster),
              (error) => {
                if (!isReplyError(error)) throw error;
                return checkServer(client.tell(error), isCluster);
              },
            ),
          ),
        );
        return checks.flat();
      }),

    close: () => client.close(),
  };
}

const masters = (redis: Redis | Cluster): Redis[] =>
  redis instanceof Cluster ? redis.nodes('master') : [redis];

function commitArguments(request: CommitRequest): (string | Buffer)[] {
  const header = [request.epoch, request.expected ?? '', request.next, request.commitId].map(String);
  const removed = request.remove.map((name) => PART_PREFIX + name);
  const set = [...request.set].flatMap(([name, value]) => [
    PART_PREFIX + name,
    Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  ]);
  return [...header, encodeFacts(request.facts), String(removed.length), ...removed, ...set];
}

/** Reads the flat list of `HGETALL`. Every byte of it is untrusted. */
function decodeHash(partition: string, answer: unknown, limits: StoreLimits): Claim | null {
  if (!Array.isArray(answer) || answer.length % 2 !== 0) throw unfit('redis', `${partition} is no hash`);
  if (answer.length === 0) return null;
  const guard = sizeGuard('redis', partition, limits);
  const header = new Map<string, string>();
  const fields = new Map<string, Uint8Array>();
  for (let at = 0; at < answer.length; at += 2) {
    const name = String(answer[at]);
    const value: unknown = answer[at + 1];
    if (!Buffer.isBuffer(value)) throw unfit('redis', `${partition} has a field that is no string`);
    guard(name, value.byteLength);
    if (name.startsWith(PART_PREFIX)) fields.set(name.slice(PART_PREFIX.length), new Uint8Array(value));
    else header.set(name, value.toString());
  }
  const next = header.get('next');
  return {
    header: {
      epoch: parsePosition('redis', 'epoch', header.get('epoch') ?? '0'),
      next: next === undefined ? null : parsePosition('redis', 'position', next),
      facts: decodeFacts('redis', header.get('facts') ?? '[]'),
    },
    fields,
  };
}

async function scan(redis: Redis, keyPrefix: string): Promise<string[]> {
  const names: string[] = [];
  const pattern = `${keyPrefix.replaceAll(/[*?[\]\\^]/g, '\\$&')}{*}`;
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
    for (const key of keys) names.push(key.slice(keyPrefix.length + 1, -1));
    if (names.length > PARTITIONS_MAX)
      throw unfit('redis', `more than ${PARTITIONS_MAX} partitions are stored`);
    cursor = next;
  } while (cursor !== '0');
  return names;
}
