import { LIMITS } from '../limits.ts';
import { map } from './collections.ts';
import { axis, counts, each, nonNegatives } from './columns.ts';
import { nullable, optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { flag, name, oneOf, pattern, scalar } from './scalars.ts';

export type ManifestEvent = EventOf<typeof manifest>;

export const manifest = defineKind({
  kind: 'manifest',
  version: 1,
  doc: 'What the source believes it runs, at start and on change. `null` in a column: not known, or not there.',
  fields: {
    layers: says('normalization layers in forward order', axis('layers')),
    position: says(
      'before or after the residual branch',
      optional(each('layers', nullable(oneOf('pre', 'post', 'other')))),
    ),
    norm: says(
      'which normalization',
      optional(
        each('layers', nullable(oneOf('layernorm', 'rmsnorm', 'groupnorm', 'batchnorm', 'instancenorm'))),
      ),
    ),
    epsilon: says('what is added to the variance', optional(nonNegatives('layers'))),
    features: says('width', optional(counts('layers'))),
    dtype: says('number format of the op', optional(each('layers', nullable(name())))),
    kernel: says('which implementation', optional(each('layers', nullable(name())))),
    affine: says('whether it has gamma and beta', optional(each('layers', nullable(flag())))),
    parameters_sha256: says(
      'checksum of gamma and beta',
      optional(each('layers', nullable(pattern('^[0-9a-fA-F]{64}$', '64 hexadecimal digits', 64)))),
    ),
    framework: says('name and version', optional(name())),
    revision: says('of the model code', optional(name())),
    config: says('further settings', optional(map(scalar(), LIMITS.configEntries))),
  },
  examples: [
    example('manifest', {
      window_ms: 0,
      layers: ['embeddings.LayerNorm', 'encoder.layer.0.output.LayerNorm'],
      position: ['other', 'post'],
      norm: ['layernorm', 'layernorm'],
      epsilon: [1e-12, 1e-12],
      features: [384, 384],
      dtype: ['float32', 'float16'],
      kernel: ['native', null],
      affine: [true, false],
      parameters_sha256: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', null],
      framework: 'torch 2.9.0',
      revision: '4c1d9f2',
      config: { hidden_size: 384, tf32: true, attention: 'sdpa', dropout: null },
    }),
  ],
});
