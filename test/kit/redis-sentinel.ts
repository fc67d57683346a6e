import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import type { Owner } from './owner.ts';
import { type RedisServer, redisCli, startRedis } from './redis.ts';
import { type Server, startServer } from './server.ts';
import { requireProgram } from './services/programs.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export interface SentinelOptions {
  readonly sentinels?: number;
  /** A master silent for this long is taken for dead. */
  readonly downAfterMs?: number;
  /** More arguments for master and replica. */
  readonly args?: readonly string[];
}

export interface SentinelSetup {
  /** Name of the master group. */
  readonly name: string;
  readonly sentinels: readonly (Server & { readonly host: string; readonly port: number })[];
  /** The two data servers: the first began as master. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** Port of the master as the first sentinel sees it now. */
  masterPort(): Promise<number>;
}

const NAME = 'normwatch';
// A replica asks for a full copy; Redis would wait 5 s for others to join before it sends one.
const REPLICATE_AT_ONCE = ['--repl-diskless-sync-delay', '0'];

/** A master, a replica and sentinels that watch them; resolves when a failover could happen. */
export async function startSentinel(owner: Owner, options: SentinelOptions = {}): Promise<SentinelSetup> {
  const args = [...REPLICATE_AT_ONCE, ...(options.args ?? [])];
  const master = await startRedis(owner, { args });
  const replica = await startRedis(owner, { args: [...args, '--replicaof', '127.0.0.1', `${master.port}`] });
  await waitFor(async () => (await replica.cli('info', 'replication')).includes('master_link_status:up'), {
    what: 'the replica to follow',
  });
  const count = options.sentinels ?? 1;
  const sentinels = [];
  for (let index = 0; index < count; index++) {
    sentinels.push(await startOneSentinel(owner, master.port, count, options.downAfterMs ?? 1_000));
  }
  const first = sentinels[0]?.port ?? 0;
  for (const { port } of sentinels) {
    await waitFor(async () => sees(await redisCli(port, ['sentinel', 'master', NAME]), count), {
      what: `sentinel ${port} to know the replica and the other sentinels`,
      deadlineMs: 30_000,
    });
  }
  const masterPort = async () =>
    Number((await redisCli(first, ['sentinel', 'get-master-addr-by-name', NAME])).split('\n')[1]);
  return { name: NAME, sentinels, master, replica, masterPort };
}

/** `redis-cli` prints the pairs of `sentinel master` a line each: name, value, name, value. */
function sees(answer: string, sentinels: number): boolean {
  const lines = answer.split('\n');
  const value = (name: string) => lines[lines.indexOf(name) + 1];
  return value('num-slaves') === '1' && value('num-other-sentinels') === `${sentinels - 1}`;
}

async function startOneSentinel(owner: Owner, masterPort: number, count: number, downAfterMs: number) {
  const port = await freePort();
  // Sentinel insists on a file that it may rewrite.
  const file = join(await tempDir(owner), 'sentinel.conf');
  const quorum = Math.floor(count / 2) + 1;
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${NAME} 5000`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const server = await startServer(owner, {
    name: 'redis-sentinel',
    command: requireProgram('redis-server'),
    args: [file, '--sentinel'],
    ready: async () => (await redisCli(port, ['ping'])) === 'PONG',
  });
  return { ...server, host: '127.0.0.1', port };
}
