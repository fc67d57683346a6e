/**
 * The clock of a broker, by @platformatic/kafka 2.12.1. Kafka has no question for the time; the leader of the cluster's
 * own metadata answers with the time it has when it describes its quorum (KIP-836, Kafka 3.3 or later). It needs the
 * right to describe the cluster.
 */
import { Admin, describeQuorumV1 } from '@platformatic/kafka';
import type { KafkaConnection } from '../kafka/options.ts';
import { baseOptions, kafkaFailure } from './client.ts';

const METADATA = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];

/** Epoch milliseconds; null where the broker does not tell, as older ones do. */
export async function brokerTimeMs(connection: KafkaConnection): Promise<number | null> {
  const admin = new Admin(baseOptions(connection, { retries: 1, retryDelay: 100 }));
  try {
    const [broker] = (await admin.connectToBrokers()).values();
    if (broker === undefined) return null;
    const { topics } = await describeQuorumV1.api.async(broker, METADATA);
    const partition = topics[0]?.partitions[0];
    const leader = partition?.currentVoters.find(({ replicaId }) => replicaId === partition.leaderId);
    const timeMs = Number(leader?.lastCaughtUpTimestamp ?? -1n);
    return timeMs > 0 ? timeMs : null;
  } catch (error) {
    throw kafkaFailure(error, connection, []);
  } finally {
    await admin.close();
  }
}
