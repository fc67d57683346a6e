import { axis, block } from './columns.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';

export type ParametersEvent = EventOf<typeof parameters>;

export const parameters = defineKind({
  kind: 'parameters',
  version: 1,
  doc: "Columns over each layer's gamma and beta, so that corrupted weights show without a request.",
  fields: {
    layers: says('normalization layers', axis('layers')),
    gamma: says('over each gamma vector', optional(block())),
    beta: says('over each beta vector', optional(block())),
  },
  examples: [
    example('parameters', {
      window_ms: 0,
      layers: ['embeddings.LayerNorm'],
      gamma: { count: [384], mean: [0.94], variance: [0.012], min: [0.2], max: [1.9], nan: [0], inf: [0] },
      beta: { count: [384], mean: [-0.02], variance: [0.004] },
    }),
  ],
});
