/** Control events from the command line: built, judged by the agent's own decode, shown, sent. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { decode } from '../core/decode/index.ts';
import { LIMITS } from '../core/limits.ts';
import { failure } from '../errors.ts';
import { type ConfigOptions, configOf, configOption, type Session } from './command.ts';
import { openSender } from './sender.ts';

export interface TargetOptions {
  readonly environment: string;
  readonly model: string;
  readonly version?: string;
  readonly role?: string;
  readonly run?: string;
}

export interface SendOptions extends ConfigOptions {
  readonly dryRun?: true;
}

export const addTarget = (command: Command): Command =>
  command
    .requiredOption('-m, --model <name>', 'the model it is about')
    .option('-e, --environment <name>', 'its environment', 'default');

export const addSend = (command: Command): Command =>
  command.addOption(configOption()).addOption(new Option('--dry-run', 'print the event and send nothing'));

export type Body = Readonly<Record<string, unknown>>;

/** `version` is part of every event; for what concerns a whole model it only names the sender's intent. */
export const WHOLE_MODEL = '-';

export function controlEvent(session: Session, kind: string, target: TargetOptions, body: Body): Body {
  return withoutAbsent({
    v: 1,
    kind,
    time: new Date(session.nowMs()).toISOString(),
    window_ms: 0,
    environment: target.environment,
    model: target.model,
    version: target.version ?? WHOLE_MODEL,
    source: `cli@${hostname()}`.slice(0, LIMITS.nameChars),
    // Each run of the command is a source of its own, so that its sequence may begin at 0.
    boot: randomUUID(),
    seq: 0,
    role: target.role,
    run: target.run,
    ...body,
  });
}

const withoutAbsent = (body: Body): Body =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));

/** Prints the event on stdout and sends it, unless the agent would refuse it. */
export async function sendControl(
  session: Session,
  command: string,
  options: SendOptions,
  event: Body,
): Promise<void> {
  const line = JSON.stringify(event);
  const value = new TextEncoder().encode(line);
  const judged = decode(value, new Map());
  if (!judged.ok) {
    const { reason, field, detail } = judged.refusal;
    throw failure('event_refused', { kind: String(event.kind), reason, field, detail });
  }
  if (options.dryRun === true) {
    session.out(`${line}\n`);
    session.err('nothing was sent (--dry-run)\n');
    return;
  }
  const { config } = configOf(session, options, command);
  const key = `${event.environment}/${event.model}`;
  const producer = await openSender(config);
  try {
    await producer.send([{ key, value }]);
  } finally {
    await producer.close();
  }
  session.out(`${line}\n`);
  session.err(`sent to ${config.kafka.topic} with key ${key}\n`);
}
