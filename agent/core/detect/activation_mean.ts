/** Shift of a layer's mean activation; see `shift.ts` for the rule and `score/components.ts` for the units. */
import { S_MEAN_EFFECT, S_MEAN_ERROR, S_MEAN_Z } from '../score/cells.ts';
import { affectedSources } from './attribution.ts';
import type { Detector } from './contract.ts';
import { SHIFT_PARAMS, shiftedCells, shiftSignals } from './shift.ts';

export const activationMean: Detector = {
  name: 'activation_mean',
  family: 'drift',
  doc:
    "Each layer's mean, before and after normalization, against the reference (the rolling day where there is none), " +
    'in standard deviations of one request. Catches shifted inputs, lost beta, RMS in place of layer normalization. ' +
    'Misses shifts below a quarter of a request standard deviation and changes of shape with the same mean.',
  params: Object.values(SHIFT_PARAMS),
  metrics: ['activation_mean', 'activation_shift_sigmas', 'activation_kl_nats'],
  causes: ['input_shift', 'unknown'],
  cellStride: 2,
  streamStride: 0,
  tick(context, state) {
    const shifted = shiftedCells(context, state, { effect: S_MEAN_EFFECT, z: S_MEAN_Z, error: S_MEAN_ERROR });
    return shiftSignals(context, state, shifted, 'mean', (cell) => affectedSources(context, cell, 'mean'));
  },
};
