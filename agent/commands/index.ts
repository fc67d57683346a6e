/** All commands, in the order of --help, and the one place where a command line is run and its failure told. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { failure, NormwatchError, systemDetail } from '../errors.ts';
import { SinkUnavailable, StoreUnavailable } from '../flow/ports.ts';
import { backtest } from './backtest.ts';
import { baseline } from './baseline.ts';
import type { AddCommand, Session } from './command.ts';
import { config } from './config.ts';
import { demo } from './demo.ts';
import { deployment } from './deployment.ts';
import { doctor } from './doctor.ts';
import { incident } from './incident.ts';
import { maintenance } from './maintenance.ts';
import { produce } from './produce.ts';
import { replay } from './replay.ts';
import { run } from './run.ts';

const COMMANDS: readonly AddCommand[] = [
  demo,
  run,
  replay,
  backtest,
  produce,
  baseline,
  maintenance,
  deployment,
  incident,
  doctor,
  config,
];

export function createProgram(session: Session): Command {
  const program = new Command('normwatch')
    .description('Watches the normalization layers of neural networks for drift and broken numerics.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print what a command does and takes')
    // `--version` of a command is the version of a model.
    .enablePositionalOptions();
  for (const add of COMMANDS) add(program, session);
  configure(program, session);
  return program;
}

/** Settings are not inherited by commands that were added before, so every command gets them. */
function configure(command: Command, session: Session): void {
  command
    .helpCommand(false)
    .exitOverride((error) => {
      if (error.exitCode === 0) throw error;
      throw failure('usage', { detail: usageDetail(error, command), command: pathOf(command) }, error);
    })
    .configureOutput({ writeOut: session.out, writeErr: () => {}, getOutHelpWidth: () => 100 });
  for (const child of command.commands) configure(child, session);
}

/** `config print` for the command print in the group config; empty for the program itself. */
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim();

/** "error: unknown option '--x'\n(Did you mean --y?)" → one line without the prefix. */
function usageDetail(error: CommanderError, command: Command): string {
  if (error.code !== 'commander.help') return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${pathOf(command)} needs one of ${command.commands.map((child) => child.name()).join(', ')}`;
}

/** Runs one command line (without node and script) and returns its exit code; failures are told on stderr. */
export async function runCommandLine(words: readonly string[], session: Session): Promise<number> {
  const program = createProgram(session);
  try {
    if (words.length === 0) {
      program.outputHelp();
      return 2;
    }
    await program.parseAsync([...words], { from: 'user' });
    return session.exit;
  } catch (error) {
    return tell(error, session);
  }
}

function tell(error: unknown, session: Session): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const told = known(error);
  for (const one of told) session.err(`normwatch: ${one.message} [${one.code}]\n  ${one.wayOut}\n`);
  if (session.environment.NORMWATCH_DEBUG === '1') session.err(`${stackOf(error)}\n`);
  return Math.max(...told.map((one) => one.exit));
}

function known(error: unknown): NormwatchError[] {
  if (error instanceof NormwatchError) return [error];
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(known);
  if (error instanceof SinkUnavailable) return [failure('kafka_not_sent', { detail: error.message }, error)];
  if (error instanceof StoreUnavailable)
    return [failure('store_unreachable', { detail: error.message }, error)];
  return [failure('internal', { detail: systemDetail(error) }, error)];
}

function stackOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(stackOf).join('\n');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined
    ? (error.stack ?? error.message)
    : `${error.stack}\ncaused by ${stackOf(error.cause)}`;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
