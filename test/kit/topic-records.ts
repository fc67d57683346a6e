/** What a test puts into a topic and reads back, with kafkajs itself: past every part of the product. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs, { type Consumer } from 'kafkajs';
import type { Sent } from './oracle.ts';
import type { Owner } from './owner.ts';
import { kafkaAdmin } from './topic.ts';
import { waitFor } from './wait-for.ts';

export interface TopicRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly partition: number;
  readonly position: number;
}

export interface OpenTopic {
  /** Resolves when all are acknowledged. */
  send(sent: readonly Sent[]): Promise<void>;
  /** Position after the last record, by partition. */
  ends(): Promise<ReadonlyMap<number, bigint>>;
  /** Everything up to the ends as they are now. */
  read(): Promise<TopicRecord[]>;
}

const CHUNK = 200;
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

// What the product sends unless told otherwise, and kafkajs cannot read by itself.
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
  decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
});

export async function openTopic(owner: Owner, brokers: readonly string[], topic: string): Promise<OpenTopic> {
  const kafka = new Kafka({ clientId: 'test', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  owner.onTestFinished(() => producer.disconnect());
  const admin = await kafkaAdmin(owner, brokers);
  const ends = async () =>
    new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]));
  return {
    async send(sent) {
      for (let at = 0; at < sent.length; at += CHUNK) {
        const messages = sent.slice(at, at + CHUNK).map(({ model, value }) => ({
          key: `default/${model}`,
          value: Buffer.from(value),
        }));
        await producer.send({ topic, messages });
      }
    },
    ends,
    async read() {
      const upTo = await ends();
      const consumer = kafka.consumer({ groupId: `reader-${topic}-${process.hrtime.bigint()}` });
      try {
        return await readUpTo(consumer, topic, upTo);
      } finally {
        await consumer.disconnect();
      }
    },
  };
}

async function readUpTo(
  consumer: Consumer,
  topic: string,
  ends: ReadonlyMap<number, bigint>,
): Promise<TopicRecord[]> {
  const records: TopicRecord[] = [];
  const left = new Set([...ends].flatMap(([partition, end]) => (end > 0n ? [partition] : [])));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message: { key, value, headers = {}, offset } }) => {
      const position = BigInt(offset);
      const end = ends.get(partition) ?? 0n;
      if (position + 1n >= end) left.delete(partition);
      if (position >= end) return;
      records.push({
        key: String(key),
        value: String(value),
        headers: Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, String(one)])),
        partition,
        position: Number(position),
      });
    },
  });
  await waitFor(() => left.size === 0, { what: `all of ${topic}`, deadlineMs: 60_000 });
  return records;
}
