/** What an incident tells, as its signals say it: cause, origin, sources, scope, effect and evidence. */
import { byName } from './codec.ts';
import type { Signal } from './detect/contract.ts';
import type { Deployment, Incident, IncidentBook, Subject } from './incident.ts';

const DEPLOYMENT_MS = 30 * 60_000;
/** An onset is known to a tick only, so it may seem to lie before the deployment that caused it. */
const ONSET_SLACK_MS = 10_000;

export interface NamedSignal {
  readonly detector: string;
  readonly signal: Signal;
  /** False where sources were looked at one by one and not all show it. */
  readonly everywhere?: boolean;
}

/** Cause, origin, scope, evidence and sentence as the given signal tells them. */
export function describe(book: IncidentBook, incident: Incident, subject: Subject, first: NamedSignal): void {
  const { signal } = first;
  incident.cause = signal.cause;
  incident.confidence = signal.confidence;
  incident.onsetMs = signal.onsetMs;
  const origin = nameOf(subject, signal);
  incident.layers = origin === '' ? [] : [origin];
  const deployment = deploymentBefore(book, subject.version, signal.onsetMs);
  incident.deployment =
    deployment === null
      ? null
      : { version: deployment.version, minutes: minutesAfter(deployment, signal.onsetMs) };
  // A version is not at fault before it is there: its first tick merely began earlier.
  if (deployment !== null) incident.onsetMs = Math.max(signal.onsetMs, deployment.timeMs);
  incident.scope = scopeOf(incident);
  incident.evidence = JSON.stringify(signal.evidence);
  incident.says = signal.says;
}

/** A cause is not exchanged for one that is hardly surer: ticks differ by chance. */
const SURER = 0.09;

/** Of an open incident: a surer cause takes the place of the one told, and an earlier layer that of the origin. */
export function refine(open: Incident, subject: Subject, first: NamedSignal): void {
  const { signal } = first;
  const origin = nameOf(subject, signal);
  const isSurer = signal.cause !== 'unknown' && signal.confidence > open.confidence + SURER;
  const known = open.layers.length === 0 ? Number.POSITIVE_INFINITY : subject.layers.indexOf(open.layers[0]!);
  const isEarlier = origin !== '' && signal.layer < known && signal.confidence >= open.confidence;
  if (!isSurer && !isEarlier) return;
  if (origin !== '') open.layers = [origin];
  open.cause = signal.cause;
  open.confidence = signal.confidence;
  open.says = signal.says;
  open.scope = scopeOf(open);
  open.evidence = JSON.stringify({ ...JSON.parse(open.evidence), ...signal.evidence });
}

/** What else an open incident shows: evidence and detectors, nothing that is told anew. */
export function noteSymptoms(open: Incident, signals: readonly NamedSignal[]): void {
  for (const { detector } of signals) if (!open.detectors.includes(detector)) open.detectors.push(detector);
  if (open.family === 'drift') grow(open, signals);
}

/** A fault seen in more sources than before is a wider fault; it never shrinks within an incident. */
export function widen(open: Incident, first: NamedSignal): void {
  if (open.allSources) return;
  const { sources } = first.signal;
  if (sources.length === 0 && first.everywhere === false) return;
  if (sources.length === 0) {
    open.allSources = true;
    open.sources = [];
    open.scope = scopeOf(open);
  } else {
    open.sources = [...new Set([...open.sources, ...sources])].sort(byName);
  }
}

/** The effect shown is the largest so far, in the unit that pages first: nats of the output before sigmas. */
export function grow(incident: Incident, signals: readonly NamedSignal[]): void {
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
export function originOf(signals: readonly NamedSignal[]): NamedSignal | null {
  let first: NamedSignal | null = null;
  for (const named of signals) if (first === null || place(named.signal) < place(first.signal)) first = named;
  return first;
}

const place = (s: Signal): number =>
  s.layer < 0 ? Number.POSITIVE_INFINITY : s.layer * 2 + (s.site === 'output' ? 1 : 0);

export const nameOf = (subject: Subject, s: Signal): string =>
  s.layer < 0 ? '' : (subject.layers[s.layer] ?? '');

const INPUT_CAUSES: readonly string[] = ['input_shift', 'stuck_input'];

export function scopeOf(incident: Incident): string {
  if (incident.run !== null) return 'training';
  if (incident.family === 'telemetry') return 'telemetry';
  // A canary is one pod by intent: what it shows is the new version's.
  const isCanary = incident.role === 'canary' && incident.deployment !== null;
  if (incident.sources.length > 0 && !isCanary) return 'source';
  if (incident.deployment !== null) return 'rollout';
  return INPUT_CAUSES.includes(incident.cause) ? 'input' : 'unknown';
}

export function deploymentBefore(book: IncidentBook, version: string, onsetMs: number): Deployment | null {
  for (const deployment of book.deployments) {
    const age = onsetMs - deployment.timeMs;
    if (deployment.version !== version || age < -ONSET_SLACK_MS || age > DEPLOYMENT_MS) continue;
    return deployment;
  }
  return null;
}

/** Minutes from a deployment to an onset, to a tenth. */
const minutesAfter = ({ timeMs }: Deployment, onsetMs: number): number =>
  Math.round(Math.max(0, onsetMs - timeMs) / 6_000) / 10;
