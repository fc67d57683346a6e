/** The detectors, one line each. Order is the order of their names in an incident. */
import { activationDistribution } from './activation_distribution.ts';
import { activationMean } from './activation_mean.ts';
import { activationVariance } from './activation_variance.ts';
import { canary } from './canary.ts';
import { clockSkew } from './clock_skew.ts';
import { constantExtremes } from './constant_extremes.ts';
import type { Detector } from './contract.ts';
import { duplicateSource } from './duplicate_source.ts';
import { features } from './features.ts';
import { manifest } from './manifest.ts';
import { nonfinite } from './nonfinite.ts';
import { opLatency } from './op_latency.ts';
import { outputDivergence } from './output_divergence.ts';
import { parity } from './parity.ts';
import { peers } from './peers.ts';
import { probe } from './probe.ts';
import { requestLatency } from './request_latency.ts';
import { silentSource } from './silent_source.ts';
import { stuckInput } from './stuck_input.ts';

export const DETECTORS: readonly Detector[] = [
  nonfinite,
  // Before those that ask it whom to blame.
  peers,
  manifest,
  parity,
  probe,
  activationMean,
  activationVariance,
  canary,
  activationDistribution,
  features,
  constantExtremes,
  stuckInput,
  outputDivergence,
  opLatency,
  requestLatency,
  silentSource,
  duplicateSource,
  clockSkew,
];
