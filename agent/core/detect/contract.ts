/**
 * What a detector is. It sees closed ticks (or, for hard rules, single events) and answers with signals; incidents are
 * made from signals elsewhere. A detector keeps only numbers: a row per cell and a row per stream, both of its own.
 */
import type { Bucket } from '../bucket.ts';
import type { Thresholds } from '../budget.ts';
import type { Calibration } from '../calibration.ts';
import type { CanaryComparison } from '../canary.ts';
import type { Declared } from '../declared.ts';
import type { Hours } from '../hours.ts';
import type { CellScores } from '../score/cells.ts';
import type { Divergence } from '../score/divergence.ts';
import type { GroupScores } from '../score/peers.ts';
import type { Budget, Settings } from '../settings.ts';
import type { TickSummary } from '../tick.ts';

/** Signals of a family make one incident of a stream. */
export const FAMILIES = ['numerics', 'drift', 'telemetry', 'latency'] as const;
export type Family = (typeof FAMILIES)[number];

export type Severity = 'page' | 'ticket';

/** A number that steers a detector, as documentation and configuration show it. */
export interface Param {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly help: string;
}

export interface Signal {
  /** Place among the stream's layers in forward order; −1 where no layer is meant. */
  readonly layer: number;
  readonly site: 'input' | 'output' | null;
  /** Sources it is about; empty = all. */
  readonly sources: readonly string[];
  readonly severity: Severity;
  readonly cause: string;
  readonly confidence: number;
  readonly effect: number;
  readonly unit: 'request_sigmas' | 'nats' | 'elements' | 'ms' | 'seconds' | 'ratio';
  readonly onsetMs: number;
  readonly evidence: Readonly<Record<string, number | string>>;
  /** What is seen, as the end of the sentence "MODEL VERSION: …". */
  readonly says: string;
}

/** Rows that belong to one detector on one stream. */
export interface DetectorState {
  cells: Float64Array;
  stream: Float64Array;
  /** Rows by a name of the detector's own: a source, a probe. The detector caps them and drops what is gone. */
  named: Map<string, Float64Array>;
  /** The strongest evidence of the last tick and where it lies (cell; −1 for none): how close it is to an alarm. */
  nats: number;
  at: number;
}

export interface TickContext {
  readonly tick: TickSummary;
  readonly layers: readonly string[];
  readonly settings: Settings;
  readonly budget: Budget;
  /** What opens a ticket and what a page needs, of the model's budget, raised where calibration found it short. */
  readonly thresholds: (detector: string) => Thresholds;
  /** Against the reference where there is one, else the rolling day; null while calibrating. */
  readonly scores: CellScores | null;
  readonly baseline: Bucket | null;
  /** What the baseline's own ticks say of the detectors, and of the hours of the day; null while nothing is known. */
  readonly calibration: Calibration | null;
  readonly hours: Hours | null;
  /** Places of `layers` in the baseline. */
  readonly places: Int32Array;
  /** The sources of the tick side by side; null with fewer than two. */
  readonly peers: GroupScores | null;
  /** What `peers` has gathered of each source; null while it has not run. */
  readonly peerState: DetectorState | null;
  /** Of a canary: against the stable version beside it. */
  readonly canary: CanaryComparison | null;
  /** Outputs of the last minute against the baseline. */
  readonly outputs: readonly {
    readonly output: string;
    readonly requests: number;
    readonly divergence: Divergence;
    /** What of it so few requests show by chance. */
    readonly chanceNats: number;
  }[];
  /** No fault is known: what this tick shows may be learnt as usual. */
  readonly clean: boolean;
  /** Sources of the stream that neither stopped nor moved away, in order of names. */
  readonly sources: readonly {
    readonly source: string;
    readonly quietMs: number;
    readonly intervalMs: number;
    /** How far its clock is off the stream; null while it is not. */
    readonly skewMs: number | null;
    /** Signs of a second process under its name, in how many intervals of the last minutes and since when. */
    readonly rivals: { readonly count: number; readonly sinceMs: number } | null;
  }[];
  /** The only source of this stream while others serve the model under another version or role; else null. */
  readonly loneSource: string | null;
  /** What the sources declare and where that is not as it should be; null while they declare nothing. */
  readonly declared: Declared | null;
  /** A `deployment` event named this version within the last half hour. */
  readonly deployed: boolean;
}

/** Non-finite elements in one event, cell by cell, in forward order. */
export interface NonfiniteContext {
  readonly timeMs: number;
  readonly source: string;
  readonly step: number | null;
  readonly where: 'forward' | 'backward';
  readonly counts: readonly {
    readonly layer: number;
    readonly name: string;
    readonly site: 'input' | 'output' | null;
    readonly nan: number;
    readonly inf: number;
    /** Greatest finite magnitude seen beside them; null where not sent. */
    readonly magnitude: number | null;
  }[];
}

export interface Detector {
  readonly name: string;
  readonly family: Family;
  /** What it catches and what it misses, one paragraph. */
  readonly doc: string;
  readonly params: readonly Param[];
  /** Names in the catalog that show what it sees. */
  readonly metrics: readonly string[];
  /** Causes it can name: each has a runbook. */
  readonly causes: readonly string[];
  /** Its state is about the reference, and goes with it. */
  readonly ofReference?: true;
  readonly cellStride: number;
  readonly streamStride: number;
  tick?(context: TickContext, state: DetectorState): Signal[];
  nonfinite?(context: NonfiniteContext): Signal[];
}

export const newDetectorState = (detector: Detector, layerCount: number): DetectorState => ({
  cells: new Float64Array(layerCount * 2 * detector.cellStride),
  stream: new Float64Array(detector.streamStride),
  named: new Map(),
  nats: 0,
  at: -1,
});
