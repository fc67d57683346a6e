/**
 * The budget of false alarms and how it is split. A model may page once in `pagesEveryMs` and open a ticket once in
 * `ticketsEveryMs` while nothing is wrong. An e-detector with threshold 1/α has an average run length of at least 1/α
 * ticks (Shin, Ramdas, Rinaldo, "E-detectors", 2023, Theorem 2.4), so α is ticks per budget; each detector gets a share of
 * α (the shares sum to 1) and averages its statistics inside, so that many of one kind do not dilute few of another.
 */
import type { Budget, Settings } from './settings.ts';

/** By detector; hard rules need none. */
export const SHARES: Readonly<Record<string, number>> = {
  activation_mean: 0.3,
  activation_variance: 0.3,
  activation_distribution: 0.05,
  features: 0.05,
  constant_extremes: 0.02,
  peers: 0.12,
  canary: 0.08,
  op_latency: 0.04,
  request_latency: 0.04,
};

/** ln of the evidence that opens a ticket, and that a page needs beside its effect. */
export interface Thresholds {
  readonly ticketNats: number;
  readonly pageNats: number;
}

export const budgetOf = (settings: Settings, model: string): Budget => ({
  ...settings.budget,
  ...settings.budgets[model],
});

/** `raiseNats` is what calibration adds where the empirical run length falls short of the promised one. */
export function thresholdsOf(budget: Budget, tickMs: number, detector: string, raiseNats = 0): Thresholds {
  const share = SHARES[detector] ?? 0;
  if (share <= 0) return { ticketNats: 0, pageNats: 0 };
  const nats = (everyMs: number): number => Math.log(everyMs / tickMs / share) + raiseNats;
  return { ticketNats: nats(budget.ticketsEveryMs), pageNats: nats(budget.pagesEveryMs) };
}
