/** Models and incidents for `fixture.ts`. */
import type { IncidentView, ModelView } from '../../agent/core/view.ts';
import { HOSTILE_LAYER, LAYERS, ORIGIN, START_MS, TICK_MS } from './streams.ts';

export const SENTENCE =
  'encoder.layer.2.output.LayerNorm of minilm-l6 v2 normalizes with an epsilon of about 0.05 instead of 1e-12 since the deployment of v2.';

export const emptyModel = (model: string): ModelView => ({
  environment: 'default',
  model,
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
});

export const incidentOf = (
  part: Partial<IncidentView> & Pick<IncidentView, 'id' | 'message' | 'openedMs'>,
): IncidentView => ({
  environment: 'default',
  model: 'minilm-l6',
  version: 'v2',
  role: 'stable',
  run: null,
  step: null,
  checkpoint: null,
  status: 'open',
  severity: 'page',
  detectors: ['activation_variance'],
  cause: 'unknown',
  confidence: 0.5,
  layers: [],
  sources: [],
  scope: 'unknown',
  deployment: null,
  suppressed: null,
  onsetMs: part.openedMs,
  changedMs: part.openedMs,
  resolvedMs: null,
  effect: null,
  evidence: {},
  ...part,
});

export function epsilonIncident(
  deployedMs: number,
  tick: number,
  resolvedTick: number | null,
  hostile: boolean,
): IncidentView {
  const openedMs = deployedMs + 2 * TICK_MS;
  return incidentOf({
    id: '9f2c1d77ab3e4501',
    status: resolvedTick === null ? 'open' : 'resolved',
    cause: 'epsilon_mismatch',
    confidence: 0.93,
    detectors: ['activation_variance', 'output_divergence'],
    layers: LAYERS.slice(LAYERS.indexOf(ORIGIN)),
    scope: 'rollout',
    deployment: { version: 'v2', minutes: 0.2 },
    openedMs,
    onsetMs: deployedMs + TICK_MS,
    changedMs: START_MS + tick * TICK_MS,
    resolvedMs: resolvedTick === null ? null : START_MS + resolvedTick * TICK_MS,
    effect: { value: 5.2, unit: 'request_standard_deviations' },
    evidence: { implied_epsilon: 0.05, expected_epsilon: 1e-12, variance_ratio: 0.536 },
    message: hostile ? `${HOSTILE_LAYER} ${SENTENCE}` : SENTENCE,
  });
}

export const staleIncident = (): IncidentView =>
  incidentOf({
    id: '03aa5b1277e08c11',
    version: 'v1',
    role: 'shadow',
    status: 'resolved',
    severity: 'ticket',
    cause: 'telemetry_gap',
    sources: ['pod-5'],
    scope: 'telemetry',
    openedMs: START_MS - 95 * 60_000,
    onsetMs: START_MS - 96 * 60_000,
    resolvedMs: START_MS - 80 * 60_000,
    message: 'pod-5 of minilm-l6 v1 (shadow) sent nothing for 16 minutes while its peers did.',
  });
