/** `maintenance start|end`: a planned window; nothing pages, everything is still recorded. */
import { InvalidArgumentError, Option } from 'commander';
import { duration } from '../config/key.ts';
import { type AddCommand, explain, timeOption } from './command.ts';
import {
  addSend,
  addTarget,
  controlEvent,
  type SendOptions,
  sendControl,
  type TargetOptions,
} from './control.ts';

interface WindowOptions extends TargetOptions, SendOptions {
  readonly reason: string;
  readonly for: number;
  readonly until?: string;
}

const span = duration('1h', '1m', '24h', '');

function parseSpan(value: string): number {
  const ms = span.parse(value);
  if (ms === undefined) throw new InvalidArgumentError(`It must be ${span.expected}.`);
  return ms;
}

export const maintenance: AddCommand = (program, session) => {
  const group = program.command('maintenance').description('planned windows in which nothing pages');

  const start = group.command('start').description('begin a window: incidents are recorded and do not page');
  addSend(
    addTarget(start)
      .requiredOption('--reason <text>', 'why, for whoever wonders about the silence')
      .addOption(
        new Option('--for <duration>', 'how long, 24h at most')
          .argParser(parseSpan)
          .default(span.default, '1h'),
      )
      .option('--until <time>', 'when it ends (RFC 3339), instead of --for', timeOption),
  ).action(async (options: WindowOptions) => {
    const until = options.until ?? new Date(session.nowMs() + options.for).toISOString();
    const event = controlEvent(session, 'maintenance', options, { until, reason: options.reason });
    await sendControl(session, 'maintenance start', options, event);
  });
  explain(start, {
    examples: ['maintenance start -c normwatch.yaml --model minilm-l6 --for 2h --reason "GPU driver"'],
  });

  const end = group.command('end').description('end the window that is open now');
  addSend(addTarget(end).option('--reason <text>', 'why it ends', 'ended by hand')).action(
    async (options: WindowOptions) => {
      const until = new Date(session.nowMs()).toISOString();
      const event = controlEvent(session, 'maintenance', options, { until, reason: options.reason });
      // The window ends at the event's own time.
      await sendControl(session, 'maintenance end', options, { ...event, time: until });
    },
  );
  explain(end, { examples: ['maintenance end -c normwatch.yaml --model minilm-l6'] });
};
