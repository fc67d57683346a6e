/**
 * The connection to Redis. Client: ioredis 6. Faults of it that we guard against:
 *
 * - `autoResendUnfulfilledCommands: true` runs a command twice after a lost reply; `false` may leave it unsettled for
 *   good. It is off, the queue is flushed at each close (`maxRetriesPerRequest: 0`), and each call has a deadline here.
 * - Commands given while the connection is down pile up (`enableOfflineQueue`). It is off; a call waits for `ready` itself.
 * - A connection that hangs keeps the commands of all later calls. `socketTimeout` drops it and one is made anew; in a
 *   cluster only the one to the node that hangs.
 * - Errors carry the arguments of their command, passwords and state among them. Only their text goes on, secrets blanked.
 */
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import { StoreUnavailable } from '../../flow/ports.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export type RedisTarget =
  | { readonly mode: 'single'; readonly address: RedisAddress; readonly db?: number }
  | {
      readonly mode: 'sentinel';
      readonly sentinels: readonly RedisAddress[];
      /** Name of the group the sentinels watch. */
      readonly name: string;
      readonly db?: number;
      readonly sentinelUsername?: string;
      readonly sentinelPassword?: string;
      readonly sentinelTls?: ConnectionOptions;
    }
  | { readonly mode: 'cluster'; readonly nodes: readonly RedisAddress[] };

export interface RedisClientOptions {
  readonly target: RedisTarget;
  readonly username?: string;
  readonly password?: string;
  /** Present: TLS, with these settings (CA, client certificate, server name). */
  readonly tls?: ConnectionOptions;
  readonly deadlineMs: number;
  /** The connection was lost (with the reason) or is there (`null`). */
  readonly onTrouble?: (error: Error | null) => void;
}

export interface RedisClient {
  /**
   * Runs `work` on a ready connection. Settles within the deadline. Throws StoreUnavailable, the outcome being unknown,
   * or what the server answered as ReplyError.
   */
  call<T>(what: string, work: (client: Redis | Cluster) => Promise<T>): Promise<T>;
  /** Text of an error in one line without secrets. */
  tell(error: unknown): string;
  close(): Promise<void>;
}

const RETRY_MS_MAX = 1_000;
const retryMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 10), RETRY_MS_MAX);

export function createRedisClient(options: RedisClientOptions): RedisClient {
  const { deadlineMs, target } = options;
  const client = target.mode === 'cluster' ? clusterClient(options, target) : singleClient(options, target);
  const secrets = [options.password, target.mode === 'sentinel' ? target.sentinelPassword : undefined].filter(
    (secret) => secret !== undefined && secret !== '',
  ) as string[];
  const waiting = new Set<() => void>();
  let lastError: string | null = null;
  let isReady = false;
  let isClosed = false;

  const tell = (error: unknown): string => {
    let text = error instanceof Error ? error.message || error.name : String(error);
    // The causes behind "all nodes failed" and "all addresses failed" are what the reader needs.
    const inner = (error as { lastNodeError?: unknown; errors?: unknown[] } | null) ?? {};
    const cause = inner.lastNodeError ?? inner.errors?.[0];
    if (cause instanceof Error && !text.includes(cause.message)) text = `${text} (${cause.message})`;
    for (const secret of secrets) text = text.replaceAll(secret, '[REDACTED]');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a server's text must not break a log line
    return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 300);
  };

  client.on('ready', () => {
    isReady = true;
    lastError = null;
    options.onTrouble?.(null);
    for (const go of waiting) go();
    waiting.clear();
  });
  client.on('error', (error: unknown) => {
    lastError = tell(error);
    options.onTrouble?.(new StoreUnavailable(lastError));
  });
  for (const event of ['close', 'end'])
    client.on(event, () => {
      isReady = false;
    });
  client.on('node error', (error: unknown) => {
    lastError = tell(error);
  });

  const call = async <T>(what: string, work: (client: Redis | Cluster) => Promise<T>): Promise<T> => {
    if (isClosed) throw new StoreUnavailable(`${what}: the store is closed`);
    let go = () => {};
    let timer: NodeJS.Timeout | undefined;
    let isSent = false;
    const ready = new Promise<void>((resolve) => {
      go = resolve;
      if (isReady) resolve();
      else waiting.add(go);
    });
    const missed = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const state = isSent ? 'no answer' : 'no connection';
        const reason = lastError === null ? '' : `: ${lastError}`;
        reject(new StoreUnavailable(`${what}: ${state} from Redis within ${deadlineMs} ms${reason}`));
      }, deadlineMs);
    });
    try {
      await Promise.race([ready, missed]);
      isSent = true;
      const answer = work(client);
      // After the deadline nobody listens any more: the loss was told by then.
      answer.catch(() => {});
      return await Promise.race([answer, missed]);
    } catch (error) {
      if (error instanceof StoreUnavailable || isReplyError(error)) throw error;
      throw new StoreUnavailable(`${what}: ${tell(error)}`);
    } finally {
      clearTimeout(timer);
      waiting.delete(go);
    }
  };

  return {
    call,
    tell,
    async close() {
      isClosed = true;
      client.disconnect();
    },
  };
}

/** An error the server itself answered: it was reached, and the command had no effect. */
export const isReplyError = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ReplyError';

function commonOptions(options: RedisClientOptions) {
  return {
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    protocol: 2 as const,
    connectionName: 'normwatch',
    disableClientInfo: true,
    connectTimeout: options.deadlineMs,
    // For the commands of the handshake; those of a call end by the call's own deadline, which began earlier.
    commandTimeout: options.deadlineMs,
    socketTimeout: options.deadlineMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableReadyCheck: true,
    noDelay: true,
    keepAlive: 10_000,
    // A server that hangs never answers the end of a connection either.
    disconnectTimeout: 100,
  };
}

function singleClient(options: RedisClientOptions, target: Exclude<RedisTarget, { mode: 'cluster' }>): Redis {
  const place =
    target.mode === 'single'
      ? { host: target.address.host, port: target.address.port }
      : {
          sentinels: target.sentinels.map(({ host, port }) => ({ host, port })),
          name: target.name,
          role: 'master' as const,
          ...(target.sentinelUsername === undefined ? {} : { sentinelUsername: target.sentinelUsername }),
          ...(target.sentinelPassword === undefined ? {} : { sentinelPassword: target.sentinelPassword }),
          ...(target.sentinelTls === undefined
            ? {}
            : { sentinelTLS: target.sentinelTls, enableTLSForSentinelMode: true }),
          sentinelCommandTimeout: options.deadlineMs,
          sentinelRetryStrategy: retryMs,
          failoverDetector: true,
        };
  return new Redis({
    ...commonOptions(options),
    ...place,
    db: target.db ?? 0,
    enableOfflineQueue: false,
    retryStrategy: retryMs,
    // A master that became a replica: ask again who is master. The command is not sent again, its caller decides.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
}

function clusterClient(
  options: RedisClientOptions,
  target: Extract<RedisTarget, { mode: 'cluster' }>,
): Cluster {
  return new Cluster(
    target.nodes.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: commonOptions(options),
      enableOfflineQueue: false,
      enableReadyCheck: true,
      scaleReads: 'master',
      // Redirections are followed within one call; its deadline bounds them before the count does.
      maxRedirections: 16,
      retryDelayOnMoved: 0,
      retryDelayOnFailover: 100,
      retryDelayOnClusterDown: 100,
      retryDelayOnTryAgain: 100,
      slotsRefreshTimeout: Math.ceil(options.deadlineMs / 2),
      slotsRefreshInterval: 30_000,
      clusterRetryStrategy: retryMs,
      // With TLS the certificate names the host; a look-up first would hide it.
      dnsLookup: (address, callback) => callback(null, address),
    },
  );
}
