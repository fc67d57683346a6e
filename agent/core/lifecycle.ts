/** Incidents of one model: opened, changed and resolved from signals, with a stable id, one per stream and family. */
import { byName } from './codec.ts';
import type { Family, Signal } from './detect/contract.ts';
import {
  type Decision,
  type FindingLine,
  findingOf,
  hash,
  type Incident,
  type IncidentBook,
  type Subject,
} from './incident.ts';

/** Ticks (steps of a run) without a signal after which an incident is over. */
const QUIET_TICKS: Readonly<Record<Family, number>> = { numerics: 30, drift: 6, telemetry: 1 };
/** The same fault again within this time is the same incident. */
const REOPEN_MS = 24 * 3_600_000;
/** Closed incidents kept of a model, newest first. */
const INCIDENTS_MAX = 100;
const DEPLOYMENT_MS = 30 * 60_000;
/** An onset is known to a tick only, so it may seem to lie before the deployment that caused it. */
const ONSET_SLACK_MS = 10_000;

export interface NamedSignal {
  readonly detector: string;
  readonly signal: Signal;
}

export function openIncident(book: IncidentBook, subject: Subject, family: Family): Incident | undefined {
  return book.incidents.find((i) => i.stream === subject.id && i.family === family && i.status === 'open');
}

/** What all signals of one family say together in one tick. Null when there are none: that counts as quiet. */
export function applySignals(
  book: IncidentBook,
  subject: Subject,
  family: Family,
  signals: readonly NamedSignal[],
  decision: Decision,
): FindingLine[] {
  const open = openIncident(book, subject, family);
  const first = originOf(signals);
  if (first === null) return open === undefined ? [] : noteQuiet(book, open, decision);
  if (open === undefined) return [startIncident(book, subject, family, first, signals, decision)];
  open.lastSignalTick = decision.tick;
  for (const { detector } of signals) if (!open.detectors.includes(detector)) open.detectors.push(detector);
  if (signals.some(({ signal }) => signal.severity === 'page')) open.severity = 'page';
  widen(open, signals);
  grow(open, signals);
  open.suppressed = isMuted(book, decision.timeMs);
  return tellChange(book, open, decision);
}

/** Hard rules: one signal of one event, at once. Within the opening tick the earliest event tells the story. */
export function applyNonfinite(
  book: IncidentBook,
  subject: Subject,
  named: NamedSignal,
  decision: Decision,
): FindingLine[] {
  const open = openIncident(book, subject, 'numerics');
  const { signal } = named;
  if (open === undefined) return [startIncident(book, subject, 'numerics', named, [named], decision)];
  open.lastSignalTick = Math.max(open.lastSignalTick, decision.tick);
  open.effect += signal.effect;
  const source = signal.sources[0]!;
  if (!open.allSources && !open.sources.includes(source))
    open.sources = [...open.sources, source].sort(byName);
  const isEarlier =
    decision.tick === open.openingTick &&
    (signal.onsetMs < open.onsetMs || (signal.onsetMs === open.onsetMs && source === open.sources[0]));
  if (!isEarlier) return [];
  describe(book, open, subject, named);
  open.openedMs = signal.onsetMs;
  return [];
}

/**
 * A closed tick of hard rules, which resolve by themselves. Changes are told here, not by event, so that a fault in
 * twenty pods is not twenty lines. `sources` = all that had data.
 */
export function closeNumerics(
  book: IncidentBook,
  subject: Subject,
  sources: readonly string[],
  decision: Decision,
): FindingLine[] {
  const open = openIncident(book, subject, 'numerics');
  if (open === undefined || decision.tick < open.openingTick) return [];
  if (open.lastSignalTick < decision.tick) return noteQuiet(book, open, decision);
  if (!open.allSources && sources.length > 1 && sources.every((s) => open.sources.includes(s))) {
    open.allSources = true;
    open.sources = [];
    open.scope = scopeOf(open, -1);
  }
  open.suppressed = isMuted(book, decision.timeMs);
  return tellChange(book, open, decision);
}

function tellChange(book: IncidentBook, open: Incident, decision: Decision): FindingLine[] {
  if (open.told === gistOf(open)) return [];
  open.changedMs = Math.max(open.changedMs, decision.timeMs);
  return [tell('changed', book, open, decision)];
}

/** What a change of is told: severity, cause, layers, sources, scope, and whether it is muted. */
const gistOf = (i: Incident): string =>
  [i.severity, i.cause, i.layers.join(' '), i.sources.join(' '), i.scope, i.suppressed].join('\n');

/** Ends an incident whatever its signals: `accepted` as the new normal, or its stream has stopped. */
export function endIncident(
  book: IncidentBook,
  incident: Incident,
  status: 'resolved' | 'accepted',
  decision: Decision,
): FindingLine {
  incident.status = status;
  incident.resolvedMs = decision.timeMs;
  incident.changedMs = decision.timeMs;
  trim(book);
  return tell('resolved', book, incident, decision);
}

function noteQuiet(book: IncidentBook, open: Incident, decision: Decision): FindingLine[] {
  if (decision.tick - open.lastSignalTick < QUIET_TICKS[open.family]) return [];
  return [endIncident(book, open, 'resolved', decision)];
}

function startIncident(
  book: IncidentBook,
  subject: Subject,
  family: Family,
  first: NamedSignal,
  signals: readonly NamedSignal[],
  decision: Decision,
): FindingLine {
  const origin = nameOf(subject, first.signal);
  const earlier = book.incidents.find(
    (i) =>
      i.stream === subject.id &&
      i.family === family &&
      i.status === 'resolved' &&
      (i.layers[0] ?? '') === origin &&
      i.detectors[0] === first.detector &&
      decision.timeMs - i.resolvedMs! <= REOPEN_MS,
  );
  const incident = earlier ?? blank(book, subject, family, first, decision);
  if (earlier === undefined) book.incidents.push(incident);
  incident.status = 'open';
  incident.reopened = earlier !== undefined;
  incident.resolvedMs = null;
  incident.openingTick = decision.tick;
  incident.lastSignalTick = decision.tick;
  incident.openedMs = decision.timeMs;
  incident.changedMs = decision.timeMs;
  incident.step = decision.step;
  incident.severity = signals.some(({ signal }) => signal.severity === 'page') ? 'page' : 'ticket';
  incident.detectors = [first.detector, ...new Set(signals.map((s) => s.detector))].filter(
    (d, i, all) => all.indexOf(d) === i,
  );
  incident.suppressed = isMuted(book, decision.timeMs);
  incident.effect = 0;
  incident.allSources = first.signal.sources.length === 0;
  incident.sources = [...first.signal.sources].sort(byName);
  describe(book, incident, subject, first);
  grow(incident, signals);
  // Newest first, whatever the order in which streams were heard.
  book.incidents.sort((a, b) => b.openedMs - a.openedMs || byName(a.id, b.id));
  trim(book);
  return tell('opened', book, incident, decision);
}

/** Cause, origin, scope, evidence and sentence as the given signal tells them. */
function describe(book: IncidentBook, incident: Incident, subject: Subject, first: NamedSignal): void {
  const { signal } = first;
  incident.cause = signal.cause;
  incident.confidence = signal.confidence;
  incident.onsetMs = signal.onsetMs;
  const origin = nameOf(subject, signal);
  incident.layers = origin === '' ? [] : [origin];
  incident.deployment = deploymentBefore(book, subject.version, signal.onsetMs);
  incident.scope = scopeOf(incident, signal.layer);
  incident.evidence = JSON.stringify(signal.evidence);
  incident.says = signal.says;
}

/** A fault seen in more sources than before is a wider fault; it never shrinks within an incident. */
function widen(open: Incident, signals: readonly NamedSignal[]): void {
  if (open.allSources) return;
  const first = originOf(signals)!.signal;
  if (first.sources.length === 0) {
    open.allSources = true;
    open.sources = [];
    open.scope = scopeOf(open, first.layer);
  } else {
    open.sources = [...new Set([...open.sources, ...first.sources])].sort(byName);
  }
}

/** The effect shown is the largest so far, in the unit that pages first: nats of the output before sigmas. */
function grow(incident: Incident, signals: readonly NamedSignal[]): void {
  const nats = signals.filter(({ signal }) => signal.unit === 'nats');
  const shown = nats.length > 0 && incident.family === 'drift' ? nats : signals;
  for (const { signal } of shown) {
    if (
      signal.unit === incident.unit
        ? signal.effect <= incident.effect
        : signal.unit !== 'nats' && incident.effect > 0
    )
      continue;
    incident.effect = signal.effect;
    incident.unit = signal.unit;
  }
  const evidence: Record<string, unknown> = {};
  for (const { signal } of signals) Object.assign(evidence, signal.evidence);
  incident.evidence = JSON.stringify({ ...JSON.parse(incident.evidence), ...evidence });
}

/** The signal of the first layer in forward order, input before output; signals without a layer come last. */
function originOf(signals: readonly NamedSignal[]): NamedSignal | null {
  let first: NamedSignal | null = null;
  for (const named of signals) if (first === null || place(named.signal) < place(first.signal)) first = named;
  return first;
}

const place = (s: Signal): number =>
  s.layer < 0 ? Number.POSITIVE_INFINITY : s.layer * 2 + (s.site === 'output' ? 1 : 0);
const nameOf = (subject: Subject, s: Signal): string => (s.layer < 0 ? '' : (subject.layers[s.layer] ?? ''));

function scopeOf(incident: Incident, layer: number): string {
  if (incident.run !== null) return 'training';
  if (incident.family === 'telemetry') return 'telemetry';
  if (incident.sources.length > 0) return 'source';
  if (incident.deployment !== null) return 'rollout';
  return incident.family === 'drift' && layer === 0 ? 'input' : 'unknown';
}

export function deploymentBefore(
  book: IncidentBook,
  version: string,
  onsetMs: number,
): { version: string; minutes: number } | null {
  for (const deployment of book.deployments) {
    const age = onsetMs - deployment.timeMs;
    if (deployment.version !== version || age < -ONSET_SLACK_MS || age > DEPLOYMENT_MS) continue;
    return { version, minutes: Math.round(Math.max(0, age) / 6_000) / 10 };
  }
  return null;
}

const isMuted = (book: IncidentBook, timeMs: number): boolean =>
  book.maintenanceUntilMs !== null && timeMs < book.maintenanceUntilMs;

function trim(book: IncidentBook): void {
  while (book.incidents.length > INCIDENTS_MAX) {
    const last = book.incidents.findLastIndex((i) => i.status !== 'open');
    book.incidents.splice(last < 0 ? book.incidents.length - 1 : last, 1);
  }
}

function blank(
  book: IncidentBook,
  subject: Subject,
  family: Family,
  first: NamedSignal,
  decision: Decision,
): Incident {
  return {
    id: hash(`${book.environment}\n${book.model}\n${subject.id}\n${decision.tick}\n${first.detector}`),
    stream: subject.id,
    family,
    version: subject.version,
    role: subject.role,
    run: subject.run,
    step: decision.step,
    checkpoint: subject.checkpoint,
    status: 'open',
    severity: 'ticket',
    detectors: [],
    cause: 'unknown',
    confidence: 0,
    layers: [],
    sources: [],
    allSources: false,
    scope: 'unknown',
    deployment: null,
    suppressed: false,
    reopened: false,
    openingTick: decision.tick,
    lastSignalTick: decision.tick,
    openedMs: decision.timeMs,
    onsetMs: first.signal.onsetMs,
    changedMs: decision.timeMs,
    resolvedMs: null,
    effect: 0,
    unit: first.signal.unit,
    evidence: '{}',
    says: '',
    told: '',
  };
}

function tell(
  event: FindingLine['event'],
  book: IncidentBook,
  incident: Incident,
  decision: Decision,
): FindingLine {
  incident.told = gistOf(incident);
  return findingOf(event, book, incident, decision);
}
