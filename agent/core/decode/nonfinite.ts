import { LIMITS } from '../limits.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, oneOf } from './scalars.ts';

export type NonfiniteEvent = EventOf<typeof nonfinite>;

export const nonfinite = defineKind({
  kind: 'nonfinite',
  version: 1,
  doc: 'An early notice of NaN or Inf, sent at once. The same elements come again in the columns, and only there are counted.',
  fields: {
    layer: says('where it was seen first', name(LIMITS.layerChars)),
    site: says('before or after the layer', optional(oneOf('input', 'output'))),
    nan: says('NaN elements', optional(count())),
    inf: says('infinite elements', optional(count())),
    dtype: says('number format, e.g. float16', optional(name())),
    where: says('activations or gradients', optional(oneOf('forward', 'backward'))),
  },
  examples: [
    example('nonfinite', {
      window_ms: 0,
      layer: 'encoder.layer.4.output.LayerNorm',
      site: 'output',
      nan: 384,
      inf: 2,
      dtype: 'float16',
      where: 'forward',
    }),
  ],
});
