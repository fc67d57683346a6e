/** Incidents of one model: opened, changed and resolved from signals, with a stable id, one per stream and family. */
import { byName } from './codec.ts';
import type { Family } from './detect/contract.ts';
import {
  type Decision,
  type FindingLine,
  findingOf,
  hash,
  type Incident,
  type IncidentBook,
  type Subject,
} from './incident.ts';
import { describe, grow, type NamedSignal, nameOf, refine, widen } from './story.ts';

/** Ticks (steps of a run) without a signal after which an incident is over. */
const QUIET_TICKS: Readonly<Record<Family, number>> = { numerics: 30, drift: 18, telemetry: 1, latency: 6 };
/** The same fault again within this time is the same incident. */
const REOPEN_MS = 24 * 3_600_000;
/** Closed incidents kept of a model, newest first. */
const INCIDENTS_MAX = 100;

export function openIncident(book: IncidentBook, subject: Subject, family: Family): Incident | undefined {
  return book.incidents.find((i) => i.stream === subject.id && i.family === family && i.status === 'open');
}

/** What all signals of one family say together in one tick; `first` tells the story. No signals count as quiet. */
export function applySignals(
  book: IncidentBook,
  subject: Subject,
  family: Family,
  signals: readonly NamedSignal[],
  decision: Decision,
  first: NamedSignal | null,
): FindingLine[] {
  const open = openIncident(book, subject, family);
  if (first === null) return open === undefined ? [] : noteQuiet(book, open, decision);
  if (open === undefined) return [startIncident(book, subject, family, first, signals, decision)];
  open.lastSignalTick = decision.tick;
  for (const { detector } of signals) if (!open.detectors.includes(detector)) open.detectors.push(detector);
  if (isPage(first, signals)) open.severity = 'page';
  refine(open, subject, first);
  widen(open, first);
  grow(open, [first, ...signals]);
  open.suppressed = isMuted(book, decision.timeMs);
  return tellChange(book, open, decision);
}

export function tellChange(book: IncidentBook, open: Incident, decision: Decision): FindingLine[] {
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

export function noteQuiet(book: IncidentBook, open: Incident, decision: Decision): FindingLine[] {
  if (decision.tick - open.lastSignalTick < QUIET_TICKS[open.family]) return [];
  return [endIncident(book, open, 'resolved', decision)];
}

export function startIncident(
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
  // A fault that comes back is the same incident, whose severity only rises.
  if (isPage(first, signals)) incident.severity = 'page';
  incident.detectors = [first.detector, ...new Set(signals.map((s) => s.detector))].filter(
    (d, i, all) => all.indexOf(d) === i,
  );
  incident.suppressed = isMuted(book, decision.timeMs);
  incident.effect = 0;
  incident.allSources = first.signal.sources.length === 0;
  incident.sources = [...first.signal.sources].sort(byName);
  describe(book, incident, subject, first);
  grow(incident, [first, ...signals]);
  // Newest first, whatever the order in which streams were heard.
  book.incidents.sort((a, b) => b.openedMs - a.openedMs || byName(a.id, b.id));
  trim(book);
  return tell('opened', book, incident, decision);
}

const isPage = (first: NamedSignal, signals: readonly NamedSignal[]): boolean =>
  first.signal.severity === 'page' || signals.some(({ signal }) => signal.severity === 'page');

export const isMuted = (book: IncidentBook, timeMs: number): boolean =>
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
