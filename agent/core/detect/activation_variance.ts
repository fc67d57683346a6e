/** Shift of a layer's activation variance, on the log scale; see `shift.ts` for the evidence. */
import type { Detector } from './contract.ts';
import { SHIFT_PARAMS, SHIFT_STRIDE, shiftedCells, shiftSignals, VARIANCE_COLUMNS } from './shift.ts';

export const activationVariance: Detector = {
  name: 'activation_variance',
  family: 'drift',
  doc:
    "Each layer's variance across the features of a token (the variance of the flush where that is not sent), before " +
    'and after normalization, as a log ratio to the baseline in standard deviations of one request. Catches another ' +
    'epsilon, lost gamma, corrupted weights. Misses differences below the least effect.',
  params: Object.values(SHIFT_PARAMS),
  metrics: ['activation_variance', 'activation_shift_sigmas', 'activation_kl_nats'],
  causes: ['input_shift', 'unknown'],
  ofReference: true,
  cellStride: SHIFT_STRIDE,
  streamStride: 0,
  tick(context, state) {
    return shiftSignals(context, shiftedCells(context, state, VARIANCE_COLUMNS), 'variance');
  },
};
