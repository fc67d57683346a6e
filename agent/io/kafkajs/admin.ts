/** What `doctor` asks a cluster, as plain data. */
import kafkajs from 'kafkajs';
import type { KafkaConnection } from '../kafka/options.ts';
import { BRIEF_RETRY, createKafka, kafkaFailure } from './client.ts';

export interface TopicFacts {
  readonly partitions: number;
  /** The least number of copies of any partition. */
  readonly replicas: number;
  /** Null: kept for ever (`retention.ms` of -1). */
  readonly retentionMs: number | null;
  /** All of the topic's settings, by their names in Kafka. */
  readonly config: ReadonlyMap<string, string>;
}

export interface ClusterFacts {
  readonly clusterId: string;
  /** `host:port` as the cluster advertises them. */
  readonly brokers: readonly string[];
}

export interface KafkaAdmin {
  /** Rejects with a failure of `errors.ts` when no broker answers. */
  cluster(): Promise<ClusterFacts>;
  /** Null when there is no such topic. */
  topic(name: string): Promise<TopicFacts | null>;
  close(): Promise<void>;
}

export function createKafkaAdmin({ connection }: { readonly connection: KafkaConnection }): KafkaAdmin {
  const { kafka, hangUp } = createKafka({ connection, retry: BRIEF_RETRY });
  const admin = kafka.admin({ retry: BRIEF_RETRY });
  let connected: Promise<void> | null = null;

  async function ask<T>(topics: readonly string[], question: () => Promise<T>): Promise<T> {
    try {
      connected ??= admin.connect();
      await connected;
      return await question();
    } catch (error) {
      connected = null;
      throw kafkaFailure(error, connection, topics);
    }
  }

  return {
    cluster: () =>
      ask([], async () => {
        const { clusterId, brokers } = await admin.describeCluster();
        return { clusterId, brokers: brokers.map(({ host, port }) => `${host}:${port}`) };
      }),
    topic: (name) =>
      ask([name], async () => {
        // Asked by list first: a question by name makes the topic where brokers make topics by themselves.
        if (!(await admin.listTopics()).includes(name)) return null;
        const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
        const partitions = topics[0]?.partitions ?? [];
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
        });
        const entries = resources[0]?.configEntries ?? [];
        const config = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
        const retentionMs = Number(config.get('retention.ms') ?? -1);
        return {
          partitions: partitions.length,
          replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          retentionMs: retentionMs < 0 ? null : retentionMs,
          config,
        };
      }),
    close: () => admin.disconnect().finally(hangUp),
  };
}
