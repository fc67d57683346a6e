/** Every kind of event there is: one file each, one line each. */
import { activations } from './activations.ts';
import { baseline } from './baseline.ts';
import { channels } from './channels.ts';
import { deployment } from './deployment.ts';
import { maintenance } from './maintenance.ts';
import { manifest } from './manifest.ts';
import { memory } from './memory.ts';
import { nonfinite } from './nonfinite.ts';
import { outputs } from './outputs.ts';
import { parameters } from './parameters.ts';
import { parity } from './parity.ts';
import { requests } from './requests.ts';
import { run } from './run.ts';
import { source } from './source.ts';
import { trainingStep } from './training_step.ts';
import { validation } from './validation.ts';

export const KINDS = [
  activations,
  channels,
  outputs,
  trainingStep,
  validation,
  deployment,
  nonfinite,
  source,
  manifest,
  parameters,
  parity,
  memory,
  requests,
  run,
  baseline,
  maintenance,
] as const;
