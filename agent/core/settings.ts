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
  readonly budget: { readonly outputKlNats: number };
}

export const DEFAULT_SETTINGS: Settings = {
  tickMs: 10_000,
  latenessMs: 5_000,
  rollingDelayMs: 30 * 60_000,
  calibration: { ticks: 60, flushes: 600 },
  silenceMs: 30_000,
  leastEffectSigmas: 0.125,
  budget: { outputKlNats: 0.1 },
};
