/** `demo`: the agent on shipped recordings, with the embedded store; page and /metrics, no service. */
import { InvalidArgumentError } from 'commander';
import type { DemoOptions } from '../service/demo.ts';
import { type AddCommand, explain, positiveOption } from './command.ts';

const DEMO_PORT = 9464;

export const demo: AddCommand = (program, session) => {
  const command = program
    .command('demo')
    .description('play shipped recordings with faults; page and metrics, no service needed')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--port <number>',
      `port to listen on (default: ${DEMO_PORT}, or a free one where that is taken)`,
      portOption,
    )
    .option('--speed <factor>', 'event time per wall time', positiveOption, 4)
    .option('--once', 'tell the stories once and end')
    .action(async (options: DemoOptions) =>
      // Loaded when asked for: other commands need neither page nor metrics.
      (await import('../service/demo.ts')).playDemo(session, options),
    );
  explain(command, {
    more:
      'Real recordings of a sentence transformer with injected faults, one model a story, again and again:\n' +
      'healthy traffic, a deployment with another epsilon, fp16 overflow, one bad pod.',
    examples: ['demo', 'demo --speed 10 --once'],
  });
};

function portOption(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) throw new InvalidArgumentError('It must be a port, 0 to 65535.');
  return port;
}
