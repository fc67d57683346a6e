import { axis, nonNegatives, reals } from './columns.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';

export type ParityEvent = EventOf<typeof parity>;

export const parity = defineKind({
  kind: 'parity',
  version: 1,
  doc: "Sampled tokens recomputed in float64 from the layer's own input, gamma and beta: how far off the kernel is.",
  fields: {
    layers: says('normalization layers', axis('layers')),
    max_abs_error: says('largest difference to the recomputed output', optional(nonNegatives('layers'))),
    implied_epsilon: says(
      'epsilon that explains the output best; a fit, so it may be negative',
      optional(reals('layers')),
    ),
    expected_epsilon: says('epsilon it should have', optional(nonNegatives('layers'))),
  },
  examples: [
    example('parity', {
      layers: ['embeddings.LayerNorm', 'encoder.layer.0.output.LayerNorm'],
      max_abs_error: [0.0000021, null],
      implied_epsilon: [0.05, -1e-9],
      expected_epsilon: [1e-12, 1e-12],
    }),
  ],
});
