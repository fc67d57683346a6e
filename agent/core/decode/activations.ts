import { axis, block, counts, each, histogram } from './columns.ts';
import { nullable, object, optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count } from './scalars.ts';

export type ActivationsEvent = EventOf<typeof activations>;

export const activations = defineKind({
  kind: 'activations',
  version: 1,
  doc: 'What went into and came out of each normalization layer in one flush. Without requests: a sign of life, no columns.',
  fields: {
    requests: says('independent inferences that ended in the flush', count()),
    tokens: says('tokens in those requests', optional(count())),
    layers: says('normalization layers in forward order; columns line up with it', optional(axis('layers'))),
    input: says('before the layer', optional(block())),
    output: says('after the layer', optional(block())),
    op: says(
      'wall time of the normalization op',
      optional(
        object({
          count: says('calls', optional(counts('layers'))),
          time_ns: says('summed over the calls', optional(counts('layers'))),
          histogram: says('seconds per call', optional(each('layers', nullable(histogram())))),
        }),
      ),
    ),
  },
  examples: [
    example('activations', {
      requests: 4,
      tokens: 131,
      layers: ['embeddings.LayerNorm', 'encoder.layer.0.output.LayerNorm'],
      input: {
        count: [50_304, 0],
        mean: [0.0015393, null],
        variance: [0.012, null],
        min: [-1.25, null],
        max: [2.5, null],
        nan: [0, 50_304],
        inf: [0, 0],
        token_variance_mean: [0.0119, null],
        token_variance_min: [0.0031, null],
        histogram: [
          {
            scale: 2,
            zero_count: 230,
            zero_threshold: 0.000244140625,
            positive: { offset: -48, counts: [12, 0, 31] },
            negative: { offset: -47, counts: [9] },
          },
          null,
        ],
      },
      output: { mean: [0.02, null], variance: [0.98, null] },
      op: { count: [4, 4], time_ns: [81_200, 80_100] },
    }),
    example('activations', { requests: 0 }),
  ],
});
