/** References as commands handle them: take one from a folded recording, put it into another state. */
import type { Partition } from './fold.ts';
import { bindReference } from './learning.ts';
import { newModel } from './model.ts';
import { addReference, type Reference } from './reference.ts';

export interface NamedReference {
  readonly environment: string;
  readonly model: string;
  readonly reference: Reference;
}

/**
 * What every stream of a folded recording has learnt: its references, and of a stream still calibrating what it has so
 * far. Pinned ones come as they are.
 */
export function exportReferences(partition: Partition): NamedReference[] {
  const found: NamedReference[] = [];
  for (const model of partition.models.values()) {
    const { environment, model: name } = model;
    for (const reference of model.references) found.push({ environment, model: name, reference });
    for (const stream of model.streams.values()) {
      const bucket = stream.baseline.learning;
      if (bucket === null || bucket.ticks < 2) continue;
      const reference: Reference = {
        id: `learned/${stream.version}/${stream.role}`,
        kind: 'learned',
        version: stream.version,
        checkpoint: stream.checkpoint,
        createdMs: bucket.toMs,
        layers: [...stream.layers],
        bucket,
      };
      found.push({ environment, model: name, reference });
    }
  }
  return found;
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
