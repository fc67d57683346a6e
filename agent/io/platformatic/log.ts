import type { ClusterMetadata, Consumer } from '@platformatic/kafka';
import type { LogIdentity, PartitionId } from '../../flow/ports.ts';

const EARLIEST = -2n;
const LATEST = -1n;
/** The end is the last record's, not the last one of a finished transaction. */
const READ_UNCOMMITTED = 0;

/** What the log says of itself. */
export interface PlatformaticLog {
  identify(ids: readonly PartitionId[]): Promise<{ id: PartitionId; log: LogIdentity }[]>;
  /** Leaders and topic ids, asked anew. */
  metadata(): Promise<ClusterMetadata>;
}

export function createPlatformaticLog(client: Consumer, topics: readonly string[]): PlatformaticLog {
  const metadata = (): Promise<ClusterMetadata> =>
    client.metadata({ topics: [...topics], forceUpdate: true });

  return {
    metadata,
    async identify(ids) {
      const partitions: Record<string, number[]> = {};
      for (const { topic, partition } of ids) {
        partitions[topic] ??= [];
        partitions[topic].push(partition);
      }
      const asked = { topics: Object.keys(partitions), partitions, isolationLevel: READ_UNCOMMITTED };
      const cluster = await metadata();
      const low = await client.listOffsets({ ...asked, timestamp: EARLIEST });
      const end = await client.listOffsets({ ...asked, timestamp: LATEST });
      return ids.map((id) => ({
        id,
        log: {
          clusterId: cluster.id,
          topicId: cluster.topics.get(id.topic)?.id ?? null,
          low: offsetOf(low, id),
          end: offsetOf(end, id),
        },
      }));
    },
  };
}

function offsetOf(offsets: Map<string, bigint[]>, { topic, partition }: PartitionId): bigint {
  const offset = offsets.get(topic)?.[partition];
  if (offset === undefined) throw new Error(`${topic} has no partition ${partition}`);
  return offset;
}
