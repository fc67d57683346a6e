import type { Declaration } from './metric.ts';

/** The intake: accepted = produced + dropped + buffered, always. These belong to one process. */
export const INTAKE_METRICS = {
  intake_accepted_total: {
    type: 'counter',
    unit: 'events',
    scope: 'agent',
    labels: [],
    stability: 'stable',
    help: 'Events that the intake took from the model.',
  },
  intake_refused_total: {
    type: 'counter',
    unit: 'events',
    scope: 'agent',
    labels: ['reason'],
    stability: 'stable',
    help: 'Events that the intake refused, by reason.',
  },
  intake_produced_total: {
    type: 'counter',
    unit: 'events',
    scope: 'agent',
    labels: [],
    stability: 'stable',
    help: 'Events that Kafka has acknowledged.',
  },
  intake_dropped_total: {
    type: 'counter',
    unit: 'events',
    scope: 'agent',
    labels: ['kind'],
    stability: 'stable',
    help: 'Events given up because memory was full or time ran out, by kind.',
  },
  intake_failures_total: {
    type: 'counter',
    unit: 'attempts',
    scope: 'agent',
    labels: [],
    stability: 'stable',
    help: 'Attempts to produce that Kafka did not acknowledge.',
  },
  intake_buffered_events: {
    type: 'gauge',
    unit: 'events',
    scope: 'agent',
    labels: [],
    stability: 'stable',
    help: 'Events that wait for Kafka.',
  },
  intake_buffered_bytes: {
    type: 'gauge',
    unit: 'bytes',
    scope: 'agent',
    labels: [],
    stability: 'stable',
    help: 'Memory of what waits for Kafka.',
  },
} as const satisfies Record<string, Declaration>;
