import type { Settings } from '../core/settings.ts';
import type { Config } from './rows.ts';

/** The part of the configuration that the fold is told, and that is part of its state's identity. */
export const foldSettings = ({ fold, budget: { models, ...budget } }: Config): Settings => ({
  tickMs: fold.tickMs,
  latenessMs: fold.latenessMs,
  rollingDelayMs: fold.rollingDelayMs,
  calibration: { ticks: fold.calibration.ticks, flushes: fold.calibration.flushes },
  silenceMs: fold.silenceMs,
  leastEffectSigmas: fold.leastEffectSigmas,
  budget,
  budgets: models,
});
