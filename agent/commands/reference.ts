/** `docs/reference/cli.md`, written from the commands' own help. */
import type { Command } from 'commander';
import type { Session } from './command.ts';
import { createProgram } from './index.ts';

export function commandReference(): string {
  const told: string[] = [];
  const session: Session = {
    out: (data) => told.push(String(data)),
    err: () => {},
    errIsTerminal: false,
    environment: {},
    folder: '/',
    input: process.stdin,
    nowMs: () => 0,
    stop: () => new AbortController().signal,
    exit: 0,
  };
  const helpOf = (command: Command): string => {
    told.length = 0;
    command.outputHelp();
    return told.join('').trimEnd();
  };
  const program = createProgram(session);
  return [
    '<!-- generated from agent/commands by npm run generate -->',
    '# Command line',
    '',
    'In a checkout `npm run -s normwatch -- COMMAND …` is the command. Results go to standard output, everything said',
    'about them to standard error. Exit codes: 0 good, 1 the answer is no, 2 usage, configuration or environment;',
    '[errors.md](errors.md) lists what can go wrong.',
    ...leavesOf(program).flatMap(({ name, command }) => [
      '',
      `## ${name}`,
      '',
      '```text',
      helpOf(command),
      '```',
    ]),
    '',
  ].join('\n');
}

function leavesOf(command: Command, prefix = ''): { name: string; command: Command }[] {
  return command.commands.flatMap((child) => {
    const name = `${prefix}${child.name()}`;
    return child.commands.length === 0 ? [{ name, command: child }] : leavesOf(child, `${name} `);
  });
}
