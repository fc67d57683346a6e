import type { Declaration } from './metric.ts';

/** What a stream is doing, and whether it is muted. */
export const STREAM_METRICS = {
  stream_state: {
    type: 'gauge',
    unit: 'states',
    scope: 'stream',
    labels: ['state'],
    stability: 'stable',
    help: '1 for the current state: calibrating, guarded, drifting, silent or stopped.',
  },
  stream_sources: {
    type: 'gauge',
    unit: 'sources',
    scope: 'stream',
    labels: ['status'],
    stability: 'experimental',
    help: 'Sources of the stream by status: live, silent, stopped or skewed.',
  },
  stream_watermark_timestamp_seconds: {
    type: 'gauge',
    unit: 'seconds',
    scope: 'stream',
    labels: [],
    stability: 'experimental',
    help: 'How far the data of the stream is: median of the last event times of its live sources, Unix time.',
  },
  calibration_progress_ratio: {
    type: 'gauge',
    unit: 'ratio',
    scope: 'stream',
    labels: [],
    stability: 'stable',
    help: 'How much of the first baseline is there: 0 to 1, 1 when the stream is guarded.',
  },
  detector_evidence_nats: {
    type: 'gauge',
    unit: 'nats',
    scope: 'stream',
    labels: ['detector'],
    stability: 'experimental',
    help: 'Evidence of a detector in the last closed tick that something has changed: its natural logarithm, 0 for none.',
  },
  detector_threshold_nats: {
    type: 'gauge',
    unit: 'nats',
    scope: 'stream',
    labels: ['detector', 'severity'],
    stability: 'experimental',
    help: "Evidence that opens a ticket, and that a page needs beside its effect: from the model's budget, raised by calibration.",
  },
  maintenance_active: {
    type: 'gauge',
    unit: 'windows',
    scope: 'model',
    labels: [],
    stability: 'stable',
    help: '1 while a maintenance window mutes the pages of the model, otherwise 0.',
  },
} as const satisfies Record<string, Declaration>;
