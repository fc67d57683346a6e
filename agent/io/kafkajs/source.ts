/**
 * Telemetry from Kafka by kafkajs 2.2.4, the default client. The client gives up after some failures and may do so
 * for good: then its session is thrown away and a new one begun, with growing pauses and without end. Not guarded
 * against: of two overlapping aborted transactions that both began before the position asked for, it may let a record
 * of the second through. Emitters use no transactions; who does takes the other client.
 */
import type { Source } from '../../flow/ports.ts';
import { completeSourceOptions, type KafkaSourceOptions } from '../kafka/options.ts';
import { createSupervisor } from '../kafka/supervisor.ts';
import { isFatal, kafkaFailure } from './client.ts';
import { createSession } from './session.ts';

export function createKafkajsSource(given: KafkaSourceOptions): Source {
  const options = completeSourceOptions(given);
  return createSupervisor({
    isFatal,
    explain: (error) => kafkaFailure(error, options.connection, options.topics),
    open: (handler, signals) => createSession({ options, handler, ...signals }),
  });
}
