/** Shift of a layer's mean activation; see `shift.ts` for the evidence and `score/components.ts` for the units. */
import type { Detector } from './contract.ts';
import { MEAN_COLUMNS, SHIFT_PARAMS, SHIFT_STRIDE, shiftedCells, shiftSignals } from './shift.ts';

export const activationMean: Detector = {
  name: 'activation_mean',
  family: 'drift',
  doc:
    "Each layer's mean, before and after normalization, against the reference (the rolling day where there is none), " +
    'in standard deviations of one request. Catches shifted inputs, lost beta, RMS in place of layer normalization. ' +
    'Misses shifts below the least effect and changes of shape with the same mean.',
  params: Object.values(SHIFT_PARAMS),
  metrics: ['activation_mean', 'activation_shift_sigmas', 'activation_kl_nats'],
  causes: ['input_shift', 'unknown'],
  ofReference: true,
  cellStride: SHIFT_STRIDE,
  streamStride: 0,
  tick(context, state) {
    return shiftSignals(context, shiftedCells(context, state, MEAN_COLUMNS), 'mean');
  },
};
