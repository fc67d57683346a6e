/** What Java's own clients write, which frame snappy and LZ4 in ways of their own, is read by both of ours. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createKafkajsSource } from '../../agent/io/kafkajs/source.ts';
import { createPlatformaticSource } from '../../agent/io/platformatic/source.ts';
import { startReader } from '../contract/reader.ts';
import { fileOwner } from '../kit/owner.ts';
import { startProcess } from '../kit/process.ts';
import { KAFKA_LIBS } from '../kit/services/paths.ts';
import { requireProgram } from '../kit/services/programs.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { createTopic } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

const owner = fileOwner();
const CODECS = ['snappy', 'lz4', 'zstd', 'gzip'];
const linesOf = (codec: string): string[] =>
  Array.from({ length: 200 }, (_, i) => `${codec} ${i} ${'0.123456789 '.repeat(40)}`);
let brokers: string[];
let topic: string;

beforeAll(async () => {
  brokers = await sharedKafka();
  topic = await createTopic(owner, { brokers });
  for (const codec of CODECS) {
    const producer = await startProcess(owner, {
      command: requireProgram('java'),
      args: [
        ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m', '-cp', join(KAFKA_LIBS, '*')],
        ...['org.apache.kafka.tools.ConsoleProducer', '--bootstrap-server', brokers.join(',')],
        ...['--topic', topic, '--compression-codec', codec],
      ],
      stdin: `${linesOf(codec).join('\n')}\n`,
    });
    expect(await producer.exited, producer.output()).toMatchObject({ code: 0 });
  }
});

for (const createSource of [createKafkajsSource, createPlatformaticSource]) {
  test(`${createSource.name} reads all codecs of the Java producer`, async (t) => {
    const connection = { brokers, clientId: 'exam' };
    const reader = startReader({
      source: createSource({ connection, topics: [topic], groupId: randomUUID(), fetchWaitMs: 50 }),
    });
    t.onTestFinished(() => reader.end());
    const expected = CODECS.flatMap(linesOf);
    await waitFor(() => reader.committed.seen().length >= expected.length, { what: 'all lines' });
    expect(reader.committed.seen().map(({ value }) => value)).toEqual(expected);
  });
}
