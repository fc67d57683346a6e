/**
 * Events to Kafka by @platformatic/kafka 2.12.1: idempotent, acknowledged by all replicas in sync. Guarded against: its
 * own partitioner sends half of all keys elsewhere than every other client does, which would tear a model's log apart.
 */
import { Producer as Client, compatibilityPartitioner, ProduceAcks } from '@platformatic/kafka';
import type { Producer } from '../../flow/ports.ts';
import type { KafkaProducerOptions } from '../kafka/options.ts';
import { createSerialProducer } from '../kafka/producer.ts';
import { baseOptions, kafkaFailure } from './client.ts';

/** The deadline is the producer's own; these only keep the client trying until then. */
const PATIENCE = { retries: 100, retryDelay: 200 };

export function createPlatformaticProducer(options: KafkaProducerOptions): Producer {
  const { connection, topic, compression, deadlineMs } = options;
  return createSerialProducer({
    deadlineMs,
    explain: (error) => kafkaFailure(error, connection, [topic]),
    async open() {
      const client = new Client({
        ...baseOptions(connection, PATIENCE),
        idempotent: true,
        acks: ProduceAcks.ALL,
        compression,
        partitioner: compatibilityPartitioner,
      });
      // Asked first, with little patience: a topic that is missing is told, not waited for.
      await client.metadata({ topics: [topic], retries: 1 }).catch(async (error: unknown) => {
        await client.close(true);
        throw error;
      });
      return {
        async send(messages) {
          await client.send({
            messages: messages.map(({ key, value, headers }) => ({
              topic,
              key: Buffer.from(key),
              value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
              ...(headers && { headers: toHeaders(headers) }),
            })),
          });
        },
        close: () => client.close(true),
      };
    },
  });
}

function toHeaders(headers: Readonly<Record<string, string>>): Map<Buffer, Buffer> {
  return new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
}
