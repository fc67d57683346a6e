import { randomBytes } from 'node:crypto';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { Owner } from './owner.ts';

export interface TopicOptions {
  readonly brokers: readonly string[];
  readonly partitions?: number;
  /** A name of one's own, for a topic made a second time. */
  readonly name?: string;
  readonly config?: Readonly<Record<string, string>>;
}

/** A topic with a name nobody else has. It stays until its broker ends: a delete would disturb clients that still read. */
export async function createTopic(owner: Owner, options: TopicOptions): Promise<string> {
  const topic = options.name ?? `t-${randomBytes(6).toString('hex')}`;
  const admin = await kafkaAdmin(owner, options.brokers);
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: options.partitions ?? 1,
        replicationFactor: 1,
        configEntries: Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  return topic;
}

/** A connected admin client, e.g. to delete records or a group, or to read offsets. */
export async function kafkaAdmin(owner: Owner, brokers: readonly string[]): Promise<Admin> {
  const kafka = new Kafka({ clientId: 'kit', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  owner.onTestFinished(() => admin.disconnect());
  return admin;
}
