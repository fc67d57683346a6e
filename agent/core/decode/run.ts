import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, oneOf, real, text } from './scalars.ts';

export type RunEvent = EventOf<typeof run>;

export const run = defineKind({
  kind: 'run',
  version: 1,
  doc: 'A training run begins or ends, with what it cost and what it is compared to.',
  fields: {
    run: says('the training run', name()),
    status: says('a run begins once and ends once', oneOf('started', 'finished', 'failed')),
    reason: says('why it ended, in words of people', optional(text())),
    accelerator_seconds: says('time on accelerators, summed over them', optional(real(0))),
    cost_usd: says('cost so far, US dollars', optional(real(0))),
    steps_to_target: says('steps until the target metric was reached', optional(count())),
    normalization: says(
      'which normalization the model uses',
      optional(oneOf('layernorm', 'rmsnorm', 'none')),
    ),
    reference_run: says('the run it is compared with', optional(name())),
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
