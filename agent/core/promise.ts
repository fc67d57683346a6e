/** What a reference promises and how far it was tried: shares, thresholds, run lengths, least effects. For people to read. */
import { B_TICKS, BUCKET_STRIDE } from './bucket.ts';
import { SHARES, thresholdsOf } from './budget.ts';
import { type Hours, hourFloor } from './hours.ts';
import { layerOfCell, siteOfCell } from './layout.ts';
import type { Reference } from './reference.ts';
import { components } from './score/components.ts';
import type { Budget, Settings } from './settings.ts';

/** One number of a layer: where it is measured, and which of the two. */
export interface StatisticName {
  readonly layer: string;
  readonly site: 'input' | 'output';
  readonly statistic: 'mean' | 'variance';
}

export interface DetectorPromise {
  readonly detector: string;
  readonly share: number;
  readonly ticketNats: number;
  readonly pageNats: number;
  /** What calibration added to both; 0 where it found nothing to add or did not try. */
  readonly raisedNats: number;
  /** Time between two false tickets as promised, and as seen in the baseline's own ticks before anything was raised. */
  readonly promisedMs: number;
  /** Null where calibration did not try this detector: its promise is the theorem's. */
  readonly measuredMs: number | null;
  /** Nothing was seen: the true one is longer. */
  readonly isBound: boolean;
  /** Ticks drawn to measure it. */
  readonly drawnTicks: number;
}

/** Of one budget: what is promised of the detectors that calibration tried, and what it saw, raises included. */
export interface BudgetPromise {
  readonly severity: 'page' | 'ticket';
  readonly everyMs: number;
  readonly tried: readonly string[];
  /** Their part of the budget. */
  readonly share: number;
  readonly promisedMs: number | null;
  readonly measuredMs: number | null;
  readonly isBound: boolean;
}

export interface LeastEffects {
  readonly defaultSigmas: number;
  readonly statistics: number;
  /** How many are above the default, by what it was that raised them most. */
  readonly raisedByError: number;
  readonly raisedByHours: number;
  readonly largestSigmas: number;
  readonly largestAt: StatisticName | null;
}

export interface ReferencePromise {
  readonly detectors: readonly DetectorPromise[];
  readonly budgets: readonly BudgetPromise[];
  /** From tick to tick; null where the baseline was too short to tell. */
  readonly autocorrelation: {
    readonly median: number;
    readonly largest: number;
    readonly largestAt: StatisticName;
  } | null;
  /** Judged by ranks, since their ticks are not normal. */
  readonly ranked: readonly StatisticName[];
  readonly leastEffect: LeastEffects;
}

/** `hours` is what the stream that is held against it knows of its days. */
export function promiseOf(
  reference: Reference,
  settings: Settings,
  budget: Budget,
  hours: Hours | null,
): ReferencePromise {
  const detectors = Object.keys(SHARES).map((name) => promiseOfDetector(reference, settings, budget, name));
  return {
    detectors,
    budgets: (['page', 'ticket'] as const).map((severity) => promiseOfBudget(severity, budget, detectors)),
    autocorrelation: autocorrelationOf(reference),
    ranked: (reference.calibration?.ranked ?? []).map((statistic) => nameOf(reference, statistic)),
    leastEffect: leastEffectsOf(reference, settings.leastEffectSigmas, hours),
  };
}

function promiseOfDetector(
  { calibration }: Reference,
  { tickMs }: Settings,
  budget: Budget,
  detector: string,
): DetectorPromise {
  const run = calibration?.runLengths.find((one) => one.detector === detector);
  const raisedNats = calibration?.raises.get(detector) ?? 0;
  const share = SHARES[detector]!;
  return {
    detector,
    share,
    ...thresholdsOf(budget, tickMs, detector, raisedNats),
    raisedNats,
    promisedMs: budget.ticketsEveryMs / share,
    measuredMs: run === undefined ? null : run.empiricalTicks * tickMs,
    isBound: run?.alarms === 0,
    drawnTicks: run?.ticks ?? 0,
  };
}

/**
 * Rates of false alarms add up. Each nat of a threshold divides the rate by e (the bound of the e-detector), so what was
 * seen at the threshold of tickets tells of that of pages too.
 */
function promiseOfBudget(
  severity: BudgetPromise['severity'],
  budget: Budget,
  detectors: readonly DetectorPromise[],
): BudgetPromise {
  const everyMs = severity === 'page' ? budget.pagesEveryMs : budget.ticketsEveryMs;
  const tried = detectors.filter(({ measuredMs }) => measuredMs !== null);
  const share = tried.reduce((sum, one) => sum + one.share, 0);
  const rate = tried.reduce((sum, one) => {
    const nats = one.raisedNats + (severity === 'page' ? one.pageNats - one.ticketNats : 0);
    return sum + Math.exp(-nats) / one.measuredMs!;
  }, 0);
  return {
    severity,
    everyMs,
    tried: tried.map(({ detector }) => detector),
    share,
    promisedMs: share > 0 ? everyMs / share : null,
    measuredMs: rate > 0 ? 1 / rate : null,
    isBound: tried.some(({ isBound }) => isBound),
  };
}

const statisticsOf = ({ bucket }: Reference): number => (bucket.cells.length / BUCKET_STRIDE) * 2;

const isMeasured = ({ bucket }: Reference, statistic: number): boolean =>
  bucket.cells[(statistic >> 1) * BUCKET_STRIDE + B_TICKS]! >= 2;

function nameOf({ layers }: Reference, statistic: number): StatisticName {
  const cell = statistic >> 1;
  return {
    layer: layers[layerOfCell(cell)] ?? '',
    site: siteOfCell(cell),
    statistic: (statistic & 1) === 0 ? 'mean' : 'variance',
  };
}

function autocorrelationOf(reference: Reference): ReferencePromise['autocorrelation'] {
  const phi = reference.calibration?.phi ?? new Float64Array(0);
  const known = [...phi.keys()].filter((statistic) => isMeasured(reference, statistic));
  known.sort((a, b) => phi[a]! - phi[b]!);
  const largest = known.at(-1);
  if (largest === undefined) return null;
  const median = phi[known[known.length >> 1]!]!;
  return { median, largest: phi[largest]!, largestAt: nameOf(reference, largest) };
}

function leastEffectsOf(reference: Reference, defaultSigmas: number, hours: Hours | null): LeastEffects {
  let statistics = 0;
  let raisedByError = 0;
  let raisedByHours = 0;
  let largestSigmas = defaultSigmas;
  let largestAt: StatisticName | null = null;
  for (let statistic = 0; statistic < statisticsOf(reference); statistic++) {
    const which = (statistic & 1) === 0 ? 'mean' : 'variance';
    const c = components(reference.bucket.cells, statistic >> 1, which);
    if (c === null) continue;
    statistics++;
    const byError = 3 * Math.sqrt(c.errorVariance / c.requestVariance);
    const byHours = hours === null ? 0 : hourFloor(hours, statistic);
    if (Math.max(byError, byHours) <= defaultSigmas) continue;
    if (byError >= byHours) raisedByError++;
    else raisedByHours++;
    if (Math.max(byError, byHours) <= largestSigmas) continue;
    largestSigmas = Math.max(byError, byHours);
    largestAt = nameOf(reference, statistic);
  }
  return { defaultSigmas, statistics, raisedByError, raisedByHours, largestSigmas, largestAt };
}
