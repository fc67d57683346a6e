#!/usr/bin/env node
/** The process around a command: streams, signals, exit code. */
import type { Session } from './commands/command.ts';
import { runCommandLine } from './commands/index.ts';

let stopping: AbortController | null = null;

function stop(): AbortSignal {
  if (stopping !== null) return stopping.signal;
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort(signal));
  stopping = controller;
  return controller.signal;
}

// A reader that has seen enough (`… | head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

const session: Session = {
  out: (data) => void process.stdout.write(data),
  err: (text) => void process.stderr.write(text),
  errIsTerminal: process.stderr.isTTY === true,
  environment: process.env,
  folder: process.cwd(),
  input: process.stdin,
  nowMs: Date.now,
  stop,
  exit: 0,
};

process.exitCode = await runCommandLine(process.argv.slice(2), session);
