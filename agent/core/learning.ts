/** Which reference a stream is held against, and what its closed ticks teach. */
import { dropSetAside, isEnough, learnTick, relearn, setTickAside, setWaitingAside } from './baseline.ts';
import { type Bucket, mergeBuckets } from './bucket.ts';
import { budgetOf, thresholdsOf } from './budget.ts';
import { type Calibration, calibrate } from './calibration.ts';
import { commonManifest, liveManifests } from './declared.ts';
import { DETECTORS } from './detect/index.ts';
import type { FoldContext } from './fold-context.ts';
import { forgetHour, learnHour, newHours } from './hours.ts';
import { hash, type Incident } from './incident.ts';
import { sameNames } from './layout.ts';
import { openIncident } from './lifecycle.ts';
import { checkpointOf, type Model, subjectOf } from './model.ts';
import { addReference, bindingReference, type Reference } from './reference.ts';
import { type CellScores, S_MEAN_EFFECT, S_VARIANCE_EFFECT, SCORE_STRIDE } from './score/cells.ts';
import type { Settings } from './settings.ts';
import type { Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';
import { DAY_MS } from './time.ts';
import { seriesOf } from './trial.ts';

/** Chooses the stream's reference anew; without one the stream learns its own. */
export function bindReference(model: Model, stream: Stream): void {
  const candidates = model.references.filter(({ id }) => !stream.unbound.includes(id));
  const reference = bindingReference(
    candidates,
    stream.version,
    checkpointOf(model, stream),
    liveManifests(stream),
  );
  if ((reference?.id ?? null) !== stream.reference) forgetEvidence(stream);
  if (reference !== null && reference.id !== stream.reference) takeHours(stream, reference);
  stream.reference = reference?.id ?? null;
  if (reference === null && stream.baseline.learning === null) relearn(stream.baseline, stream.layers.length);
  if (reference !== null) stream.baseline.learning = null;
  stream.dirty.head = true;
}

/** Evidence against one reference says nothing against the next, and that of a stream that has ended is over. */
export function forgetEvidence(stream: Stream): void {
  for (const { name, ofReference } of DETECTORS) if (ofReference) stream.detectors.delete(name);
  stream.dirty.head = true;
}

/** Shifts are told against the reference, so what is known of the hours comes with it. */
function takeHours(stream: Stream, reference: Reference): void {
  const fits = reference.hours !== null && sameNames(reference.layers, stream.layers);
  stream.hours = fits ? structuredClone(reference.hours!) : newHours(stream.layers.length * 4);
  stream.dirty.hours = true;
}

/** The first days after a baseline that knows no whole day: what traffic does in them is learnt, faults are not. */
const FIRST_DAYS_MS = 7 * DAY_MS;

/**
 * True while the stream still learns what its days look like: its reference is younger than a week, and nobody has pinned
 * one that covers a day.
 */
export function learnsDays(model: Model, stream: Stream, nowMs: number): boolean {
  const reference = model.references.find((r) => r.id === stream.reference);
  if (reference === undefined || nowMs - reference.createdMs >= FIRST_DAYS_MS) return false;
  return reference.kind === 'learned' || reference.bucket.toMs - reference.bucket.fromMs < DAY_MS;
}

/** One closed tick: into the baseline, or set aside while an incident is open. */
export function learn(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  tick: TickSummary,
  scores: CellScores | null,
): void {
  const { baseline, hours } = stream;
  const layerCount = stream.layers.length;
  const fault = faultOf(model, stream, tick.endMs);
  if (fault !== null) {
    if (baseline.setAside === null) {
      setWaitingAside(baseline, fault.onsetMs, layerCount);
      forgetHour(hours);
      stream.dirty.hours = true;
    }
    setTickAside(baseline, tick, layerCount);
    return;
  }
  if (baseline.setAside !== null) dropSetAside(baseline);
  if (tick.flushes === 0) return;
  if (scores !== null) {
    learnHour(hours, tick.startMs, fold.settings.tickMs, (statistic) => {
      const column = (statistic & 1) === 0 ? S_MEAN_EFFECT : S_VARIANCE_EFFECT;
      return scores.rows[(statistic >> 1) * SCORE_STRIDE + column]!;
    });
    stream.dirty.hours = true;
  }
  const entered = learnTick(baseline, tick, layerCount, fold.settings);
  for (const bucket of entered) growReference(model, stream, bucket);
  if (baseline.learning === null) return;
  stream.dirty.series = true;
  if (isEnough(baseline.learning, fold.settings)) adoptLearned(fold, model, stream);
}

/** The open incident whose ticks must not be learnt. A move of the traffic in the first days is no fault. */
export function faultOf(model: Model, stream: Stream, nowMs: number): Incident | null {
  const subject = subjectOf(model, stream);
  const numerics = openIncident(model, subject, 'numerics');
  if (numerics !== undefined) return numerics;
  const drift = openIncident(model, subject, 'drift');
  if (drift === undefined) return null;
  const isTraffic =
    drift.scope === 'input' || (drift.cause === 'output_divergence' && drift.deployment === null);
  return isTraffic && learnsDays(model, stream, nowMs) ? null : drift;
}

/** What a stream learns of itself has this name among the references of the model. */
export const learnedId = (stream: Stream): string => `learned/${stream.version}/${stream.role}`;

/** In its first days a learned reference takes in what came after it: ten minutes are no day. */
function growReference(model: Model, stream: Stream, bucket: Bucket): void {
  const reference = model.references.find((r) => r.id === learnedId(stream) && r.id === stream.reference);
  if (reference === undefined || !learnsDays(model, stream, bucket.toMs)) return;
  if (!sameNames(reference.layers, stream.layers)) return;
  mergeBuckets(reference.bucket, bucket, true);
  model.dirtyReferences.add(reference.id);
}

/** Calibration is complete: what was learnt becomes the reference of these weights. */
function adoptLearned(fold: FoldContext, model: Model, stream: Stream): void {
  const bucket = stream.baseline.learning!;
  const reference: Reference = {
    id: learnedId(stream),
    kind: 'learned',
    version: stream.version,
    checkpoint: checkpointOf(model, stream),
    createdMs: bucket.toMs,
    layers: [...stream.layers],
    bucket,
    calibration: calibrationOf(fold.settings, model.model, stream),
    hours: null,
    manifest: commonManifest(stream),
  };
  model.references = addReference(model.references, reference);
  model.dirtyReferences.add(reference.id);
  stream.unbound = stream.unbound.filter((id) => id !== reference.id);
  stream.hours = newHours(stream.layers.length * 4);
  stream.baseline.trial = null;
  stream.baseline.series = [];
  stream.dirty.series = true;
  bindReference(model, stream);
}

/** What the ticks of the learning bucket say of the detectors; the same for the same ticks. */
export function calibrationOf(settings: Settings, model: string, stream: Stream): Calibration | null {
  const { learning } = stream.baseline;
  if (learning === null) return null;
  const budget = budgetOf(settings, model);
  const promises = (['activation_mean', 'activation_variance'] as const).map((detector, i) => {
    const nats = thresholdsOf(budget, settings.tickMs, detector).ticketNats;
    return { detector, statistic: i as 0 | 1, nats, promisedTicks: Math.exp(nats) };
  });
  const seed = Number.parseInt(hash(`${model}/${stream.id}`).slice(0, 8), 16);
  return calibrate(learning, seriesOf(stream.baseline), settings.leastEffectSigmas, promises, seed);
}
