import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEANUP_MS, type Owner } from './owner.ts';

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of the test run. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for its standard input; without it there is none. */
  readonly stdin?: string | Uint8Array;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Both, in the order they came. */
  output(): string;
  readonly exited: Promise<Exit>;
  running(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal (SIGKILL unless told) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** SIGTERM, and SIGKILL when that has no effect for 10 s. */
  stop(): Promise<Exit>;
}

const GRACE_MS = 10_000;
const KEPT_CHARACTERS = 4 * 1024 * 1024;

// A test run that ends early must leave no server behind. Where the run can still act, it kills its children itself;
// on Linux the kernel does it even after kill -9 of the run.
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
const SETPRIV = '/usr/bin/setpriv';

function dyingWithUs(command: string, args: readonly string[]): [string, readonly string[]] {
  // A relative name is left alone, so that one that does not exist fails here and not inside of setpriv.
  if (!isAbsolute(command) || !existsSync(SETPRIV)) return [command, args];
  return [SETPRIV, ['--pdeathsig', 'KILL', command, ...args]];
}

export async function startProcess(owner: Owner, options: ProcessOptions): Promise<RunningProcess> {
  const [command, args] = dyingWithUs(options.command, options.args);
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`cannot start ${options.command}: ${error.message}`)));
  });
  children.add(child);
  const running = follow(child);
  owner.onTestFinished(async () => {
    await running.stop();
  }, CLEANUP_MS);
  if (options.stdin !== undefined) {
    // A program may rightly leave before it has read everything; what it says then is in its output and exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.stdin);
  }
  return running;
}

function follow(child: ChildProcess): RunningProcess {
  const kept = { stdout: '', stderr: '', both: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      kept[name] = (kept[name] + text).slice(-KEPT_CHARACTERS);
      kept.both = (kept.both + text).slice(-KEPT_CHARACTERS);
    });
  }
  // `close`, not `exit`: all output has arrived by then.
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  const signal = (name: NodeJS.Signals) => {
    if (running()) child.kill(name);
  };
  return {
    pid: child.pid ?? -1,
    stdout: () => kept.stdout,
    stderr: () => kept.stderr,
    output: () => kept.both,
    exited,
    running,
    signal,
    kill: (name = 'SIGKILL') => {
      signal(name);
      return exited;
    },
    stop: async () => {
      signal('SIGTERM');
      // A process stopped by SIGSTOP hears SIGTERM only once it goes on.
      signal('SIGCONT');
      const patience = new AbortController();
      const late = sleep(GRACE_MS, 'late', { signal: patience.signal }).catch(() => 'in time');
      if ((await Promise.race([exited, late])) === 'late') signal('SIGKILL');
      patience.abort();
      return exited;
    },
  };
}
