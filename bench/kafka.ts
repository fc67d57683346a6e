/**
 * Kafka → decode → fold → Redis commit each second, against a consumer that does nothing, with the same client, the same
 * topic and the same payload: the lines of a shipped recording, told again and again with later times.
 */
import { randomUUID } from 'node:crypto';
import { loadConfig } from '../agent/config/load.ts';
import type { Config } from '../agent/config/rows.ts';
import { foldSettings } from '../agent/config/settings.ts';
import { formatTime, parseTime } from '../agent/core/time.ts';
import { createAgent } from '../agent/flow/agent.ts';
import { partitionName, type Source } from '../agent/flow/ports.ts';
import { systemClock } from '../agent/io/process/clock.ts';
import { configHashOf, coreOf } from '../agent/service/service.ts';
import { createProducer, createSource, createStore } from '../agent/wire.ts';
import { startKafka } from '../test/kit/kafka.ts';
import { ownerByHand } from '../test/kit/owner.ts';
import { recordingLines } from '../test/kit/recording.ts';
import { startRedis } from '../test/kit/redis.ts';
import { createTopic } from '../test/kit/topic.ts';
import { type Figure, median, rate } from './measure.ts';

/** Many, since the last of them wait up to a second for their commit. */
const MESSAGES = 200_000;
const ROUNDS = 3;
const CHUNK = 500;
const CLIENTS = ['kafkajs', 'platformatic'] as const;

function* messages(): Generator<{ key: string; value: Uint8Array }> {
  const events = recordingLines('baseline').map((line) => JSON.parse(line));
  const times = events.map((event) => parseTime(event.time));
  const spanMs = Math.max(...times) - Math.min(...times) + 1_000;
  for (let i = 0; i < MESSAGES; i++) {
    const round = Math.floor(i / events.length);
    const at = i % events.length;
    const event = { ...events[at], boot: `b${round}`, time: formatTime(times[at]! + round * spanMs) };
    yield { key: `default/${event.model}`, value: Buffer.from(JSON.stringify(event)) };
  }
}

function configFor(client: string, brokers: readonly string[], topic: string, redis: number): Config {
  return loadConfig({
    file: null,
    folder: process.cwd(),
    environment: {
      NORMWATCH_KAFKA_CLIENT: client,
      NORMWATCH_KAFKA_BROKERS: brokers.join(','),
      NORMWATCH_KAFKA_TOPIC: topic,
      NORMWATCH_KAFKA_GROUP_ID: `bench-${randomUUID()}`,
      NORMWATCH_STORE_REDIS_HOST: '127.0.0.1',
      NORMWATCH_STORE_REDIS_PORT: String(redis),
      NORMWATCH_STORE_REDIS_KEY_PREFIX: `${randomUUID()}:`,
    },
  }).config;
}

/** Seconds from the first batch on: joining a group is none of it. */
class Stopwatch {
  #startMs: number | null = null;
  #endMs = 0;
  start(): void {
    this.#startMs ??= performance.now();
  }
  /** True once, when all messages are through. */
  reached(count: number): boolean {
    if (count < MESSAGES || this.#endMs > 0) return false;
    this.#endMs = performance.now();
    return true;
  }
  get seconds(): number {
    return (this.#endMs - (this.#startMs ?? 0)) / 1000;
  }
}

/** Reads all and does `work` with each message. */
async function read(config: Config, work: (value: Uint8Array) => void): Promise<number> {
  const source = await createSource(config);
  const watch = new Stopwatch();
  let count = 0;
  await source.run({
    assigned: async (all) => new Map(all.map(({ id }) => [partitionName(id), 0n])),
    revoked: async () => {},
    batch: async ({ records }) => {
      watch.start();
      for (const { value } of records) work(value!);
      count += records.length;
      if (watch.reached(count)) void source.close();
    },
    trouble: () => {},
  });
  return watch.seconds;
}

async function foldAll(config: Config): Promise<number> {
  const source = await createSource(config);
  const store = await createStore(config);
  const settings = foldSettings(config);
  const watch = new Stopwatch();
  const watched: Source = {
    ...source,
    run: (handler) =>
      source.run({
        ...handler,
        batch: (batch) => {
          watch.start();
          return handler.batch(batch);
        },
      }),
  };
  const silent = (): void => {};
  const agent = createAgent({
    core: coreOf(settings),
    source: watched,
    store,
    notifiers: {},
    clock: systemClock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    instance: randomUUID(),
    configHash: configHashOf(settings),
  });
  agent.onChange(() => {
    const committed = agent.self().partitions.reduce((sum, { next }) => sum + Number(next ?? 0n), 0);
    if (watch.reached(committed)) void agent.close();
  });
  await agent.run();
  await store.close();
  return watch.seconds;
}

export async function benchKafka(): Promise<Figure[]> {
  const owner = ownerByHand();
  try {
    const { brokers } = await startKafka(owner);
    const redis = await startRedis(owner);
    const topic = await createTopic(owner, { brokers, partitions: 1 });
    const producer = await createProducer(configFor('kafkajs', brokers, topic, redis.port));
    let chunk = [];
    for (const message of messages()) {
      if (chunk.push(message) < CHUNK) continue;
      await producer.send(chunk);
      chunk = [];
    }
    await producer.close();
    const figures: Figure[] = [];
    for (const client of CLIENTS) {
      figures.push(...(await compare(client, () => configFor(client, brokers, topic, redis.port))));
    }
    return figures;
  } finally {
    await owner.finish();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const ignore = (): void => {};
const parse = (value: Uint8Array): void => void JSON.parse(utf8.decode(value));

async function compare(client: string, config: () => Config): Promise<Figure[]> {
  const seconds = { idle: [] as number[], parse: [] as number[], fold: [] as number[] };
  await read(config(), ignore);
  for (let round = 0; round < ROUNDS; round++) {
    seconds.idle.push(await read(config(), ignore));
    seconds.parse.push(await read(config(), parse));
    seconds.fold.push(await foldAll(config()));
  }
  const folded = rate(MESSAGES, median(seconds.fold));
  const shareOf = (other: readonly number[]): number => median(other.map((one, i) => one / seconds.fold[i]!));
  const [idle, parsing] = [shareOf(seconds.idle), shareOf(seconds.parse)];
  return [
    {
      what: `${client}: Kafka → fold → Redis, share of the speed of a consumer that does nothing`,
      value: `${idle.toFixed(2)} (${folded} against ${rate(MESSAGES, median(seconds.idle))})`,
      goal: '≥ 0.50',
      good: idle >= 0.5,
    },
    {
      what: `${client}: the same, of a consumer that decodes text and JSON and does nothing more`,
      value: `${parsing.toFixed(2)} (${folded} against ${rate(MESSAGES, median(seconds.parse))})`,
      goal: '–',
      good: true,
    },
  ];
}
