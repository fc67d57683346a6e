import { axis, counts, nonNegatives } from './columns.ts';
import { nullable, optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, real } from './scalars.ts';

export type TrainingStepEvent = EventOf<typeof trainingStep>;

export const trainingStep = defineKind({
  kind: 'training_step',
  version: 1,
  doc: 'One optimizer step of one rank: loss, gradients by parameter group, how far gamma and beta moved.',
  fields: {
    run: says('the training run', name()),
    step: says('optimizer step', count(Number.MAX_SAFE_INTEGER)),
    loss: says('training loss', optional(nullable(real()))),
    learning_rate: says('learning rate of the step', optional(nullable(real()))),
    grad_norm: says('L2 norm of all gradients, before clipping', optional(nullable(real(0)))),
    tokens: says('tokens in the step', optional(count())),
    step_time_ns: says('wall time of the step', optional(count())),
    nonfinite_grad_elements: says('gradient elements that were NaN or infinite', optional(count())),
    groups: says(
      'parameter groups; the columns up to activation_bytes line up with it',
      optional(axis('groups')),
    ),
    grad_norms: says('L2 norm of the gradient; 0: no gradient', optional(nonNegatives('groups'))),
    nan_forward: says('NaN elements in activations', optional(counts('groups'))),
    inf_forward: says('infinite elements in activations', optional(counts('groups'))),
    nan_backward: says('NaN elements in gradients', optional(counts('groups'))),
    inf_backward: says('infinite elements in gradients', optional(counts('groups'))),
    activation_bytes: says(
      'memory of the activations kept for the backward pass',
      optional(counts('groups')),
    ),
    layers: says('normalization layers; the updates line up with it', optional(axis('layers'))),
    gamma_update: says('‖Δγ‖ / ‖γ‖ of this step; null: ‖γ‖ is 0', optional(nonNegatives('layers'))),
    beta_update: says('‖Δβ‖ / ‖β‖ of this step; null: ‖β‖ is 0', optional(nonNegatives('layers'))),
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
