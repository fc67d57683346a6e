/** What the server tells the browser: the JSON of `/api/…` and of the live events. Plain data; all names are untrusted. */

import type { Against, EvidenceView, Site, StreamStateName } from '../../core/view.ts';
import type { Numbers } from '../../flow/history-read.ts';

export interface Overview {
  readonly nowMs: number;
  readonly verdict: Verdict;
  /** Open ones, worst first. */
  readonly incidents: readonly IncidentSummary[];
  readonly incidentsLeftOut: number;
  /** Newest first. */
  readonly resolved: readonly IncidentSummary[];
  readonly streams: readonly StreamSummary[];
  readonly streamsLeftOut: number;
  readonly maintenance: readonly {
    readonly model: string;
    readonly environment: string;
    readonly untilMs: number;
  }[];
  /** Incidents opened in the last 24 h and the median time from onset to opening. */
  readonly day: { readonly incidents: number; readonly medianDelayMs: number | null };
  readonly records: {
    readonly refused: number;
    readonly late: number;
    readonly duplicates: number;
    readonly missing: number;
  };
}

export interface Verdict {
  readonly level: 'page' | 'ticket' | 'attention' | 'calm' | 'empty';
  readonly sentence: string;
  readonly title: string;
}

export interface IncidentSummary {
  readonly id: string;
  /** Id of its stream on this page; null when the stream is gone. */
  readonly stream: string | null;
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  readonly role: string | null;
  readonly run: string | null;
  readonly step: number | null;
  readonly severity: 'page' | 'ticket';
  readonly status: 'open' | 'resolved' | 'accepted';
  readonly suppressed: 'maintenance' | null;
  readonly message: string;
  readonly cause: string;
  readonly confidence: number;
  readonly scope: string;
  readonly layers: readonly string[];
  readonly sources: readonly string[];
  readonly detectors: readonly string[];
  readonly deployment: { readonly version: string; readonly minutes: number } | null;
  readonly evidence: readonly { readonly name: string; readonly value: number | string }[];
  readonly effect: { readonly value: number; readonly unit: string } | null;
  /** What its detectors see now; empty once it is over. */
  readonly now: readonly EvidenceView[];
  readonly onsetMs: number;
  readonly openedMs: number;
  readonly resolvedMs: number | null;
}

export interface StreamSummary {
  /** Short, made of safe characters, stable for the stream. */
  readonly id: string;
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  readonly role: string | null;
  readonly run: string | null;
  readonly checkpoint: string | null;
  readonly state: StreamStateName;
  readonly calibration: {
    readonly progress: number;
    readonly ticks: number;
    readonly ticksNeeded: number;
    readonly remainingMs: number | null;
  };
  readonly reference: string | null;
  readonly sourcesLive: number;
  readonly sourcesTotal: number;
  /** Those that are not live, the first few. */
  readonly sourcesAmiss: readonly {
    readonly source: string;
    readonly status: string;
    readonly lastMs: number;
  }[];
  readonly lastMs: number | null;
  readonly column: number | null;
  readonly layers: number;
  readonly worst: (CellName & { readonly sigmas: number }) | null;
  readonly against: Against | null;
  readonly outputKlNats: number | null;
  /** Of a run: its last step's numbers, named and in reading order. */
  readonly training: readonly { readonly name: string; readonly value: number | null }[];
  readonly incidents: number;
}

export interface CellName {
  readonly layer: string;
  readonly site: Site;
}

export interface StreamHistory {
  readonly stream: StreamSummary;
  /** `time`: columns are epoch ms. `step`: steps of a run. */
  readonly unit: 'time' | 'step';
  readonly columns: readonly number[];
  readonly cells: readonly (CellName & { readonly shift: Numbers })[];
  readonly marks: readonly Mark[];
  /** In its last closed tick; none for a run. */
  readonly evidence: readonly EvidenceView[];
}

/** Something on the time axis, in the unit of the columns. */
export interface Mark {
  readonly kind: 'deployment' | 'page' | 'ticket';
  readonly at: number;
  /** Null while it lasts, and for a point. */
  readonly until: number | null;
  readonly label: string;
  readonly layer: string | null;
}

export interface LayerHistory {
  readonly layer: string;
  readonly unit: 'time' | 'step';
  readonly against: Against | null;
  readonly columns: readonly number[];
  readonly cells: readonly {
    readonly site: Site;
    readonly fields: {
      readonly mean: Numbers;
      readonly variance: Numbers;
      readonly kl: Numbers;
      readonly baselineMean: Numbers;
      readonly baselineMeanBand: Numbers;
      readonly baselineVariance: Numbers;
      readonly baselineVarianceFactor: Numbers;
    };
  }[];
}
