/** Which reference a stream is held against, and what its closed ticks teach. */
import { dropSetAside, isEnough, learnTick, relearn, setTickAside, setWaitingAside } from './baseline.ts';
import type { FoldContext } from './fold-context.ts';
import { openIncident } from './lifecycle.ts';
import { checkpointOf, type Model, subjectOf } from './model.ts';
import { addReference, bindingReference, type Reference } from './reference.ts';
import type { Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';

/** Chooses the stream's reference anew; without one the stream learns its own. */
export function bindReference(model: Model, stream: Stream): void {
  const candidates = model.references.filter(({ id }) => !stream.unbound.includes(id));
  const reference = bindingReference(candidates, stream.version, checkpointOf(model, stream));
  stream.reference = reference?.id ?? null;
  if (reference === null && stream.baseline.learning === null) relearn(stream.baseline, stream.layers.length);
  if (reference !== null) stream.baseline.learning = null;
  stream.dirty.head = true;
}

/** One closed tick: into the baseline, or set aside while an incident is open. */
export function learn(fold: FoldContext, model: Model, stream: Stream, tick: TickSummary): void {
  const { baseline } = stream;
  const layerCount = stream.layers.length;
  const subject = subjectOf(model, stream);
  const open = openIncident(model, subject, 'drift') ?? openIncident(model, subject, 'numerics');
  if (open !== undefined) {
    if (baseline.setAside === null) setWaitingAside(baseline, open.onsetMs, layerCount);
    setTickAside(baseline, tick, layerCount);
    return;
  }
  if (baseline.setAside !== null) dropSetAside(baseline);
  if (tick.flushes === 0) return;
  learnTick(baseline, tick, layerCount, fold.settings);
  if (baseline.learning !== null && isEnough(baseline.learning, fold.settings)) adoptLearned(model, stream);
}

/** Calibration is complete: what was learnt becomes the reference of these weights. */
function adoptLearned(model: Model, stream: Stream): void {
  const bucket = stream.baseline.learning!;
  const reference: Reference = {
    id: `learned/${stream.version}/${stream.role}`,
    kind: 'learned',
    version: stream.version,
    checkpoint: checkpointOf(model, stream),
    createdMs: bucket.toMs,
    layers: [...stream.layers],
    bucket,
  };
  model.references = addReference(model.references, reference);
  model.dirtyReferences.add(reference.id);
  stream.unbound = stream.unbound.filter((id) => id !== reference.id);
  bindReference(model, stream);
}
