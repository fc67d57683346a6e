import { DAY_MS } from './time.ts';

/** What a model may cost in false alarms, and the divergence of its output that pages. */
export interface Budget {
  readonly outputKlNats: number;
  /** One false page, one false ticket in so much time. */
  readonly pagesEveryMs: number;
  readonly ticketsEveryMs: number;
}

/** What the fold is told from outside. Part of the state's identity: a change is told as a changed config hash. */
export interface Settings {
  readonly tickMs: number;
  /** A tick closes at the latest this long (event time) after its end. */
  readonly latenessMs: number;
  /** How long closed ticks wait before they enter a rolling baseline. */
  readonly rollingDelayMs: number;
  readonly calibration: { readonly ticks: number; readonly flushes: number };
  /** Silence of one source against its peers: this long, or three of its flushes, whichever is longer. */
  readonly silenceMs: number;
  /** Least effect, request standard deviations. */
  readonly leastEffectSigmas: number;
  readonly budget: Budget;
  /** What single models have otherwise, by name. */
  readonly budgets: Readonly<Record<string, Partial<Budget>>>;
}

export const DEFAULT_SETTINGS: Settings = {
  tickMs: 10_000,
  latenessMs: 5_000,
  rollingDelayMs: 30 * 60_000,
  calibration: { ticks: 60, flushes: 600 },
  silenceMs: 30_000,
  leastEffectSigmas: 0.125,
  budget: { outputKlNats: 0.1, pagesEveryMs: 30 * DAY_MS, ticketsEveryMs: 7 * DAY_MS },
  budgets: {},
};
