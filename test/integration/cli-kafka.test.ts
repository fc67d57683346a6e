/** Commands against a real broker and a real Redis: what they send arrives, and `doctor` sees what is wrong. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../agent/core/decode/index.ts';
import { runLine } from '../kit/command-line.ts';
import type { Owner } from '../kit/owner.ts';
import { expectTold } from '../kit/provoke.ts';
import { recordingLines } from '../kit/recording.ts';
import { startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { createTopic } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

const DAY_MS = 86_400_000;
const RECORDING = join(import.meta.dirname, '../../examples/recordings/healthy.jsonl.gz');

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

const environmentOf = (topic: string, more: Readonly<Record<string, string>> = {}) => ({
  NORMWATCH_KAFKA_BROKERS: brokers.join(','),
  NORMWATCH_KAFKA_TOPIC: topic,
  NORMWATCH_STORE_TYPE: 'memory',
  ...more,
});

interface Message {
  readonly key: string;
  readonly value: Record<string, unknown>;
}

/** The first `count` messages of a topic, in order. */
async function readTopic(t: Owner, topic: string, count: number): Promise<Message[]> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: `g-${topic}` });
  t.onTestFinished(() => consumer.disconnect());
  const read: Message[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      expect(decode(value)).toMatchObject({ ok: true });
      read.push({ key: String(key), value: JSON.parse(String(value)) });
    },
  });
  await waitFor(() => read.length >= count, { what: `${count} messages in ${topic}`, deadlineMs: 60_000 });
  return read;
}

const timesOf = (messages: readonly Message[]): number[] =>
  messages.map(({ value }) => Date.parse(String(value.time)));

describe('produce', () => {
  const lines = recordingLines('healthy');

  it('sends every event with its key, seq kept and boot anew', async (t) => {
    const topic = await createTopic(t, { brokers });
    const { code, err } = await runLine(['produce', RECORDING], { environment: environmentOf(topic) });
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err).toMatch(new RegExp(`${lines.length} events sent to ${topic} in .* s, 0 refused\n$`));
    const sent = await readTopic(t, topic, lines.length);
    for (const [i, { key, value }] of sent.entries()) {
      const recorded = JSON.parse(lines[i] ?? '');
      expect(key).toBe('default/minilm-l6');
      expect(value).toEqual({ ...recorded, boot: value.boot });
      expect(value.boot).not.toBe(recorded.boot);
    }
  });

  it('rebased and unpaced, ends now and keeps all distances', async (t) => {
    const topic = await createTopic(t, { brokers });
    const startedMs = Date.now();
    await runLine(['produce', RECORDING, '--rebase', 'now'], { environment: environmentOf(topic) });
    const times = timesOf(await readTopic(t, topic, lines.length));
    const recorded = lines.map((line) => Date.parse(JSON.parse(line).time));
    const shift = (times[0] ?? 0) - (recorded[0] ?? 0);
    expect(times).toEqual(recorded.map((ms) => ms + shift));
    expect(Math.max(...times)).toBeGreaterThanOrEqual(startedMs - 1);
    expect(Math.max(...times)).toBeLessThanOrEqual(Date.now());
  });

  it('paced, sends no event before its time and ends on time', async (t) => {
    const topic = await createTopic(t, { brokers });
    const file = join(await tempDir(t), 'short.jsonl');
    const base = JSON.parse(lines[0] ?? '');
    const seconds = [0, 1, 2, 3];
    const events = seconds.map((s) => ({ ...base, seq: s, time: new Date(s * 1000).toISOString() }));
    writeFileSync(file, `${events.map((event) => JSON.stringify(event)).join('\n')}\nnot an event\n`);
    const startedMs = Date.now();
    const words = ['produce', file, '--rebase', 'now', '--speed', '3'];
    const { code, err } = await runLine(words, { environment: environmentOf(topic) });
    const endedMs = Date.now();
    expect(code).toBe(0);
    expect(err).toContain(`${file}:5: not_json not sent\n`);
    expect(err).toContain('4 events sent');
    expect(endedMs - startedMs).toBeGreaterThanOrEqual(1000);
    const times = timesOf(await readTopic(t, topic, 4));
    expect(times.at(-1)).toBeLessThanOrEqual(endedMs);
    expect(times.at(-1)).toBeGreaterThanOrEqual(startedMs + 1000);
  });

  it('tells a topic that is not there, and a broker that is not', async () => {
    const topic = await runLine(['produce', RECORDING], { environment: environmentOf('not-there') });
    expect(topic.code).toBe(2);
    expectTold('kafka_topic_missing', topic.err);
    expect(topic.err).toContain('"not-there"');
    const nobody = { NORMWATCH_KAFKA_BROKERS: '127.0.0.1:9', NORMWATCH_KAFKA_CONNECTION_TIMEOUT: '200ms' };
    const broker = await runLine(['produce', RECORDING], { environment: environmentOf('any', nobody) });
    expect(broker.code).toBe(2);
    expectTold('kafka_unreachable', broker.err);
  });

  it('tells an event that the broker does not take', async (t) => {
    const topic = await createTopic(t, { brokers, config: { 'max.message.bytes': '100' } });
    const { code, err } = await runLine(['produce', RECORDING], { environment: environmentOf(topic) });
    expect(code).toBe(2);
    expectTold('kafka_not_sent', err);
  });
});

describe('a control event', () => {
  it('is sent with the key of its model, and printed', async (t) => {
    const topic = await createTopic(t, { brokers });
    const words = ['maintenance', 'start', '-m', 'm', '-e', 'staging', '--reason', 'driver'];
    const { code, out, err } = await runLine(words, { environment: environmentOf(topic) });
    expect({ code, err }).toEqual({ code: 0, err: `sent to ${topic} with key staging/m\n` });
    const [message] = await readTopic(t, topic, 1);
    expect(message).toEqual({ key: 'staging/m', value: JSON.parse(out) });
  });
});

describe('doctor', () => {
  const good = { 'retention.ms': String(7 * DAY_MS) };
  const redisOf = (port: number) => ({
    NORMWATCH_STORE_TYPE: 'redis',
    NORMWATCH_STORE_REDIS_HOST: '127.0.0.1',
    NORMWATCH_STORE_REDIS_PORT: String(port),
    NORMWATCH_STORE_REDIS_DEADLINE: '1s',
  });
  const examine = (topic: string, more: Readonly<Record<string, string>>) =>
    runLine(['doctor'], { environment: environmentOf(topic, more) });

  it('finds nothing that cannot work in a good installation', async (t) => {
    const redis = await startRedis(t);
    const topic = await createTopic(t, { brokers, partitions: 3, config: good });
    const { code, out, err } = await examine(topic, redisOf(redis.port));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toContain('FAIL');
    for (const line of out.trimEnd().split('\n')) expect(line).toMatch(/^(ok {2}|warn) {2}[a-z]+: /);
    expect(out).toContain(`ok    topic: ${topic} has 3 partitions`);
    expect(out).toContain(`ok    retention: ${topic} is kept 7.0 days`);
    for (const whose of ['Kafka', 'Redis']) {
      expect(out).toMatch(
        new RegExp(`^ok    clocks: ${whose} is \\d+ ms (ahead of|behind) this machine`, 'm'),
      );
    }
  });

  it('answers no to a Redis that evicts, a topic that is not there, a topic that compacts', async (t) => {
    const redis = await startRedis(t, { args: ['--maxmemory-policy', 'allkeys-lru'] });
    const absent = await examine('not-there', redisOf(redis.port));
    expect(absent.code).toBe(1);
    expect(absent.out).toContain('FAIL  topic: there is no "not-there"');
    expect(absent.out).toMatch(/FAIL {2}store: .*allkeys-lru/);
    const compacted = await createTopic(t, { brokers, config: { ...good, 'cleanup.policy': 'compact' } });
    const { code, out } = await examine(compacted, {});
    expect(code).toBe(1);
    expect(out).toMatch(/FAIL {2}topic: .* is compacted/);
  });

  it('advises to keep records for seven days', async (t) => {
    const topic = await createTopic(t, { brokers, config: { 'retention.ms': String(DAY_MS) } });
    const { code, out } = await examine(topic, {});
    expect(code).toBe(0);
    expect(out).toMatch(/^warn {2}retention: .* is kept 1\.0 days: keep 7 days \(retention\.ms=604800000\)/m);
  });

  it('goes on when a part does not answer', async () => {
    const environment = {
      NORMWATCH_KAFKA_BROKERS: '127.0.0.1:9',
      NORMWATCH_KAFKA_CONNECTION_TIMEOUT: '200ms',
      ...redisOf(9),
    };
    const { code, out } = await runLine(['doctor'], { environment });
    expect(code).toBe(1);
    expect(out).toMatch(/FAIL {2}kafka: Kafka at 127\.0\.0\.1:9 does not answer/);
    expect(out).toMatch(/FAIL {2}store: .*Redis/);
  });
});
