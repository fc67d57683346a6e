import type { Declaration } from './metric.ts';

/** Events taken and lost. Counted in committed state, so a handover to another agent neither loses nor repeats. */
export const EVENT_METRICS = {
  events_total: {
    type: 'counter',
    unit: 'events',
    scope: 'model',
    labels: ['kind'],
    stability: 'stable',
    help: 'Events taken, by kind.',
  },
  events_rejected_total: {
    type: 'counter',
    unit: 'events',
    scope: 'model',
    labels: ['reason', 'topic', 'partition'],
    stability: 'stable',
    help: 'Events refused, by reason; topic and partition instead of environment and model where the event named none.',
  },
  events_duplicate_total: {
    type: 'counter',
    unit: 'events',
    scope: 'model',
    labels: [],
    stability: 'stable',
    help: 'Events that came again and were dropped.',
  },
  events_missing_total: {
    type: 'counter',
    unit: 'events',
    scope: 'model',
    labels: [],
    stability: 'stable',
    help: 'Gaps in the sequence numbers of the sources: events that never came.',
  },
  events_late_total: {
    type: 'counter',
    unit: 'events',
    scope: 'model',
    labels: ['reason'],
    stability: 'stable',
    help: 'Events that came after their tick was closed, by reason.',
  },
  events_expired_total: {
    type: 'counter',
    unit: 'events',
    scope: 'agent',
    labels: ['topic', 'partition'],
    stability: 'stable',
    help: 'Records that the log dropped (retention) before any agent had read them.',
  },
} as const satisfies Record<string, Declaration>;
