import type { Declaration } from './metric.ts';

/** Incidents. The two alerts that serve all detectors hang on `incident_active`. */
export const INCIDENT_METRICS = {
  incident_active: {
    type: 'gauge',
    unit: 'incidents',
    scope: 'stream',
    labels: ['incident', 'severity'],
    stability: 'stable',
    help: '1 while the incident is open, 0 while it is open and suppressed by maintenance, absent otherwise.',
  },
  incident_info: {
    type: 'gauge',
    unit: 'incidents',
    scope: 'stream',
    labels: ['incident', 'cause', 'scope', 'layer', 'sources'],
    stability: 'stable',
    help: '1 for each open incident: cause, scope, first bad layer, and sources (all, the name of one, or how many).',
  },
  incident_effect: {
    type: 'gauge',
    unit: 'by label',
    scope: 'stream',
    labels: ['incident', 'unit'],
    stability: 'stable',
    help: 'Size of an open incident in its unit.',
  },
} as const satisfies Record<string, Declaration>;
