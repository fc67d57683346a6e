/** `doctor`: every part of an installation, a line each: can it keep what the agent promises? */
import type { Config } from '../config/rows.ts';
import { NormwatchError } from '../errors.ts';
import { SinkUnavailable, type StoreCheck, StoreUnavailable } from '../flow/ports.ts';
import { createKafkaAdmin, createStore, kafkaTimeMs, redisTimeMs } from '../wire.ts';
import {
  type AddCommand,
  type ConfigOptions,
  configOf,
  configOption,
  explain,
  type Session,
} from './command.ts';

type Level = 'ok' | 'warn' | 'FAIL';

interface Verdict {
  readonly level: Level;
  readonly subject: string;
  readonly sentence: string;
}

const ok = (subject: string, sentence: string): Verdict => ({ level: 'ok', subject, sentence });
const warn = (subject: string, sentence: string): Verdict => ({ level: 'warn', subject, sentence });
const fail = (subject: string, sentence: string): Verdict => ({ level: 'FAIL', subject, sentence });

export const doctor: AddCommand = (program, session) => {
  const command = program
    .command('doctor')
    .description('check broker, topic, store and clocks of an installation');
  command.addOption(configOption()).action((options: ConfigOptions) => examine(session, options));
  explain(command, {
    no: 'something cannot work (a line says FAIL)',
    examples: ['doctor -c normwatch.yaml'],
  });
};

async function examine(session: Session, options: ConfigOptions): Promise<void> {
  const { config } = configOf(session, options, 'doctor');
  session.out(lineOf(ok('configuration', `good; roles ${config.roles.join(', ')}`)));
  const parts = [() => checkKafka(config), () => checkStore(config), () => checkClocks(config, session)];
  for (const part of parts) {
    for (const verdict of await part()) {
      session.out(lineOf(verdict));
      if (verdict.level === 'FAIL') session.exit = 1;
    }
  }
}

const lineOf = ({ level, subject, sentence }: Verdict): string =>
  `${level.padEnd(4)}  ${subject}: ${sentence}\n`;

/** An outage is a finding; anything else is a failure of this command. */
function sentenceOf(error: unknown): string {
  if (error instanceof NormwatchError) return `${error.message}; ${error.wayOut}`;
  if (error instanceof StoreUnavailable || error instanceof SinkUnavailable) return error.message;
  throw error;
}

async function checkKafka(config: Config): Promise<Verdict[]> {
  const admin = await createKafkaAdmin(config);
  try {
    const { clusterId, brokers } = await admin.cluster();
    const verdicts = [
      ok('kafka', `cluster ${clusterId} answers, ${brokers.length} brokers: ${brokers.join(', ')}`),
    ];
    const topics = [config.kafka.topic, config.kafka.findingsTopic].filter((topic) => topic !== null);
    for (const [i, name] of topics.entries()) {
      const topic = await admin.topic(name);
      if (topic !== null) verdicts.push(...checkTopic(name, topic, i === 0));
      else verdicts.push(fail('topic', `there is no "${name}": create it with kafka-topics.sh --create`));
    }
    return verdicts;
  } catch (error) {
    return [fail('kafka', sentenceOf(error))];
  } finally {
    await admin.close().catch(() => {});
  }
}

const DAY_MS = 86_400_000;
const RETENTION_DAYS = 7;
const MESSAGE_BYTES = 1 << 20;

type Topic = NonNullable<Awaited<ReturnType<Awaited<ReturnType<typeof createKafkaAdmin>>['topic']>>>;

export function checkTopic(name: string, topic: Topic, isTelemetry: boolean): Verdict[] {
  const { partitions, replicas, retentionMs, config } = topic;
  const verdicts = [ok('topic', `${name} has ${partitions} partitions, ${replicas} copies each`)];
  if (replicas < 2)
    verdicts.push(warn('topic', `${name} has one copy: when its broker is lost, so are its records`));
  if (!isTelemetry) return verdicts;
  const days = retentionMs === null ? Number.POSITIVE_INFINITY : retentionMs / DAY_MS;
  const kept = retentionMs === null ? 'for ever' : `${days.toFixed(1)} days`;
  if (days >= RETENTION_DAYS) verdicts.push(ok('retention', `${name} is kept ${kept}`));
  else {
    const advice = `keep ${RETENTION_DAYS} days (retention.ms=${RETENTION_DAYS * DAY_MS}), so that a lost state is rebuilt`;
    verdicts.push(warn('retention', `${name} is kept ${kept}: ${advice}`));
  }
  if (config.get('cleanup.policy')?.includes('compact') === true) {
    verdicts.push(
      fail('topic', `${name} is compacted and loses events of the same model: set cleanup.policy=delete`),
    );
  }
  const bytes = Number(config.get('max.message.bytes') ?? MESSAGE_BYTES);
  if (bytes < MESSAGE_BYTES) {
    verdicts.push(
      warn('topic', `${name} takes messages of ${bytes} bytes only, events may have ${MESSAGE_BYTES}`),
    );
  }
  return verdicts;
}

const LEVELS: Record<StoreCheck['level'], Level> = { good: 'ok', warning: 'warn', fatal: 'FAIL' };

async function checkStore(config: Config): Promise<Verdict[]> {
  const { type } = config.store;
  if (!config.roles.includes('agent')) return [ok('store', 'not used by this role')];
  try {
    const store = await createStore(config, { readOnly: true });
    try {
      const found = (await store.check()).map(({ level, message }) => ({
        level: LEVELS[level],
        subject: 'store',
        sentence: message,
      }));
      const stored = await store.list();
      return [...found, ok('store', `${type}: ${stored.length} partitions are stored`)];
    } finally {
      await store.close();
    }
  } catch (error) {
    return [fail('store', sentenceOf(error))];
  }
}

const SKEW_WARN_MS = 1_000;
const SKEW_FAIL_MS = 30_000;

async function checkClocks(config: Config, session: Session): Promise<Verdict[]> {
  const verdicts = [await checkClock('Kafka', session, () => kafkaTimeMs(config))];
  if (config.roles.includes('agent') && config.store.type === 'redis') {
    verdicts.push(await checkClock('Redis', session, () => redisTimeMs(config)));
  }
  return verdicts;
}

/** The other clock is asked between two looks at our own, so it is known to half of the way there and back. */
async function checkClock(
  whose: string,
  session: Session,
  ask: () => Promise<number | null>,
): Promise<Verdict> {
  try {
    const beforeMs = session.nowMs();
    const thereMs = await ask();
    const afterMs = session.nowMs();
    if (thereMs === null) return warn('clocks', `${whose} does not tell its time`);
    return judgeClock(whose, thereMs - (beforeMs + afterMs) / 2, (afterMs - beforeMs) / 2);
  } catch (error) {
    return warn('clocks', `${whose} does not tell its time: ${sentenceOf(error)}`);
  }
}

export function judgeClock(whose: string, aheadMs: number, uncertainMs: number): Verdict {
  const apart = Math.abs(aheadMs);
  const sentence = `${whose} is ${Math.round(apart)} ms ${aheadMs >= 0 ? 'ahead of' : 'behind'} this machine (± ${Math.round(uncertainMs)})`;
  if (apart - uncertainMs > SKEW_FAIL_MS) return fail('clocks', `${sentence}: set the clocks by NTP`);
  if (apart - uncertainMs > SKEW_WARN_MS) return warn('clocks', `${sentence}: set the clocks by NTP`);
  return ok('clocks', sentence);
}
