/** Runs the detectors of the registry and turns what they say into incidents. */
import type { Bucket } from './bucket.ts';
import { budgetOf, SHARES, thresholdsOf } from './budget.ts';
import type { Calibration } from './calibration.ts';
import type { CanaryComparison } from './canary.ts';
import { skewOf } from './clock.ts';
import { byName } from './codec.ts';
import { declaredOf } from './declared.ts';
import type { Family, NonfiniteContext, Signal, TickContext } from './detect/contract.ts';
import { DETECTORS } from './detect/index.ts';
import { diagnose } from './diagnose/index.ts';
import type { FoldContext } from './fold-context.ts';
import type { Decision, Incident, Subject } from './incident.ts';
import { sameNames } from './layout.ts';
import { faultOf, learnsDays } from './learning.ts';
import { applySignals, openIncident } from './lifecycle.ts';
import { type Model, subjectOf } from './model.ts';
import { applyNonfinite } from './numerics.ts';
import type { Reference } from './reference.ts';
import { signsBy } from './rivals.ts';
import type { CellScores } from './score/cells.ts';
import type { GroupScores } from './score/peers.ts';
import { deploymentBefore, type NamedSignal, noteSymptoms, originOf } from './story.ts';
import { detectorState, type Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';
import { DAY_MS } from './time.ts';

export interface TickScores {
  readonly tick: TickSummary;
  readonly reference: Reference | null;
  readonly scores: CellScores | null;
  readonly baseline: Bucket | null;
  readonly places: Int32Array;
  readonly peers: GroupScores | null;
  readonly canary: CanaryComparison | null;
  readonly outputs: TickContext['outputs'];
}

const TICK_FAMILIES: readonly Family[] = ['drift', 'telemetry', 'latency'];

export function detectTick(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  decision: Decision,
  scored: TickScores,
): void {
  const subject = subjectOf(model, stream);
  const budget = budgetOf(fold.settings, model.model);
  const { reference, ...scores } = scored;
  const calibration = reference === null ? null : calibrationFor(stream, reference);
  const context: TickContext = {
    ...scores,
    peerState: detectorState(stream, 'peers'),
    layers: stream.layers,
    settings: fold.settings,
    budget,
    thresholds: (detector) =>
      thresholdsOf(budget, fold.settings.tickMs, detector, calibration?.raises.get(detector)),
    calibration,
    hours: reference === null ? null : stream.hours,
    sources: sourcesOf(fold, model, stream, scored.tick),
    clean: faultOf(model, stream, decision.timeMs) === null,
    loneSource: loneSource(model, stream, scored.tick),
    declared: declaredOf(model, stream, reference),
    deployed: deploymentBefore(model, stream.version, scored.tick.startMs) !== null,
  };
  const byFamily = new Map<Family, NamedSignal[]>(TICK_FAMILIES.map((family) => [family, []]));
  for (const detector of DETECTORS) {
    if (detector.tick === undefined) continue;
    const state = detectorState(stream, detector.name);
    for (const told of detector.tick(context, state)) {
      // While a stream calibrates, only what needs no baseline and no budget pages.
      const isEarly = context.scores === null && SHARES[detector.name] !== undefined;
      const signal: Signal = isEarly ? { ...told, severity: 'ticket' } : told;
      byFamily.get(detector.family)!.push(withNats({ detector: detector.name, signal }, state.nats));
    }
  }
  for (const [family, signals] of byFamily) {
    const cause = causeOf(model, subject, family, signals);
    if (cause !== null) {
      noteSymptoms(cause, signals);
      continue;
    }
    const first = family === 'drift' ? diagnose(context, signals) : originOf(signals);
    const isPage = signals.some(({ signal }) => signal.severity === 'page');
    if (first !== null && !isPage && isKnownMove(model, stream, subject, first, decision)) continue;
    const findings = applySignals(model, subject, family, signals, decision, first);
    fold.findings.push(...findings);
  }
  model.dirty = true;
}

/**
 * The open incident of which these signals are a symptom: what NaNs leave behind, and the slower op of a rollout whose
 * numbers are wrong already. What users wait for is told by itself.
 */
function causeOf(
  model: Model,
  subject: Subject,
  family: Family,
  signals: readonly NamedSignal[],
): Incident | null {
  if (family === 'telemetry' || openIncident(model, subject, family) !== undefined) return null;
  const numerics = openIncident(model, subject, 'numerics');
  if (numerics !== undefined) return numerics;
  if (family !== 'latency' || signals.some(({ signal }) => signal.severity === 'page')) return null;
  const drift = openIncident(model, subject, 'drift');
  return drift?.scope === 'rollout' ? drift : null;
}

/** How strong the evidence is, beside what it is of; exact rules gather none. */
function withNats(named: NamedSignal, nats: number): NamedSignal {
  if (!(nats > 0)) return named;
  const { detector, signal } = named;
  const evidence = { ...signal.evidence, [`${detector}_nats`]: Number(nats.toPrecision(4)) };
  return { detector, signal: { ...signal, evidence } };
}

/** Non-finite elements in one event: the hard rule, at once. */
export function detectNonfinite(
  fold: FoldContext,
  model: Model,
  subject: Subject,
  context: NonfiniteContext,
  decision: Decision,
): void {
  for (const detector of DETECTORS) {
    for (const signal of detector.nonfinite?.(context) ?? []) {
      fold.findings.push(...applyNonfinite(model, subject, { detector: detector.name, signal }, decision));
    }
  }
  model.dirty = true;
}

/**
 * In its first days a stream tells of traffic that moves once a day: one ticket is news, a ticket each evening is noise.
 */
function isKnownMove(
  model: Model,
  stream: Stream,
  subject: Subject,
  { signal }: NamedSignal,
  { timeMs }: Decision,
): boolean {
  if (signal.cause !== 'input_shift' || signal.severity === 'page' || signal.sources.length > 0) return false;
  if (openIncident(model, subject, 'drift') !== undefined || !learnsDays(model, stream, timeMs)) return false;
  return model.incidents.some(
    (i) => i.stream === stream.id && i.cause === 'input_shift' && timeMs - i.openedMs < DAY_MS,
  );
}

/** The calibration of a reference that lists its layers as the stream does; else its numbers would mean other layers. */
const calibrationFor = (stream: Stream, reference: Reference): Calibration | null =>
  sameNames(reference.layers, stream.layers) ? reference.calibration : null;

function sourcesOf(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  tick: TickSummary,
): TickContext['sources'] {
  const { tickMs } = fold.settings;
  return [...stream.clock.sources]
    .filter(
      ([, clock]) => clock.status !== 'gone' && (clock.lastTick >= 0 || skewOf(clock, tick.endMs) !== null),
    )
    .filter(([source, clock]) => !hasMoved(model, stream, source, clock.lastMs))
    .map(([source, clock]) => ({
      source,
      quietMs: clock.lastTick < 0 ? 0 : (tick.index - clock.lastTick) * tickMs,
      intervalMs: clock.intervalMs,
      skewMs: skewOf(clock, tick.endMs),
      rivals: signsBy(model.sequences.get(source)?.rivals ?? null, tick.endMs),
    }))
    .sort((a, b) => byName(a.source, b.source));
}

/** Heard under another version since: it is on its way there, not silent. */
function hasMoved(model: Model, stream: Stream, source: string, lastMs: number): boolean {
  for (const other of model.streams.values())
    if (other !== stream && (other.clock.sources.get(source)?.lastMs ?? 0) > lastMs) return true;
  return false;
}

/** The only source of its stream while other sources of the model serve elsewhere: a rollout that has just begun. */
function loneSource(model: Model, stream: Stream, tick: TickSummary): string | null {
  const [only, ...others] = tick.sources.filter(({ tick: one }) => one.flushes > 0);
  if (only === undefined || others.length > 0) return null;
  for (const other of model.streams.values()) {
    if (other === stream || other.stopped) continue;
    for (const [source, clock] of other.clock.sources)
      if (source !== only.source && clock.status === 'live' && clock.lastMs >= tick.startMs)
        return only.source;
  }
  return null;
}
