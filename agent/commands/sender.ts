import type { Config } from '../config/rows.ts';
import { failure } from '../errors.ts';
import type { Producer } from '../flow/ports.ts';
import { createKafkaAdmin, createProducer } from '../wire.ts';

/**
 * A producer for a command. Cluster and topic are asked for first: a mistake in their names is told at once and by name,
 * where a producer would try until its deadline.
 */
export async function openSender(config: Config): Promise<Producer> {
  const { topic } = config.kafka;
  const admin = await createKafkaAdmin(config);
  try {
    await admin.cluster();
    // Who may send need not have the right to look: then only sending tells.
    const facts = await admin.topic(topic).catch(() => 'unknown');
    if (facts === null) throw failure('kafka_topic_missing', { topic });
  } finally {
    await admin.close().catch(() => {});
  }
  return createProducer(config);
}
