import { optional } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, oneOf, real, text } from './scalars.ts';

export type RunEvent = EventOf<typeof run>;

export const run = defineKind({
  kind: 'run',
  version: 1,
  doc: 'A training run begins or ends, with what it cost and what it is compared to.',
  fields: {
    run: name(),
    status: oneOf('started', 'finished', 'failed'),
    reason: optional(text()),
    accelerator_seconds: optional(real(0)),
    cost_usd: optional(real(0)),
    steps_to_target: optional(count()),
    normalization: optional(oneOf('layernorm', 'rmsnorm', 'none')),
    reference_run: optional(name()),
  },
  examples: [
    example('run', {
      window_ms: 0,
      run: 'nightly-3',
      step: 600,
      status: 'finished',
      reason: 'target reached',
      accelerator_seconds: 8640,
      cost_usd: 7.2,
      steps_to_target: 540,
      normalization: 'rmsnorm',
      reference_run: 'nightly-2',
    }),
  ],
});
