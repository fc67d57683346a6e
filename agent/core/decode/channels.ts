import { axis, each, rows } from './columns.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { fault } from './fault.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, oneOf } from './scalars.ts';

export type ChannelsEvent = EventOf<typeof channels>;

export const channels = defineKind({
  kind: 'channels',
  version: 1,
  doc: 'Mean and variance of each feature of a few layers: where a collapsed or an exploding channel shows.',
  fields: {
    tokens: says('tokens that the statistics are over', optional(count())),
    layers: says('layer of each row; it may come twice, once per site', axis('layers', { unique: false })),
    sites: says('before or after the layer', each('layers', oneOf('input', 'output'))),
    mean: says('mean of each feature', optional(rows('layers', 'any'))),
    variance: says('population variance of each feature', optional(rows('layers', 'non-negative'))),
  },
  rule: {
    says: 'No layer has the same site twice, mean and variance of a layer are equally wide.',
    check: ({ layers, sites, mean, variance }) => {
      const seen = new Set<string>();
      for (let i = 0; i < layers.length; i++) {
        seen.add(`${sites[i]} ${layers[i]}`);
        if (seen.size <= i) return fault('bad_column', 'layer and site named twice', `sites[${i}]`);
        if (mean !== undefined && variance !== undefined && mean[i]!.length !== variance[i]!.length) {
          const widths = `${variance[i]!.length} variances for ${mean[i]!.length} means`;
          return fault('bad_column', widths, `variance[${i}]`);
        }
      }
      return null;
    },
  },
  examples: [
    example('channels', {
      window_ms: 30_000,
      tokens: 4479,
      layers: ['encoder.layer.0.output.LayerNorm', 'encoder.layer.0.output.LayerNorm'],
      sites: ['input', 'output'],
      mean: [
        [0.052, null, -0.0616],
        [0.143, 0.1, -0.101],
      ],
      variance: [
        [0.21, null, 0.02],
        [1.1, 0.97, 0.99],
      ],
    }),
  ],
});
