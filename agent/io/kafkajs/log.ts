import type { Admin } from 'kafkajs';
import type { LogIdentity, PartitionId } from '../../flow/ports.ts';

/** What the log says of itself. The client's protocol is too old for topic ids. */
export interface KafkajsLog {
  identify(ids: readonly PartitionId[]): Promise<{ id: PartitionId; log: LogIdentity }[]>;
}

export function createKafkajsLog(admin: Admin): KafkajsLog {
  let cluster: Promise<string> | null = null;

  async function clusterId(): Promise<string> {
    cluster ??= admin.describeCluster().then((described) => described.clusterId);
    try {
      return await cluster;
    } catch (error) {
      cluster = null;
      throw error;
    }
  }

  return {
    async identify(ids) {
      const topics = new Map<string, Map<number, { low: bigint; end: bigint }>>();
      for (const topic of new Set(ids.map((id) => id.topic))) {
        const partitions = await admin.fetchTopicOffsets(topic);
        const bounds = partitions.map(
          ({ partition, low, high }) => [partition, { low: BigInt(low), end: BigInt(high) }] as const,
        );
        topics.set(topic, new Map(bounds));
      }
      const cluster = await clusterId();
      return ids.map((id) => {
        const bounds = topics.get(id.topic)?.get(id.partition);
        if (bounds === undefined) throw new Error(`${id.topic} has no partition ${id.partition}`);
        return { id, log: { clusterId: cluster, topicId: null, ...bounds } };
      });
    },
  };
}
