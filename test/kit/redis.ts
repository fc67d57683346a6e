import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import type { Owner } from './owner.ts';
import { type Server, startServer } from './server.ts';
import { requireProgram } from './services/programs.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

export interface RedisOptions {
  /** More arguments of redis-server, e.g. `['--appendonly', 'yes']`; a later one wins. */
  readonly args?: readonly string[];
  /** Keep the data here instead of in a folder of its own. */
  readonly dir?: string;
  readonly port?: number;
}

export interface RedisServer extends Server {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  /** What `redis-cli` answers, e.g. `cli('config', 'get', 'maxmemory')`. */
  cli(...args: string[]): Promise<string>;
}

/** One Redis on loopback: no snapshots, no AOF, `noeviction`, unless `args` say otherwise. */
export async function startRedis(owner: Owner, options: RedisOptions = {}): Promise<RedisServer> {
  const program = requireProgram('redis-server');
  const dir = options.dir ?? (await tempDir(owner));
  const port = options.port ?? (await freePort());
  const fixed = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', dir, '--daemonize', 'no'];
  const defaults = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
  const server = await startServer(owner, {
    name: 'redis-server',
    command: program,
    args: [...fixed, ...defaults, ...(options.args ?? [])],
    ready: (process) => process.output().includes('Ready to accept connections'),
  });
  return {
    ...server,
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    dir,
    cli: (...args) => redisCli(port, args),
  };
}

/** `redis-cli` never fails on an error reply, it prints it; so it is looked for. */
export async function redisCli(port: number, args: readonly string[]): Promise<string> {
  const { stdout } = await run(requireProgram('redis-cli'), ['-h', '127.0.0.1', '-p', `${port}`, ...args]);
  const answer = stdout.trimEnd();
  if (/^(ERR|NOAUTH|WRONGPASS|READONLY|MISCONF|OOM|LOADING) /.test(answer)) {
    throw new Error(`redis-cli ${args.join(' ')}: ${answer}`);
  }
  return answer;
}
