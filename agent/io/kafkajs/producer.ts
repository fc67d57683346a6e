/** Events to Kafka by kafkajs 2.2.4: idempotent, acknowledged by all replicas in sync. */
import type { Producer } from '../../flow/ports.ts';
import type { KafkaProducerOptions } from '../kafka/options.ts';
import { createSerialProducer } from '../kafka/producer.ts';
import { CompressionTypes, createKafka, kafkaFailure } from './client.ts';

const ACKS_ALL = -1;
/** Some five seconds: a client that was given up must not go on trying in the background, behind what was sent since. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 8 };

const TYPES = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;

export function createKafkajsProducer(options: KafkaProducerOptions): Producer {
  const { connection, topic, compression, deadlineMs } = options;
  return createSerialProducer({
    deadlineMs,
    explain: (error) => kafkaFailure(error, connection, [topic]),
    async open() {
      const { kafka, hangUp } = createKafka({ connection, retry: RETRY });
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        retry: RETRY,
      });
      try {
        await producer.connect();
      } catch (error) {
        hangUp();
        throw error;
      }
      return {
        async send(messages) {
          await producer.send({
            topic,
            acks: ACKS_ALL,
            compression: TYPES[compression],
            messages: messages.map(({ key, value, headers }) => ({
              key,
              value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
              ...(headers && { headers: { ...headers } }),
            })),
          });
        },
        close: () => producer.disconnect().finally(hangUp),
      };
    },
  });
}
