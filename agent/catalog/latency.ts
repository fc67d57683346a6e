import type { Declaration } from './metric.ts';

/** Whole requests and normalization ops, counted in committed state over closed ticks. */
export const LATENCY_METRICS = {
  norm_op_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    scope: 'stream',
    labels: ['layer'],
    stability: 'stable',
    help: 'Time per call of the normalization op. Calls sent without a histogram count at the typical time of their tick.',
  },
  request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    scope: 'stream',
    labels: [],
    stability: 'stable',
    help: 'Time of whole requests, from the histograms of `requests` events.',
  },
  requests_total: {
    type: 'counter',
    unit: 'requests',
    scope: 'stream',
    labels: [],
    stability: 'stable',
    help: 'Requests that `requests` events tell of; where none are sent, requests of the flushes.',
  },
  request_errors_total: {
    type: 'counter',
    unit: 'requests',
    scope: 'stream',
    labels: [],
    stability: 'stable',
    help: 'Requests that failed, from `requests` events.',
  },
  requests_nonfinite_total: {
    type: 'counter',
    unit: 'requests',
    scope: 'stream',
    labels: ['output'],
    stability: 'stable',
    help: 'Requests whose output was not finite, by name of the output.',
  },
} as const satisfies Record<string, Declaration>;
