import { METRICS } from '../../catalog.ts';
import type { IncidentView, ModelView } from '../../core/view.ts';
import type { Collector, Labels } from './collector.ts';

const KINDS = ['nan', 'inf'] as const;
const PLACES = ['forward', 'backward'] as const;

export function addModel(out: Collector, model: ModelView, nowMs: number): void {
  const identity = { environment: model.environment, model: model.model };
  addCounters(out, identity, model);

  const muted = model.maintenanceUntilMs !== null && model.maintenanceUntilMs > nowMs;
  out.add(METRICS.maintenance_active, identity, {}, muted ? 1 : 0);

  const lastSeenMs = model.nonfiniteLastSeenMs;
  out.add(
    METRICS.nonfinite_last_seen_timestamp_seconds,
    identity,
    {},
    lastSeenMs === null ? null : lastSeenMs / 1000,
  );
  for (const incident of model.incidents) if (incident.status === 'open') addIncident(out, incident);
}

function addCounters(out: Collector, identity: Labels, model: ModelView): void {
  for (const [kind, count] of Object.entries(model.events))
    out.add(METRICS.events_total, identity, { kind }, count);
  for (const [reason, count] of Object.entries(model.rejected))
    out.add(METRICS.events_rejected_total, identity, { reason, topic: '', partition: '' }, count);
  for (const [reason, count] of Object.entries(model.late))
    out.add(METRICS.events_late_total, identity, { reason }, count);
  out.add(METRICS.events_duplicate_total, identity, {}, model.duplicates);
  out.add(METRICS.events_missing_total, identity, {}, model.missing);

  // From 0, all of them: a counter that is born at 5 increases by 0.
  for (const kind of KINDS) {
    for (const where of PLACES) {
      const found = model.nonfinite.find((entry) => entry.kind === kind && entry.where === where);
      out.add(METRICS.nonfinite_elements_total, identity, { kind, where }, found?.total ?? 0);
    }
  }
}

function addIncident(out: Collector, incident: IncidentView): void {
  const identity = streamIdentity(incident);
  const active = incident.suppressed === null ? 1 : 0;
  out.add(METRICS.incident_active, identity, { incident: incident.id, severity: incident.severity }, active);
  out.add(
    METRICS.incident_info,
    identity,
    {
      incident: incident.id,
      cause: incident.cause,
      scope: incident.scope,
      layer: incident.layers[0] ?? '',
      sources: sourcesLabel(incident.sources),
    },
    1,
  );
  if (incident.effect !== null) {
    const own = { incident: incident.id, unit: incident.effect.unit };
    out.add(METRICS.incident_effect, identity, own, incident.effect.value);
  }
}

/** An incident names no source when all are affected. */
function sourcesLabel(sources: readonly string[]): string {
  const [first] = sources;
  if (first === undefined) return 'all';
  return sources.length === 1 ? first : String(sources.length);
}

interface StreamNames {
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  readonly role: string | null;
  readonly run: string | null;
}

export const streamIdentity = ({ environment, model, version, role, run }: StreamNames): Labels => ({
  environment,
  model,
  version,
  ...(run === null ? { role: role ?? '' } : { run }),
});
