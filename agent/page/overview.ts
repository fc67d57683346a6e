/** Views → what the page shows, as plain data. Pure; caps what comes from outside, since names and counts are untrusted. */
import type {
  CellView,
  IncidentView,
  ModelView,
  PartitionView,
  StreamStateName,
  StreamView,
} from '../core/view.ts';
import { shownScore, streamKey } from '../flow/history.ts';
import { plural } from './browser/format.ts';
import type { IncidentSummary, Overview, StreamSummary, Verdict } from './browser/messages.ts';
import { streamId } from './stream-id.ts';

const INCIDENTS_MAX = 100;
const RESOLVED_MAX = 20;
const STREAMS_MAX = 500;
const NAMES_MAX = 8;
const EVIDENCE_MAX = 24;
const DAY_MS = 24 * 3_600_000;

export function buildOverview(views: readonly PartitionView[], nowMs: number): Overview {
  const models = views.flatMap((view) => view.models);
  const streams = models.flatMap((model) => model.streams.map((stream) => summarizeStream(stream, model)));
  const all = models.flatMap((model) => model.incidents);
  const open = all.filter((incident) => incident.status === 'open').sort(worstFirst);
  const closed = all
    .filter((incident) => incident.status !== 'open')
    .sort((a, b) => closedMs(b) - closedMs(a));
  const byId = new Map(
    models.flatMap((model) => model.streams.map((stream) => [streamId(streamKey(stream)), stream] as const)),
  );
  const summarize = (incident: IncidentView) => summarizeIncident(incident, byId);
  return {
    nowMs,
    verdict: verdictOf(open, streams),
    incidents: open.slice(0, INCIDENTS_MAX).map(summarize),
    incidentsLeftOut: Math.max(0, open.length - INCIDENTS_MAX),
    resolved: closed.slice(0, RESOLVED_MAX).map(summarize),
    streams: streams.sort(byName).slice(0, STREAMS_MAX),
    streamsLeftOut: Math.max(0, streams.length - STREAMS_MAX),
    maintenance: models.flatMap(({ model, environment, maintenanceUntilMs: untilMs }) =>
      untilMs !== null && untilMs > nowMs ? [{ model, environment, untilMs }] : [],
    ),
    day: dayOf(all, nowMs),
    records: recordsOf(views, models),
  };
}

/** Finds a stream and its model by the id the page uses. */
export function findStream(
  views: readonly PartitionView[],
  id: string,
): { stream: StreamView; model: ModelView } | null {
  for (const model of views.flatMap((view) => view.models)) {
    const stream = model.streams.find((candidate) => streamId(streamKey(candidate)) === id);
    if (stream) return { stream, model };
  }
  return null;
}

export function summarizeStream(stream: StreamView, model: ModelView): StreamSummary {
  const amiss = stream.sources.filter((source) => source.status !== 'live');
  const { progress, ticks, ticksNeeded, remainingMs } = stream.calibration;
  const worst = worstCell(stream.cells);
  return {
    id: streamId(streamKey(stream)),
    environment: stream.environment,
    model: stream.model,
    version: stream.version,
    role: stream.role,
    run: stream.run,
    checkpoint: stream.checkpoint,
    state: stream.state,
    calibration: { progress, ticks, ticksNeeded, remainingMs },
    reference: stream.reference,
    sourcesLive: stream.sources.length - amiss.length,
    sourcesTotal: stream.sources.length,
    sourcesAmiss: amiss.slice(0, NAMES_MAX),
    lastMs: stream.sources.reduce<number | null>(
      (last, { lastMs }) => Math.max(last ?? lastMs, lastMs),
      stream.watermarkMs,
    ),
    column: stream.run === null ? stream.tickEndMs : stream.step,
    layers: stream.layers.length,
    worst: worst && { layer: worst.cell.layer, site: worst.cell.site, sigmas: worst.sigmas },
    against: worst?.against ?? null,
    outputKlNats: outputKl(stream),
    training: trainingNumbers(stream),
    incidents: model.incidents.filter((incident) => incident.status === 'open' && isOf(incident, stream))
      .length,
  };
}

export const isOf = (incident: IncidentView, stream: StreamView): boolean =>
  incident.environment === stream.environment &&
  incident.model === stream.model &&
  (stream.run === null
    ? incident.run === null &&
      incident.version === stream.version &&
      (incident.role ?? 'stable') === stream.role
    : incident.run === stream.run);

function worstCell(cells: readonly CellView[]) {
  const scored = cells.flatMap((cell) => {
    const score = shownScore(cell.scores);
    const shifts = [score?.meanShiftSigmas, score?.varianceShiftSigmas].filter(
      (shift) => typeof shift === 'number',
    );
    return score && shifts.length > 0
      ? [{ cell, against: score.against, sigmas: Math.max(...shifts.map(Math.abs)) }]
      : [];
  });
  return scored.reduce<(typeof scored)[number] | null>(
    (worst, next) => (next.sigmas > (worst?.sigmas ?? -1) ? next : worst),
    null,
  );
}

function trainingNumbers({ training }: StreamView): StreamSummary['training'] {
  if (training === null) return [];
  return [
    { name: 'loss', value: training.loss },
    { name: 'gradient norm', value: training.gradNorm },
    { name: 'learning rate', value: training.learningRate },
    ...training.validation
      .slice(0, NAMES_MAX)
      .map(({ name, value }) => ({ name: `validation ${name}`, value })),
  ];
}

function outputKl(stream: StreamView): number | null {
  const values = stream.outputs.flatMap(({ scores }) => {
    const score =
      scores.find(({ against }) => against === 'reference') ??
      scores.find(({ against }) => against === 'rolling');
    return score?.klNats == null ? [] : [score.klNats];
  });
  return values.length === 0 ? null : Math.max(...values);
}

function summarizeIncident(
  incident: IncidentView,
  streams: ReadonlyMap<string, StreamView>,
): IncidentSummary {
  const { environment, model, version, role, run, detectors } = incident;
  const local = run === null ? `serving/${version}/${role ?? 'stable'}` : `run/${run}`;
  const stream = streamId(streamKey({ environment, model, id: local }));
  const seen = streams.get(stream);
  const strength = incident.status === 'open' ? (seen?.evidence ?? []) : [];
  return {
    id: incident.id,
    stream: seen === undefined ? null : stream,
    environment,
    model,
    version,
    role,
    run,
    step: incident.step,
    severity: incident.severity,
    status: incident.status,
    suppressed: incident.suppressed,
    message: incident.message,
    cause: incident.cause,
    confidence: incident.confidence,
    scope: incident.scope,
    layers: incident.layers,
    sources: incident.sources,
    detectors,
    deployment: incident.deployment,
    evidence: Object.entries(incident.evidence)
      .slice(0, EVIDENCE_MAX)
      .map(([name, value]) => ({ name, value })),
    effect: incident.effect,
    now: strength.filter(({ detector }) => detectors.includes(detector)),
    onsetMs: incident.onsetMs,
    openedMs: incident.openedMs,
    resolvedMs: incident.resolvedMs,
  };
}

const rank = (incident: IncidentView): number =>
  (incident.suppressed === null ? 0 : 2) + (incident.severity === 'page' ? 0 : 1);
const worstFirst = (a: IncidentView, b: IncidentView): number => rank(a) - rank(b) || b.openedMs - a.openedMs;
const closedMs = (incident: IncidentView): number => incident.resolvedMs ?? incident.changedMs;

const sortName = (stream: StreamSummary): string =>
  [
    stream.environment,
    stream.model,
    stream.run === null ? 0 : 1,
    stream.run ?? stream.version,
    stream.role,
  ].join('\0');
const byName = (a: StreamSummary, b: StreamSummary): number => (sortName(a) < sortName(b) ? -1 : 1);

const STATES: readonly StreamStateName[] = ['guarded', 'drifting', 'calibrating', 'silent', 'stopped'];

function verdictOf(open: readonly IncidentView[], streams: readonly StreamSummary[]): Verdict {
  const pages = open.filter(
    (incident) => incident.severity === 'page' && incident.suppressed === null,
  ).length;
  const tickets = open.filter(
    (incident) => incident.severity === 'ticket' && incident.suppressed === null,
  ).length;
  const muted = open.length - pages - tickets;
  const counts = STATES.map((state) => ({
    state,
    count: streams.filter((stream) => stream.state === state).length,
  }));
  const states = counts
    .filter(({ count }) => count > 0)
    .map(({ state, count }, place) => `${place === 0 ? plural(count, 'stream') : count} ${state}`);
  const incidents = `${plural(pages, 'page')}, ${plural(tickets, 'ticket')} open`;
  const sentence = [
    muted > 0 ? `${incidents} (${muted} more suppressed by maintenance)` : incidents,
    states.length > 0 ? states.join(', ') : 'no streams yet, waiting for telemetry',
  ].join('; ');
  const amiss = streams.some(({ state }) => state === 'silent' || state === 'drifting');
  const calm = amiss ? 'attention' : streams.length === 0 ? 'empty' : 'calm';
  const level = pages > 0 ? 'page' : tickets > 0 ? 'ticket' : calm;
  return {
    level,
    sentence,
    title: pages + tickets > 0 ? `(${pages + tickets}) ${incidents} – normwatch` : 'normwatch',
  };
}

function dayOf(incidents: readonly IncidentView[], nowMs: number): Overview['day'] {
  const recent = incidents.filter((incident) => incident.openedMs > nowMs - DAY_MS);
  const delays = recent
    .map((incident) => Math.max(0, incident.openedMs - incident.onsetMs))
    .sort((a, b) => a - b);
  return { incidents: recent.length, medianDelayMs: delays[Math.floor((delays.length - 1) / 2)] ?? null };
}

function recordsOf(views: readonly PartitionView[], models: readonly ModelView[]): Overview['records'] {
  const sum = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  const total = (of: (model: ModelView) => number) => models.reduce((all, model) => all + of(model), 0);
  return {
    refused: views.reduce((all, view) => all + sum(view.rejected), 0) + total((model) => sum(model.rejected)),
    late: total((model) => sum(model.late)),
    duplicates: total((model) => model.duplicates),
    missing: total((model) => model.missing),
  };
}
