/** Shift of a layer's activation variance, on the log scale; see `shift.ts` for the rule. */
import { S_VARIANCE_EFFECT, S_VARIANCE_ERROR, S_VARIANCE_Z } from '../score/cells.ts';
import { affectedSources } from './attribution.ts';
import type { Detector } from './contract.ts';
import { SHIFT_PARAMS, shiftedCells, shiftSignals } from './shift.ts';

export const activationVariance: Detector = {
  name: 'activation_variance',
  family: 'drift',
  doc:
    "Each layer's variance across the features of a token (the variance of the flush where that is not sent), before " +
    'and after normalization, as a log ratio to the baseline in standard deviations of one request. Catches another ' +
    'epsilon, lost gamma, corrupted weights. Misses differences below a quarter of a request standard deviation.',
  params: Object.values(SHIFT_PARAMS),
  metrics: ['activation_variance', 'activation_shift_sigmas', 'activation_kl_nats'],
  causes: ['input_shift', 'unknown'],
  cellStride: 2,
  streamStride: 0,
  tick(context, state) {
    const shifted = shiftedCells(context, state, {
      effect: S_VARIANCE_EFFECT,
      z: S_VARIANCE_Z,
      error: S_VARIANCE_ERROR,
    });
    return shiftSignals(context, state, shifted, 'variance', (cell) =>
      affectedSources(context, cell, 'variance'),
    );
  },
};
