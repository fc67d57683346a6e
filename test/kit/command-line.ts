/** A command line in this process: quick, and all that a user would see. */
import { Readable } from 'node:stream';
import type { Session } from '../../agent/commands/command.ts';
import { runCommandLine } from '../../agent/commands/index.ts';

export interface LineOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly stdin?: string | Uint8Array;
  readonly nowMs?: number;
  readonly errIsTerminal?: boolean;
}

export interface LineResult {
  readonly code: number;
  readonly out: string;
  readonly outBytes: Uint8Array;
  readonly err: string;
}

export async function runLine(words: readonly string[], options: LineOptions = {}): Promise<LineResult> {
  const out: Uint8Array[] = [];
  const err: string[] = [];
  const session: Session = {
    out: (data) => void out.push(Buffer.from(data)),
    err: (text) => void err.push(text),
    errIsTerminal: options.errIsTerminal ?? false,
    environment: options.environment ?? {},
    folder: options.folder ?? process.cwd(),
    input: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    nowMs: () => options.nowMs ?? Date.now(),
    stop: () => new AbortController().signal,
    exit: 0,
  };
  const code = await runCommandLine(words, session);
  const outBytes = Buffer.concat(out);
  return { code, out: outBytes.toString('utf8'), outBytes, err: err.join('') };
}
