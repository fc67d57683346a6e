import { LIMITS } from '../limits.ts';
import { optional } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, oneOf } from './scalars.ts';

export type NonfiniteEvent = EventOf<typeof nonfinite>;

export const nonfinite = defineKind({
  kind: 'nonfinite',
  version: 1,
  doc: 'An early notice of NaN or Inf, sent at once. The same elements come again in the columns, and only there are counted.',
  fields: {
    layer: name(LIMITS.layerChars),
    site: optional(oneOf('input', 'output')),
    nan: optional(count()),
    inf: optional(count()),
    dtype: optional(name()),
    where: optional(oneOf('forward', 'backward')),
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
