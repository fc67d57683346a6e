import type { Declaration } from './metric.ts';

/** NaN and infinite elements. */
export const NONFINITE_METRICS = {
  nonfinite_elements_total: {
    type: 'counter',
    unit: 'elements',
    scope: 'model',
    labels: ['kind', 'where'],
    stability: 'stable',
    help: 'NaN and infinite elements counted, from 0, over all versions and layers of the model.',
  },
  nonfinite_elements: {
    type: 'gauge',
    unit: 'elements',
    scope: 'model',
    labels: ['version', 'layer', 'site', 'kind', 'where', 'range'],
    stability: 'stable',
    help: 'NaN and infinite elements of a layer within the range, for layers that had any.',
  },
  nonfinite_last_seen_timestamp_seconds: {
    type: 'gauge',
    unit: 'seconds',
    scope: 'model',
    labels: [],
    stability: 'stable',
    help: 'Event time of the last NaN or infinite element, Unix time; absent when there never was one.',
  },
} as const satisfies Record<string, Declaration>;
