/** The detectors, one line each. Order is the order of their names in an incident. */
import { activationMean } from './activation_mean.ts';
import { activationVariance } from './activation_variance.ts';
import { constantExtremes } from './constant_extremes.ts';
import type { Detector } from './contract.ts';
import { manifest } from './manifest.ts';
import { nonfinite } from './nonfinite.ts';
import { outputDivergence } from './output_divergence.ts';
import { silentSource } from './silent_source.ts';
import { stuckInput } from './stuck_input.ts';

export const DETECTORS: readonly Detector[] = [
  nonfinite,
  manifest,
  activationMean,
  activationVariance,
  constantExtremes,
  stuckInput,
  outputDivergence,
  silentSource,
];
