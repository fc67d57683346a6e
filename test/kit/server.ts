import type { Owner } from './owner.ts';
import { type Exit, type ProcessOptions, type RunningProcess, startProcess } from './process.ts';
import { waitFor } from './wait-for.ts';

/** A real server that a test may stop, kill, freeze and start again on the same data and port. */
export interface Server {
  readonly pid: () => number;
  /** What the current process has said so far. */
  readonly output: () => string;
  /** Orderly end (SIGTERM), waited for. */
  stop(): Promise<Exit>;
  /** kill -9, waited for. */
  kill(): Promise<Exit>;
  /** Starts again after `stop` or `kill`; resolves when it serves. */
  start(): Promise<void>;
  /** For SIGSTOP and SIGCONT: a server that hangs. */
  signal(signal: NodeJS.Signals): void;
}

export interface ServerOptions extends ProcessOptions {
  readonly name: string;
  readonly ready: (process: RunningProcess) => boolean | Promise<boolean>;
  readonly readyMs?: number;
}

export async function startServer(owner: Owner, options: ServerOptions): Promise<Server> {
  let current = await startReady(owner, options);
  return {
    pid: () => current.pid,
    output: () => current.output(),
    stop: () => current.stop(),
    kill: () => current.kill(),
    signal: (signal) => current.signal(signal),
    start: async () => {
      if (current.running()) throw new Error(`${options.name} is running already`);
      current = await startReady(owner, options);
    },
  };
}

async function startReady(owner: Owner, options: ServerOptions): Promise<RunningProcess> {
  const process = await startProcess(owner, options);
  let ended = false;
  process.exited.then(() => {
    ended = true;
  });
  const outcome = await waitFor(async () => (ended ? 'ended' : (await options.ready(process)) && 'ready'), {
    what: `${options.name} to serve`,
    deadlineMs: options.readyMs ?? 60_000,
  }).catch((error: Error) => error);
  if (outcome === 'ready') return process;
  await process.kill();
  const reason = outcome instanceof Error ? outcome.message : `${options.name} ended before it served`;
  throw new Error(`${reason}; it said:\n${process.output().slice(-3_000)}`);
}
