import { axis, counts } from './columns.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { name } from './scalars.ts';

export type MemoryEvent = EventOf<typeof memory>;

export const memory = defineKind({
  kind: 'memory',
  version: 1,
  doc: 'What each layer holds of a device, now and at its peak since the last such event.',
  fields: {
    device: says('e.g. cuda:0', optional(name())),
    layers: says('normalization layers', axis('layers')),
    allocated_bytes: says('held now', optional(counts('layers'))),
    peak_bytes: says('most held since the last such event', optional(counts('layers'))),
  },
  examples: [
    example('memory', {
      device: 'cuda:0',
      layers: ['embeddings.LayerNorm'],
      allocated_bytes: [262_144],
      peak_bytes: [524_288],
    }),
  ],
});
