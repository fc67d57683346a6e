import type { Declaration } from './metric.ts';

/** Runs: their tick is the step. */
export const TRAINING_METRICS = {
  training_loss: {
    type: 'gauge',
    unit: 'loss',
    scope: 'stream',
    labels: [],
    stability: 'stable',
    help: 'Loss of the last closed step.',
  },
  training_step: {
    type: 'gauge',
    unit: 'steps',
    scope: 'stream',
    labels: [],
    stability: 'experimental',
    help: 'Number of the last closed step.',
  },
  training_learning_rate: {
    type: 'gauge',
    unit: 'rate',
    scope: 'stream',
    labels: [],
    stability: 'experimental',
    help: 'Learning rate of the last closed step.',
  },
  training_gradient_norm: {
    type: 'gauge',
    unit: 'gradient',
    scope: 'stream',
    labels: [],
    stability: 'experimental',
    help: 'L2 norm of the whole gradient at the last closed step.',
  },
  gradient_norm: {
    type: 'gauge',
    unit: 'gradient',
    scope: 'stream',
    labels: ['quantile'],
    stability: 'stable',
    help: 'L2 norms of the parameter groups at the last closed step, as quantiles over the groups.',
  },
  validation_metric: {
    type: 'gauge',
    unit: 'value',
    scope: 'stream',
    labels: ['name', 'goal'],
    stability: 'stable',
    help: 'Last value of a validation metric; goal says whether less (min) or more (max) is better.',
  },
} as const satisfies Record<string, Declaration>;
