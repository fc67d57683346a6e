/** Made-up signals of one stream, and the lines that closed ticks of them tell. */
import type { Family, Signal } from '../../agent/core/detect/contract.ts';
import type { FindingLine, IncidentBook, Subject } from '../../agent/core/incident.ts';
import { applySignals } from '../../agent/core/lifecycle.ts';
import { type NamedSignal, originOf } from '../../agent/core/story.ts';
import { T0 } from './events.ts';
import { TICK_MS } from './ticks.ts';

export const FIRST = T0 / TICK_MS;
export const LAYERS = ['a', 'b', 'c'];

export const subjectOf = (given: Partial<Subject> = {}): Subject => ({
  id: 'serving/v1/stable',
  version: 'v1',
  role: 'stable',
  run: null,
  checkpoint: 'ck-1',
  layers: LAYERS,
  ...given,
});

export const newBook = (given: Partial<IncidentBook> = {}): IncidentBook => ({
  environment: 'default',
  model: 'm',
  incidents: [],
  deployments: [],
  maintenanceUntilMs: null,
  ...given,
});

export const signal = (given: Partial<Signal> & { detector?: string } = {}) => {
  const { detector = 'activation_variance', ...rest } = given;
  return {
    detector,
    signal: {
      layer: 1,
      site: 'output' as const,
      sources: [],
      severity: 'ticket' as const,
      cause: 'unknown',
      confidence: 0,
      effect: 2,
      unit: 'request_sigmas' as const,
      onsetMs: T0,
      evidence: { shift: 2 },
      says: 'something is off',
      ...rest,
    },
  };
};
export type Named = NamedSignal;

/** One closed tick. */
export function tick(
  book: IncidentBook,
  at: number,
  signals: readonly Named[],
  { family = 'drift' as Family, subject = subjectOf() } = {},
): FindingLine[] {
  const endMs = (FIRST + at + 1) * TICK_MS;
  const decision = { timeMs: endMs, tick: FIRST + at, step: null, watermarkMs: endMs + 5_000 };
  return applySignals(book, subject, family, signals, decision, originOf(signals));
}

/** Lines of consecutive ticks, one list of signals each. */
export const play = (book: IncidentBook, ticks: readonly (readonly Named[])[], from = 0): FindingLine[] =>
  ticks.flatMap((signals, i) => tick(book, from + i, signals));
export const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);
export const eventsOf = (lines: readonly FindingLine[]) => lines.map(({ event }) => event);
export const QUIET: Named[] = [];
