/** Days in which nothing is wrong, drawn from healthy ticks: how often a page or a ticket comes all the same. */
import { budgetOf } from '../core/budget.ts';
import { createChance } from '../core/chance.ts';
import { createPartition, pinReferences, takeFindings } from '../core/fold.ts';
import { poissonUpper } from '../core/poisson.ts';
import type { NamedReference } from '../core/references.ts';
import { createResampler, type Drawing } from '../core/resample.ts';
import type { TickSeries } from '../core/series.ts';
import type { Settings } from '../core/settings.ts';
import { createTickFold } from '../core/tick-fold.ts';
import { DAY_MS } from '../core/time.ts';
import { createOpenings, type Opening } from './backtest-openings.ts';

/** Pages count from the first tick on, tickets once three days are known. */
export const LEARNING_DAYS = 3;
const CONFIDENCE = 0.95;

export interface NullOptions {
  readonly days: number;
  readonly seed: number;
  readonly drawing: Drawing;
  readonly settings: Settings;
  /** Pinned before the first tick; without any the stream learns from its own beginning. */
  readonly references: readonly NamedReference[];
  /** Called now and then with the share that is done. */
  readonly told: (share: number) => void;
}

/** Alarms of one severity over the days in which they count. */
export interface NullAlarms {
  readonly count: number;
  readonly days: number;
  /** Days from one to the next; null when there was none. */
  readonly run_length_days: number | null;
  readonly promised_days: number;
  /** One-sided 95 % bound of the rate; null where no day counts. */
  readonly per_day_upper: number | null;
}

export interface NullResult {
  readonly days: number;
  readonly pages: NullAlarms;
  readonly tickets: NullAlarms;
  /** Tickets of the first days, which count against nothing. */
  readonly learning_tickets: number;
  /** Hours with an open incident: while one is open another cannot be. */
  readonly open_hours: number;
  /** What opened, by cause, so that a broken promise can be looked into. */
  readonly causes: Readonly<Record<string, number>>;
}

const TOLD_EVERY = 512;

export function runNullDays(series: TickSeries, options: NullOptions): NullResult {
  const { settings, days } = options;
  const partition = createPartition(settings);
  pinReferences(partition, options.references);
  const fold = createTickFold(partition, series);
  const from = Math.floor(series.ticks[0]!.startMs / DAY_MS) * (DAY_MS / settings.tickMs);
  const next = createResampler(series, options.drawing, createChance(options.seed), from);
  const openings = createOpenings();
  const ticks = Math.round((days * DAY_MS) / settings.tickMs);
  for (let i = 0; i < ticks; i++) {
    fold.fold(next());
    if (partition.findings.length > 0) for (const line of takeFindings(partition)) openings.add(line);
    if (i % TOLD_EVERY === 0) options.told(i / ticks);
  }
  const fromMs = from * settings.tickMs;
  return resultOf(openings.all, fromMs, fromMs + ticks * settings.tickMs, {
    days,
    budget: budgetOf(settings, series.model),
  });
}

function resultOf(
  openings: readonly Opening[],
  fromMs: number,
  endMs: number,
  { days, budget }: { days: number; budget: { pagesEveryMs: number; ticketsEveryMs: number } },
): NullResult {
  const learntMs = fromMs + LEARNING_DAYS * DAY_MS;
  const tickets = openings.filter(({ severity }) => severity === 'ticket');
  const openMs = openings.reduce((sum, one) => sum + (one.resolvedMs ?? endMs) - one.openedMs, 0);
  const causes: Record<string, number> = {};
  for (const { last } of openings) causes[String(last.cause)] = (causes[String(last.cause)] ?? 0) + 1;
  return {
    days,
    pages: alarmsOf(openings.length - tickets.length, days, budget.pagesEveryMs),
    tickets: alarmsOf(
      tickets.filter(({ openedMs }) => openedMs > learntMs).length,
      Math.max(0, days - LEARNING_DAYS),
      budget.ticketsEveryMs,
    ),
    learning_tickets: tickets.filter(({ openedMs }) => openedMs <= learntMs).length,
    open_hours: openMs / 3_600_000,
    causes,
  };
}

function alarmsOf(count: number, days: number, promisedMs: number): NullAlarms {
  return {
    count,
    days,
    run_length_days: count === 0 ? null : days / count,
    promised_days: promisedMs / DAY_MS,
    per_day_upper: days === 0 ? null : poissonUpper(count, CONFIDENCE) / days,
  };
}

/** Streams of one promise together: their days and alarms add up. */
export function poolNullDays(results: readonly NullResult[]): NullResult {
  const sum = (of: (one: NullResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  const pool = (of: (one: NullResult) => NullAlarms): NullAlarms => {
    const days = sum((one) => of(one).days);
    return alarmsOf(
      sum((one) => of(one).count),
      days,
      of(results[0]!).promised_days * DAY_MS,
    );
  };
  const causes: Record<string, number> = {};
  for (const one of results)
    for (const [cause, count] of Object.entries(one.causes)) causes[cause] = (causes[cause] ?? 0) + count;
  return {
    days: sum((one) => one.days),
    pages: pool((one) => one.pages),
    tickets: pool((one) => one.tickets),
    learning_tickets: sum((one) => one.learning_tickets),
    open_hours: sum((one) => one.open_hours),
    causes,
  };
}
