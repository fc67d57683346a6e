/** References as commands handle them: take one from a folded recording, put it into another state. */
import { type Bucket, mergeBuckets, newBucket } from './bucket.ts';
import { commonManifest } from './declared.ts';
import type { Partition } from './fold.ts';
import { bindReference, calibrationOf, learnedId } from './learning.ts';
import { type Model, newModel } from './model.ts';
import { addReference, type Reference } from './reference.ts';
import type { Settings } from './settings.ts';
import type { Stream } from './stream.ts';
import { endTrial } from './trial.ts';

export interface NamedReference {
  readonly environment: string;
  readonly model: string;
  readonly reference: Reference;
}

/**
 * What every stream of a folded recording has learnt: its references with all that was seen of them, and of a stream still
 * calibrating what it has so far. Pinned ones come as they are.
 */
export function exportReferences(partition: Partition): NamedReference[] {
  const found: NamedReference[] = [];
  for (const model of partition.models.values()) {
    const named = (reference: Reference) =>
      found.push({ environment: model.environment, model: model.model, reference });
    const streams = [...model.streams.values()];
    for (const reference of model.references) {
      const own =
        reference.kind === 'learned'
          ? streams.find((s) => learnedId(s) === reference.id && s.reference === reference.id)
          : undefined;
      named(own === undefined ? reference : grownReference(reference, own));
    }
    for (const stream of streams) {
      const reference = unfinished(partition.settings, model, stream);
      if (reference !== null) named(reference);
    }
  }
  return found;
}

/** With the ticks that still wait to be learnt: of a recording nothing comes after them. */
function grownReference(reference: Reference, stream: Stream): Reference {
  const { waiting } = stream.baseline;
  const bucket = copyOf(reference.bucket, stream.layers.length);
  for (const part of waiting) mergeBuckets(bucket, part, true);
  return { ...reference, bucket, hours: structuredClone(stream.hours) };
}

function unfinished(settings: Settings, model: Model, stream: Stream): Reference | null {
  endTrial(stream.baseline);
  const bucket = stream.baseline.learning;
  if (bucket === null || bucket.ticks < 2) return null;
  return {
    id: learnedId(stream),
    kind: 'learned',
    version: stream.version,
    checkpoint: stream.checkpoint,
    createdMs: bucket.toMs,
    layers: [...stream.layers],
    bucket,
    calibration: calibrationOf(settings, model.model, stream),
    hours: null,
    manifest: commonManifest(stream),
  };
}

function copyOf(bucket: Bucket, layerCount: number): Bucket {
  const copy = newBucket(layerCount);
  mergeBuckets(copy, bucket);
  return copy;
}

/** Makes references known to a state before its records are folded; each is pinned. */
export function pinReferences(partition: Partition, references: readonly NamedReference[]): void {
  for (const named of references) {
    const key = `${named.environment}/${named.model}`;
    let model = partition.models.get(key);
    if (model === undefined) {
      model = newModel(named.environment, named.model);
      partition.models.set(key, model);
    }
    model.references = addReference(model.references, { ...named.reference, kind: 'pinned' });
    model.dirtyReferences.add(named.reference.id);
    for (const stream of model.streams.values()) bindReference(model, stream);
  }
}
