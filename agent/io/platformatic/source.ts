/**
 * Telemetry from Kafka by @platformatic/kafka 2.12.1 (`kafka.client: platformatic`): knows the topic's id, so that a
 * topic deleted and created again is told from the old one.
 */
import type { Source } from '../../flow/ports.ts';
import { completeSourceOptions, type KafkaSourceOptions } from '../kafka/options.ts';
import { createSupervisor } from '../kafka/supervisor.ts';
import { isFatal, kafkaFailure } from './client.ts';
import { createSession } from './session.ts';

export function createPlatformaticSource(given: KafkaSourceOptions): Source {
  const options = completeSourceOptions(given);
  return createSupervisor({
    isFatal,
    explain: (error) => kafkaFailure(error, options.connection, options.topics),
    open: (handler, signals) => createSession({ options, handler, ...signals }),
  });
}
