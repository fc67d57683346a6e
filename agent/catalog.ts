/**
 * Every metric the agent exports, as data: code, rules, dashboards and the reference page name metrics from here only,
 * so a misspelt name does not compile. To add a metric: one entry in the file of its subject under `catalog/`, and one
 * line where its value is known (`flow/exposition/` for what comes from committed state, `io/otel/self.ts` for what the
 * process measures of itself).
 */
import { ACTIVATION_METRICS } from './catalog/activation.ts';
import { AGENT_METRICS } from './catalog/agent.ts';
import { EVENT_METRICS } from './catalog/event.ts';
import { INCIDENT_METRICS } from './catalog/incident.ts';
import { INTAKE_METRICS } from './catalog/intake.ts';
import { LATENCY_METRICS } from './catalog/latency.ts';
import { type Declaration, type Metric, SCOPE_LABELS } from './catalog/metric.ts';
import { NONFINITE_METRICS } from './catalog/nonfinite.ts';
import { renderReference } from './catalog/reference.ts';
import { STREAM_METRICS } from './catalog/stream.ts';
import { TRAINING_METRICS } from './catalog/training.ts';

export type { HistogramPoint, Metric, MetricScope, MetricType, Sample, Stability } from './catalog/metric.ts';
export { LABEL_CHARS_MAX, SCOPE_LABELS } from './catalog/metric.ts';

const METRIC_PREFIX = 'normwatch_';

type Catalog<T extends Record<string, Declaration>> = {
  readonly [Name in keyof T & string]: Metric<T[Name]['labels'][number]> & {
    readonly name: `normwatch_${Name}`;
  };
};

function named<const T extends Record<string, Declaration>>(declared: T): Catalog<T> {
  const entries = Object.entries(declared).map(([name, entry]) => [
    name,
    { name: METRIC_PREFIX + name, ...entry },
  ]);
  return Object.fromEntries(entries) as Catalog<T>;
}

/** In the order of the exposition and of the reference page. */
export const METRICS = named({
  ...INCIDENT_METRICS,
  ...STREAM_METRICS,
  ...ACTIVATION_METRICS,
  ...NONFINITE_METRICS,
  ...LATENCY_METRICS,
  ...TRAINING_METRICS,
  ...EVENT_METRICS,
  ...INTAKE_METRICS,
  ...AGENT_METRICS,
});

export const ALL_METRICS: readonly Metric[] = Object.values(METRICS);

const BY_NAME: ReadonlyMap<string, Metric> = new Map(ALL_METRICS.map((metric) => [metric.name, metric]));

/** All label names a series of this metric can carry. */
export const labelNames = (metric: Metric): readonly string[] => [
  ...SCOPE_LABELS[metric.scope],
  ...metric.labels,
];

/**
 * The entry behind a name in PromQL, also behind `…_bucket`, `…_sum` and `…_count` of a histogram; undefined for a name
 * the agent does not export. What checks rules and panels goes through here.
 */
export function metricByName(name: string): Metric | undefined {
  const exact = BY_NAME.get(name);
  if (exact !== undefined) return exact.type === 'histogram' ? undefined : exact;
  const base = BY_NAME.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  return base?.type === 'histogram' ? base : undefined;
}

/** `docs/reference/metrics.md`. */
export const metricsReference = (): string => renderReference(ALL_METRICS);
