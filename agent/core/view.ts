/**
 * What the outside sees of the committed state: plain, immutable, JSON-able. Metrics, page, and command line read
 * views and nothing else, so that state can change its inner shape without them.
 */

import type { LatencyView } from './view-latency.ts';

export type StreamStateName = 'calibrating' | 'guarded' | 'drifting' | 'silent' | 'stopped';
export type Site = 'input' | 'output';
export type Against = 'reference' | 'rolling' | 'peers' | 'canary';

export interface PartitionView {
  readonly models: readonly ModelView[];
  /** Refusals that name no model: reason → count. */
  readonly rejected: Readonly<Record<string, number>>;
}

export interface ModelView {
  readonly environment: string;
  readonly model: string;
  /** Cumulative counts since the state began; they only rise. Keys are event kinds, reasons. */
  readonly events: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly duplicates: number;
  readonly missing: number;
  readonly late: Readonly<Record<string, number>>;
  readonly nonfinite: readonly { kind: 'nan' | 'inf'; where: 'forward' | 'backward'; total: number }[];
  /** Elements in the last 24 h by hourly buckets, for layers with any. */
  readonly nonfiniteDay: readonly {
    version: string;
    layer: string;
    site: string;
    kind: 'nan' | 'inf';
    where: 'forward' | 'backward';
    elements: number;
  }[];
  readonly nonfiniteLastSeenMs: number | null;
  readonly streams: readonly StreamView[];
  readonly incidents: readonly IncidentView[];
  readonly deployments: readonly DeploymentView[];
  readonly maintenanceUntilMs: number | null;
}

export interface StreamView {
  /** Stable id within the model: `serving/<version>/<role>` or `run/<run>`. */
  readonly id: string;
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  /** Null for a run. */
  readonly role: string | null;
  /** Null for serving. */
  readonly run: string | null;
  readonly checkpoint: string | null;
  readonly state: StreamStateName;
  readonly calibration: {
    readonly ticks: number;
    readonly ticksNeeded: number;
    readonly flushes: number;
    readonly flushesNeeded: number;
    /** 0..1, 1 when done. */
    readonly progress: number;
    /** Expected event time until done; null while unknown, 0 when done. */
    readonly remainingMs: number | null;
  };
  /** Where the reference came from: `pinned <id>`, `learned from <version>`; null while there is none. */
  readonly reference: string | null;
  readonly watermarkMs: number | null;
  /** End of the last closed tick (serving), or its step (run). */
  readonly tickEndMs: number | null;
  readonly step: number | null;
  readonly requests: number;
  readonly tokens: number;
  readonly sources: readonly SourceView[];
  /** Layer names in forward order. */
  readonly layers: readonly string[];
  /** One per layer and site measured in the last closed tick, in forward order. */
  readonly cells: readonly CellView[];
  readonly outputs: readonly OutputView[];
  /** Requests and op times, counted since the state began. */
  readonly latency: LatencyView;
  /** One per detector that has a share of the budget; none for a run. */
  readonly evidence: readonly EvidenceView[];
  /** Last step of a run. */
  readonly training: TrainingView | null;
}

export interface SourceView {
  readonly source: string;
  readonly status: 'live' | 'silent' | 'stopped' | 'skewed';
  readonly lastMs: number;
}

/** Numbers of one layer and site in the last closed tick. Null = not measured or not finite. */
export interface CellView {
  readonly layer: string;
  readonly site: Site;
  readonly mean: number | null;
  readonly variance: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly scores: readonly CellScore[];
}

export interface CellScore {
  readonly against: Against;
  /** Standardized shift of the mean, request standard deviations. */
  readonly meanShiftSigmas: number | null;
  /** Standardized log-variance ratio, request standard deviations. */
  readonly varianceShiftSigmas: number | null;
  /** Log of variance over baseline variance (natural). */
  readonly logVarianceRatio: number | null;
  /** Gaussian KL(now ‖ baseline), nats. */
  readonly klNats: number | null;
  /** From exponential histograms where sent: KL and JS in nats, PSI. */
  readonly histogramKlNats: number | null;
  readonly histogramJsNats: number | null;
  readonly histogramPsi: number | null;
  /** Mean ± this many is where 99.7 % of ticks of this volume lie (predictive), for the page's band. */
  readonly baselineMean: number | null;
  readonly baselineMeanBand: number | null;
  readonly baselineVariance: number | null;
  /** Factor: variance within baseline × or ÷ this. */
  readonly baselineVarianceFactor: number | null;
}

export interface OutputView {
  readonly output: string;
  readonly requests: number;
  readonly nonFiniteRequests: number;
  readonly scores: readonly {
    readonly against: Against;
    readonly klNats: number | null;
    readonly jsNats: number | null;
  }[];
}

/** Evidence of one detector in the last closed tick, natural logarithm, and what it takes to open a ticket or to page. */
export interface EvidenceView {
  readonly detector: string;
  readonly nats: number;
  readonly ticketNats: number;
  readonly pageNats: number;
  /** Where it is strongest; null where that is no layer. */
  readonly layer: string | null;
  readonly site: Site | null;
}

export interface TrainingView {
  readonly loss: number | null;
  readonly learningRate: number | null;
  readonly gradNorm: number | null;
  readonly gradNorms: readonly { readonly group: string; readonly norm: number | null }[];
  readonly validation: readonly {
    readonly name: string;
    readonly value: number | null;
    readonly goal: 'min' | 'max';
  }[];
}

export interface IncidentView {
  readonly id: string;
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  readonly role: string | null;
  readonly run: string | null;
  readonly step: number | null;
  readonly checkpoint: string | null;
  readonly status: 'open' | 'resolved' | 'accepted';
  readonly severity: 'page' | 'ticket';
  readonly detectors: readonly string[];
  readonly cause: string;
  readonly confidence: number;
  readonly layers: readonly string[];
  readonly sources: readonly string[];
  readonly scope: string;
  readonly deployment: { readonly version: string; readonly minutes: number } | null;
  readonly suppressed: 'maintenance' | null;
  readonly openedMs: number;
  readonly onsetMs: number;
  readonly changedMs: number;
  readonly resolvedMs: number | null;
  readonly effect: { readonly value: number; readonly unit: string } | null;
  readonly evidence: Readonly<Record<string, number | string>>;
  readonly message: string;
}

export interface DeploymentView {
  readonly timeMs: number;
  readonly version: string;
  readonly previousVersion: string | null;
  readonly checkpoint: string | null;
  readonly change: string | null;
}
