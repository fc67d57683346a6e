/** What every command is made of: a way to speak, a way to its configuration, and help of one shape. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Loaded, loadConfig } from '../config/load.ts';
import type { Environment } from '../config/variables.ts';
import { formatTime, parseTime } from '../core/time.ts';
import { failure } from '../errors.ts';

/** The process as a command sees it, so that a test can be the process. */
export interface Session {
  readonly out: (data: string | Uint8Array) => void;
  readonly err: (text: string) => void;
  /** Progress is shown on a terminal only. */
  readonly errIsTerminal: boolean;
  readonly environment: Environment;
  readonly folder: string;
  readonly input: NodeJS.ReadableStream;
  readonly nowMs: () => number;
  /** From the first call on, SIGINT and SIGTERM abort this signal instead of ending the process; a second one ends it. */
  readonly stop: () => AbortSignal;
  /** A command that succeeded with the answer no sets 1. */
  exit: 0 | 1 | 2;
}

/** Adds one command, with its options and action, to the program. */
export type AddCommand = (program: Command, session: Session) => void;

export interface HelpText {
  readonly examples: readonly string[];
  /** Meaning of 1 and 2 where they say more than usual. */
  readonly no?: string;
  readonly more?: string;
}

export function explain(command: Command, help: HelpText): Command {
  const exits = [
    '  0  done',
    ...(help.no === undefined ? [] : [`  1  ${help.no}`]),
    '  2  usage, configuration or environment',
  ];
  const more = help.more === undefined ? '' : `\n${help.more}\n`;
  const examples = help.examples.map(
    (line) => `  $ ${line.includes('normwatch ') ? line : `normwatch ${line}`}`,
  );
  return command.addHelpText(
    'after',
    `${more}\nExamples:\n${examples.join('\n')}\n\nExit codes:\n${exits.join('\n')}`,
  );
}

export const configOption = (): Option =>
  new Option('-c, --config <file>', 'configuration of the installation (NORMWATCH_CONFIG)');

export interface ConfigOptions {
  readonly config?: string;
}

/** The configuration named by --config or NORMWATCH_CONFIG; variables alone will do where brokers are among them. */
export function configOf(session: Session, options: ConfigOptions, command: string): Loaded {
  const file = options.config ?? session.environment.NORMWATCH_CONFIG ?? null;
  if (file === null && session.environment.NORMWATCH_KAFKA_BROKERS === undefined) {
    throw failure('config_required', { command });
  }
  return loadConfig({ file, environment: session.environment, folder: session.folder });
}

export const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

/** Option parser: RFC 3339 → the form of the event format. */
export function timeOption(value: string): string {
  const ms = parseTime(value);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be RFC 3339, like 2026-03-02T00:00:00Z.');
  return formatTime(ms);
}

export function positiveOption(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return number;
}
