/**
 * `produce FILE`: a recording into Kafka. `boot` is stamped anew, so that producing a recording twice is no repeat to
 * the agent; `seq` is kept. With `--rebase now` the times are moved, all by the same span, so that no event lies in the
 * future when it is sent: without `--speed` the recording ends now, with `--speed 1` it begins now.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { formatTime, parseTime } from '../core/time.ts';
import { failure } from '../errors.ts';
import type { OutgoingMessage, Producer, SourceRecord } from '../flow/ports.ts';
import {
  type AddCommand,
  type ConfigOptions,
  configOf,
  configOption,
  explain,
  positiveOption,
  type Session,
} from './command.ts';
import { countOf, createRefusedLines, readLines, tally } from './lines.ts';
import { createProgress } from './progress.ts';
import { openSender } from './sender.ts';

interface ProduceOptions extends ConfigOptions {
  readonly rebase?: 'now';
  readonly speed?: number;
}

export const produce: AddCommand = (program, session) => {
  const command = program.command('produce').description('send a recording to Kafka');
  command
    .argument('<file>', 'a recording: .jsonl, .jsonl.gz, or - for standard input')
    .addOption(configOption())
    .option(
      '--rebase <to>',
      '"now" moves all times so that none lies in the future when it is sent',
      parseRebase,
    )
    .option(
      '--speed <factor>',
      'pace by event time, 1 as recorded; as fast as it goes when absent',
      positiveOption,
    )
    .action((file: string, options: ProduceOptions) => produceFile(session, file, options));
  explain(command, {
    more:
      'boot is stamped anew, so a recording can be produced twice; seq is kept. Without --speed a rebased\n' +
      'recording ends now; with --speed 1 it begins now and takes as long as it took.',
    examples: [
      'produce -c normwatch.yaml --rebase now recording.jsonl.gz',
      'produce -c normwatch.yaml --rebase now --speed 10 recording.jsonl.gz',
    ],
  });
};

function parseRebase(value: string): 'now' {
  if (value !== 'now') throw new InvalidArgumentError('It must be "now".');
  return value;
}

/** Messages per request to the broker; what one batch of lines holds bounds the bytes. */
const SEND_MAX = 500;

async function produceFile(session: Session, file: string, options: ProduceOptions): Promise<void> {
  if (file === '-' && options.rebase !== undefined) {
    const detail = 'standard input can be read once only, and --rebase reads twice';
    throw failure('usage', { detail, command: 'produce' });
  }
  const { config } = configOf(session, options, 'produce');
  const span = options.rebase === undefined ? null : await spanOf(session, file);
  const producer = await openSender(config);
  try {
    await sendAll(session, file, options, { span, producer, topic: config.kafka.topic });
  } finally {
    await producer.close();
  }
}

interface Target {
  readonly span: { readonly firstMs: number; readonly lastMs: number } | null;
  readonly producer: Producer;
  readonly topic: string;
}

async function sendAll(
  session: Session,
  file: string,
  { speed }: ProduceOptions,
  target: Target,
): Promise<void> {
  const startedMs = session.nowMs();
  const progress = createProgress(session);
  const refused = createRefusedLines(session, file, progress);
  const stamp = createStamp(shiftOf(target.span, startedMs, speed));
  let firstMs: number | null = target.span?.firstMs ?? null;
  let sent = 0;
  let waiting: OutgoingMessage[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) await target.producer.send(waiting);
    sent += waiting.length;
    waiting = [];
    progress.tell(() => `${sent} events sent to ${target.topic}`);
  };
  const take = async (record: SourceRecord): Promise<void> => {
    const event = readEvent(record);
    if (typeof event === 'string') return refused.add(record.position, event, null, 'not sent');
    if (speed !== undefined) {
      const timeMs = parseTime(event.time);
      firstMs ??= timeMs;
      const dueMs = startedMs + (timeMs - firstMs) / speed;
      if (dueMs > session.nowMs()) {
        await flush();
        await sleep(dueMs - session.nowMs());
      }
    }
    waiting.push(stamp(event));
    if (waiting.length >= SEND_MAX) await flush();
  };
  await readLines(session, file, async (records) => {
    for (const record of records) await take(record);
  });
  await flush();
  progress.clear();
  refused.end();
  const seconds = (session.nowMs() - startedMs) / 1000;
  session.err(
    `${file}: ${countOf(sent, 'event')} sent to ${target.topic} in ${seconds.toFixed(1)} s, ${tally('refused', refused.byReason)}\n`,
  );
}

/** How far all times move, in milliseconds, so that the last event is on time when it is sent. */
function shiftOf(span: Target['span'], startedMs: number, speed: number | undefined): number {
  if (span === null) return 0;
  const sendingMs = speed === undefined ? 0 : (span.lastMs - span.firstMs) / speed;
  return Math.floor(startedMs + sendingMs - span.lastMs);
}

interface RecordedEvent {
  readonly time: string;
  readonly model: string;
  readonly environment?: unknown;
  readonly boot?: unknown;
  readonly [key: string]: unknown;
}

/** What can be keyed and stamped; whether the rest is sound is for the agent to judge. Else the reason. */
function readEvent({ value }: SourceRecord): RecordedEvent | string {
  let event: unknown;
  try {
    event = JSON.parse(Buffer.from(value ?? new Uint8Array(0)).toString('utf8'));
  } catch {
    return 'not_json';
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'not_object';
  const { time, model } = event as Record<string, unknown>;
  if (typeof time !== 'string' || Number.isNaN(parseTime(time))) return 'bad_time';
  return typeof model === 'string' ? (event as RecordedEvent) : 'missing_field';
}

/** Times that lie on the recording's own clock. */
const TIMES = ['time', 'since', 'until'] as const;

function createStamp(shiftMs: number): (event: RecordedEvent) => OutgoingMessage {
  const token = randomUUID().slice(0, 8);
  const encoder = new TextEncoder();
  return (event) => {
    const stamped: Record<string, unknown> = { ...event, boot: `${event.boot ?? 'boot'}-${token}` };
    for (const name of TIMES) {
      const ms = shiftMs === 0 || typeof event[name] !== 'string' ? Number.NaN : parseTime(event[name]);
      if (!Number.isNaN(ms)) stamped[name] = formatTime(ms + shiftMs);
    }
    return {
      key: `${event.environment ?? 'default'}/${event.model}`,
      value: encoder.encode(JSON.stringify(stamped)),
    };
  };
}

/** First and last time of a recording; none when no line can be used. */
async function spanOf(session: Session, file: string): Promise<Target['span']> {
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  await readLines(session, file, (records) => {
    for (const record of records) {
      const event = readEvent(record);
      if (typeof event === 'string') continue;
      const timeMs = parseTime(event.time);
      firstMs = Math.min(firstMs, timeMs);
      lastMs = Math.max(lastMs, timeMs);
    }
  });
  return firstMs > lastMs ? null : { firstMs, lastMs };
}
