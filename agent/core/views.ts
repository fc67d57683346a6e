/** State → what the outside sees of it. Plain copies, so that a view never changes after it was handed out. */

import { canaryOutputs } from './canary.ts';
import { finite, viewCells } from './cells-view.ts';
import { watermarkOf } from './clock.ts';
import { byName } from './codec.ts';
import { viewEvidence } from './evidence-view.ts';
import type { Incident } from './incident.ts';
import { checkpointOf, type Model } from './model.ts';
import { outputsNow } from './outputs.ts';
import type { Run } from './run.ts';
import type { Divergence } from './score/divergence.ts';
import { outputDivergence } from './score/output.ts';
import { sentenceOf } from './sentence.ts';
import type { Settings } from './settings.ts';
import type { Stream } from './stream.ts';
import type * as v from './view.ts';
import { NO_LATENCY, viewLatency } from './view-latency.ts';

export function viewModel(model: Model, settings: Settings): v.ModelView {
  const streams = [...model.streams.values()].sort((a, b) => byName(a.id, b.id));
  const runs = [...model.runs.values()].sort((a, b) => byName(a.id, b.id));
  return {
    environment: model.environment,
    model: model.model,
    events: Object.fromEntries(model.events),
    rejected: Object.fromEntries(model.rejected),
    duplicates: model.duplicates,
    missing: model.missing,
    late: Object.fromEntries(model.late),
    nonfinite: nonfiniteTotals(model),
    nonfiniteDay: nonfiniteDay(model),
    nonfiniteLastSeenMs: model.nonfiniteLastMs,
    streams: [
      ...streams.map((stream) => viewStream(model, stream, settings)),
      ...runs.map((run) => viewRun(model, run)),
    ],
    incidents: model.incidents.map((incident) => viewIncident(model, incident)),
    deployments: model.deployments.map((d) => ({ ...d })),
    maintenanceUntilMs: model.maintenanceUntilMs,
  };
}

/** Every combination from 0, so that a rate over it sees the first element. */
function nonfiniteTotals(model: Model): v.ModelView['nonfinite'] {
  return (['nan', 'inf'] as const).flatMap((kind) =>
    (['forward', 'backward'] as const).map((where) => ({
      kind,
      where,
      total: model.nonfinite.get(`${kind}/${where}`) ?? 0,
    })),
  );
}

function nonfiniteDay(model: Model): v.ModelView['nonfiniteDay'] {
  const sums = new Map<string, number>();
  for (const hourly of model.nonfiniteHours.values()) {
    for (const [key, elements] of hourly) sums.set(key, (sums.get(key) ?? 0) + elements);
  }
  return [...sums].map(([key, elements]) => {
    const [version, layer, site, kind, where] = key.split('\n') as [string, string, string, string, string];
    return { version, layer, site, kind: kind as 'nan', where: where as 'forward', elements };
  });
}

function viewStream(model: Model, stream: Stream, settings: Settings): v.StreamView {
  const { last } = stream;
  return {
    id: stream.id,
    environment: model.environment,
    model: model.model,
    version: stream.version,
    role: stream.role,
    run: null,
    checkpoint: checkpointOf(model, stream),
    state: stateOf(model, stream),
    calibration: calibrationOf(stream, settings),
    reference: referenceName(model, stream),
    watermarkMs: watermarkOf(stream.clock),
    tickEndMs: last?.endMs ?? null,
    step: null,
    requests: last?.requests ?? 0,
    tokens: last?.tokens ?? 0,
    sources: sourcesOf(stream, settings),
    layers: [...stream.layers],
    cells: last === null ? [] : viewCells(stream, last),
    outputs: viewOutputs(model, stream),
    latency: viewLatency(stream.totals, stream.layers),
    evidence: viewEvidence(model, stream, settings),
    training: null,
  };
}

function stateOf(model: Model, stream: Stream): v.StreamStateName {
  if (stream.stopped) return 'stopped';
  const open = model.incidents.some(
    (i) => i.stream === stream.id && i.status === 'open' && i.family !== 'telemetry',
  );
  if (open) return 'drifting';
  return stream.baseline.learning === null ? 'guarded' : 'calibrating';
}

function calibrationOf(stream: Stream, settings: Settings): v.StreamView['calibration'] {
  const { ticks: ticksNeeded, flushes: flushesNeeded } = settings.calibration;
  const { learning } = stream.baseline;
  if (learning === null) {
    return {
      ticks: ticksNeeded,
      ticksNeeded,
      flushes: flushesNeeded,
      flushesNeeded,
      progress: 1,
      remainingMs: 0,
    };
  }
  const ticks = learning.ticks + (stream.baseline.trial?.ticks ?? 0);
  const flushes = learning.flushes + (stream.baseline.trial?.flushes ?? 0);
  const progress = Math.min(1, ticks / ticksNeeded, flushes / flushesNeeded);
  const ticksLeft =
    ticks === 0
      ? null
      : Math.max(ticksNeeded - ticks, Math.ceil((flushesNeeded - flushes) / (flushes / ticks || 1)));
  return {
    ticks,
    ticksNeeded,
    flushes,
    flushesNeeded,
    progress,
    remainingMs: ticksLeft === null ? null : Math.max(0, ticksLeft) * settings.tickMs,
  };
}

function referenceName(model: Model, stream: Stream): string | null {
  const reference = model.references.find((r) => r.id === stream.reference);
  if (reference === undefined) return null;
  return reference.kind === 'pinned' ? `pinned ${reference.id}` : `learned from ${reference.version}`;
}

function sourcesOf(stream: Stream, settings: Settings): v.SourceView[] {
  const tick = stream.closedTick;
  return [...stream.clock.sources]
    .sort(([a], [b]) => byName(a, b))
    .map(([source, clock]) => {
      const quietMs = clock.lastTick < 0 ? 0 : (tick - clock.lastTick) * settings.tickMs;
      const silent = quietMs >= Math.max(settings.silenceMs, 3 * clock.intervalMs);
      const status =
        clock.status === 'gone'
          ? 'stopped'
          : clock.status === 'skewed'
            ? 'skewed'
            : silent
              ? 'silent'
              : 'live';
      return { source, status, lastMs: clock.lastMs };
    });
}

function viewOutputs(model: Model, stream: Stream): v.OutputView[] {
  const reference = model.references.find((r) => r.id === stream.reference)?.bucket;
  const baselines = [
    ['reference', reference?.outputs],
    ['rolling', stream.baseline.detail.at(-1)?.outputs],
  ] as const;
  const besides = canaryOutputs(model, stream);
  return [...outputsNow(stream)].map(([output, now]) => ({
    output,
    requests: now.requests,
    nonFiniteRequests: now.nonFiniteRequests,
    scores: [
      ...baselines.flatMap(([against, outputs]) => {
        const then = outputs?.get(output);
        const divergence = then === undefined ? null : outputDivergence(now, then);
        return divergence === null ? [] : [viewDivergence(against, divergence)];
      }),
      ...[besides.get(output)].flatMap((one) => (one === undefined ? [] : [viewDivergence('canary', one)])),
    ],
  }));
}

const viewDivergence = (against: v.Against, { klNats, jsNats }: Divergence) => ({ against, klNats, jsNats });

function viewRun(model: Model, run: Run): v.StreamView {
  const open = model.incidents.some((i) => i.stream === run.id && i.status === 'open');
  const validation = run.validation.map(({ name, value, maximize }) => ({
    name,
    value: finite(value),
    goal: maximize ? ('max' as const) : ('min' as const),
  }));
  return {
    id: run.id,
    environment: model.environment,
    model: model.model,
    version: run.version,
    role: null,
    run: run.run,
    checkpoint: run.checkpoint,
    state: run.ended ? 'stopped' : open ? 'drifting' : 'guarded',
    calibration: { ticks: 0, ticksNeeded: 0, flushes: 0, flushesNeeded: 0, progress: 1, remainingMs: 0 },
    reference: null,
    watermarkMs: run.lastMs,
    tickEndMs: run.lastMs,
    step: run.step < 0 ? null : run.step,
    requests: 0,
    tokens: 0,
    sources: [...run.sources]
      .sort(([a], [b]) => byName(a, b))
      .map(([source, lastMs]) => ({ source, status: run.ended ? 'stopped' : 'live', lastMs })),
    layers: [],
    cells: [],
    outputs: [],
    latency: NO_LATENCY,
    evidence: [],
    training: {
      loss: run.loss,
      learningRate: run.learningRate,
      gradNorm: run.gradNorm,
      gradNorms: run.groups.map((group, i) => ({ group, norm: finite(run.gradNorms[i]!) })),
      validation,
    },
  };
}

function viewIncident(model: Model, incident: Incident): v.IncidentView {
  return {
    id: incident.id,
    environment: model.environment,
    model: model.model,
    version: incident.version,
    role: incident.role,
    run: incident.run,
    step: incident.step,
    checkpoint: incident.checkpoint,
    status: incident.status,
    severity: incident.severity,
    detectors: [...incident.detectors],
    cause: incident.cause,
    confidence: incident.confidence,
    layers: [...incident.layers],
    sources: [...incident.sources],
    scope: incident.scope,
    deployment: incident.deployment,
    suppressed: incident.suppressed ? 'maintenance' : null,
    openedMs: incident.openedMs,
    onsetMs: incident.onsetMs,
    changedMs: incident.changedMs,
    resolvedMs: incident.resolvedMs,
    effect: { value: incident.effect, unit: incident.unit },
    evidence: JSON.parse(incident.evidence),
    message: sentenceOf(model, incident),
  };
}
