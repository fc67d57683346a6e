/** Small views to expose: everything quiet, and what a test says otherwise. */

import type { CellScore, CellView, IncidentView, ModelView, StreamView } from '../../../agent/core/view.ts';
import { NO_LATENCY } from '../../../agent/core/view-latency.ts';
import type { ExposedPartition } from '../../../agent/flow/exposition.ts';

export const NOW_MS = Date.UTC(2026, 2, 2);

export const score = (over: Partial<CellScore> = {}): CellScore => ({
  against: 'reference',
  meanShiftSigmas: 0,
  varianceShiftSigmas: 0,
  logVarianceRatio: 0,
  klNats: 0,
  histogramKlNats: null,
  histogramJsNats: null,
  histogramPsi: null,
  baselineMean: 0,
  baselineMeanBand: 0.1,
  baselineVariance: 1,
  baselineVarianceFactor: 1.1,
  ...over,
});

export const cell = (layer: string, over: Partial<CellView> = {}): CellView => ({
  layer,
  site: 'output',
  mean: 0.5,
  variance: 1.25,
  min: -3,
  max: 3,
  scores: [score()],
  ...over,
});

export const stream = (over: Partial<StreamView> = {}): StreamView => ({
  id: 'serving/v1/stable',
  environment: 'default',
  model: 'minilm-l6',
  version: 'v1',
  role: 'stable',
  run: null,
  checkpoint: null,
  state: 'guarded',
  calibration: {
    ticks: 60,
    ticksNeeded: 60,
    flushes: 600,
    flushesNeeded: 600,
    progress: 1,
    remainingMs: 0,
  },
  reference: null,
  watermarkMs: NOW_MS,
  tickEndMs: NOW_MS,
  step: null,
  requests: 0,
  tokens: 0,
  sources: [],
  layers: (over.cells ?? []).map(({ layer }) => layer),
  cells: [],
  outputs: [],
  latency: NO_LATENCY,
  evidence: [],
  training: null,
  ...over,
});

export const incident = (over: Partial<IncidentView> = {}): IncidentView => ({
  id: 'a1b2',
  environment: 'default',
  model: 'minilm-l6',
  version: 'v1',
  role: 'stable',
  run: null,
  step: null,
  checkpoint: null,
  status: 'open',
  severity: 'page',
  detectors: ['activation_variance'],
  cause: 'epsilon_mismatch',
  confidence: 0.9,
  layers: ['ln2', 'ln3'],
  sources: [],
  scope: 'rollout',
  deployment: null,
  suppressed: null,
  openedMs: NOW_MS,
  onsetMs: NOW_MS,
  changedMs: NOW_MS,
  resolvedMs: null,
  effect: null,
  evidence: {},
  message: '',
  ...over,
});

export const model = (over: Partial<ModelView> = {}): ModelView => ({
  environment: 'default',
  model: 'minilm-l6',
  events: {},
  rejected: {},
  duplicates: 0,
  missing: 0,
  late: {},
  nonfinite: [],
  nonfiniteDay: [],
  nonfiniteLastSeenMs: null,
  streams: [],
  incidents: [],
  deployments: [],
  maintenanceUntilMs: null,
  ...over,
});

export const partition = (models: readonly ModelView[], index = 0): ExposedPartition => ({
  topic: 'events',
  partition: index,
  view: { models, rejected: {} },
  lagRecords: 0,
  lostRecords: 0,
});

/** A stream with `count` layers, both sites, all shifted a little more than the one before. */
export const layersOf = (count: number): CellView[] =>
  Array.from({ length: count }, (_, i) =>
    (['input', 'output'] as const).map((site) =>
      cell(`layer.${i}`, { site, scores: [score({ meanShiftSigmas: i / 100, klNats: i / 1000 })] }),
    ),
  ).flat();
