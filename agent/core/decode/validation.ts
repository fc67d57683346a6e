import { LIMITS } from '../limits.ts';
import { list } from './collections.ts';
import { nullable, object, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, oneOf, real } from './scalars.ts';

export type ValidationEvent = EventOf<typeof validation>;

export const validation = defineKind({
  kind: 'validation',
  version: 1,
  doc: 'Metrics of a run on held-out data, each with the direction that is good.',
  fields: {
    run: says('the training run', name()),
    step: says('step at which it was validated', count(Number.MAX_SAFE_INTEGER)),
    metrics: says(
      'each with the direction that is good',
      list(
        object({ name: name(), value: nullable(real()), goal: oneOf('min', 'max') }),
        LIMITS.validationMetrics,
      ),
    ),
  },
  examples: [
    example('validation', {
      window_ms: 0,
      run: 'nightly-3',
      step: 24,
      checkpoint: 'nightly-3-step-25',
      metrics: [
        { name: 'loss', value: null, goal: 'min' },
        { name: 'accuracy', value: 0.1705729, goal: 'max' },
      ],
    }),
  ],
});
