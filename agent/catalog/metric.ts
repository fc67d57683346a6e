/** What a metric is. The entries stand in the files beside; `../catalog.ts` puts them together. */

export type MetricType = 'gauge' | 'counter' | 'histogram';
/** What a series belongs to; decides the labels that identify it, before the metric's own. */
export type MetricScope = 'stream' | 'model' | 'agent';
/** `stable`: name, labels and meaning stay within a major version. `experimental`: may change, CHANGELOG says so. */
export type Stability = 'stable' | 'experimental';

export interface Declaration {
  readonly type: MetricType;
  readonly unit: string;
  readonly scope: MetricScope;
  /** Labels of its own, beside those of its scope. */
  readonly labels: readonly string[];
  readonly stability: Stability;
  readonly help: string;
}

export interface Metric<Label extends string = string> extends Declaration {
  /** As Prometheus sees it, prefix included. */
  readonly name: string;
  readonly labels: readonly Label[];
}

/** Counts of a histogram by upper bound, each without those before; the last is of what is above all bounds. */
export interface HistogramPoint {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One number to export. `labels` are complete: the scope's and the metric's own. */
export interface Sample {
  readonly metric: Metric;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram, how many it counts in all. */
  readonly value: number;
  /** There when the metric is a histogram. */
  readonly histogram?: HistogramPoint;
}

/** Labels by scope. A stream has `role` when it serves and `run` when it trains, never both. */
export const SCOPE_LABELS: Readonly<Record<MetricScope, readonly string[]>> = {
  stream: ['environment', 'model', 'version', 'role', 'run'],
  model: ['environment', 'model'],
  agent: [],
};

/** Label values longer than this are shortened, see `flow/exposition/label.ts`. */
export const LABEL_CHARS_MAX = 128;
