import { axis, counts, positives } from './columns.ts';
import { nullable, optional } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, real } from './scalars.ts';

export type TrainingStepEvent = EventOf<typeof trainingStep>;

export const trainingStep = defineKind({
  kind: 'training_step',
  version: 1,
  doc: 'One optimizer step of one rank: loss, gradients by parameter group, how far gamma and beta moved.',
  fields: {
    run: name(),
    step: count(Number.MAX_SAFE_INTEGER),
    loss: optional(nullable(real())),
    learning_rate: optional(nullable(real())),
    grad_norm: optional(nullable(real(0))),
    tokens: optional(count()),
    step_time_ns: optional(count()),
    nonfinite_grad_elements: optional(count()),
    groups: optional(axis('groups')),
    grad_norms: optional(positives('groups')),
    nan_forward: optional(counts('groups')),
    inf_forward: optional(counts('groups')),
    nan_backward: optional(counts('groups')),
    inf_backward: optional(counts('groups')),
    activation_bytes: optional(counts('groups')),
    layers: optional(axis('layers')),
    /** In these two `null` means that the parameter's norm is 0. */
    gamma_update: optional(positives('layers')),
    beta_update: optional(positives('layers')),
  },
  examples: [
    example('training_step', {
      window_ms: 120,
      run: 'nightly-3',
      step: 7,
      checkpoint: 'nightly-3-step-7',
      loss: null,
      learning_rate: 0.00015,
      grad_norm: 4.109436,
      tokens: 1024,
      step_time_ns: 153_000_000,
      nonfinite_grad_elements: 0,
      groups: ['tok', 'blocks.0.ln1'],
      grad_norms: [0.5056551, null],
      nan_forward: [0, 12],
      inf_forward: [0, 0],
      nan_backward: [0, 0],
      inf_backward: [0, 3],
      activation_bytes: [262_144, 16_384],
      layers: ['blocks.0.ln1'],
      gamma_update: [0.0021],
      beta_update: [null],
    }),
  ],
});
