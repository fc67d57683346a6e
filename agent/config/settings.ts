import { DEFAULT_SETTINGS, type Settings } from '../core/settings.ts';
import type { Config } from './rows.ts';

/** The part of the configuration that the fold is told, and that is part of its state's identity. */
export const foldSettings = ({ fold, budget }: Config): Settings => ({
  tickMs: fold.tickMs,
  latenessMs: fold.latenessMs,
  rollingDelayMs: fold.rollingDelayMs,
  calibration: { ticks: fold.calibration.ticks, flushes: fold.calibration.flushes },
  silenceMs: fold.silenceMs,
  leastEffectSigmas: fold.leastEffectSigmas,
  budget: {
    outputKlNats: budget.outputKlNats,
    pagesEveryMs: DEFAULT_SETTINGS.budget.pagesEveryMs,
    ticketsEveryMs: DEFAULT_SETTINGS.budget.ticketsEveryMs,
  },
  budgets: {},
});
