import { ALL_METRICS, type HistogramPoint, type Metric, type Sample } from '../../catalog.ts';
import { cleanLabel } from './label.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Collector {
  /** No sample for null or a value that is not finite: absent means not measured. */
  add<Label extends string>(
    metric: Metric<Label>,
    identity: Labels,
    own: Readonly<Record<Label, string>>,
    value: number | null,
  ): void;
  addHistogram<Label extends string>(
    metric: Metric<Label>,
    identity: Labels,
    own: Readonly<Record<Label, string>>,
    histogram: HistogramPoint,
  ): void;
  /** Series collected so far: of a histogram one per bucket, its sum and its count. */
  count(): number;
  /** Samples by metric, in the catalog's order. */
  samples(): Sample[];
  /** How many were left out because a later one had the same labels: Prometheus would refuse the whole scrape. */
  clashed(): number;
}

export function createCollector(): Collector {
  const byMetric = new Map<Metric, Map<string, Sample>>();
  let count = 0;
  let clashed = 0;

  function put(sample: Omit<Sample, 'labels'>, identity: Labels, own: Labels, seriesCount: number): void {
    const labels: Record<string, string> = {};
    let key = '';
    for (const part of [identity, own] as const) {
      for (const name in part) {
        const clean = cleanLabel(part[name] as string);
        // To Prometheus an empty label and none are the same.
        if (clean === '') continue;
        labels[name] = clean;
        key += `${name}\u0000${clean}\u0000`;
      }
    }
    const series = byMetric.get(sample.metric) ?? new Map<string, Sample>();
    byMetric.set(sample.metric, series);
    if (series.has(key)) clashed++;
    else count += seriesCount;
    series.set(key, { ...sample, labels });
  }

  return {
    add(metric, identity, own, value) {
      if (value !== null && Number.isFinite(value)) put({ metric, value }, identity, own, 1);
    },
    addHistogram(metric, identity, own, histogram) {
      const value = histogram.counts.reduce((sum, one) => sum + one, 0);
      if (!Number.isFinite(value) || !Number.isFinite(histogram.sum)) return;
      put({ metric, value, histogram }, identity, own, histogram.counts.length + 2);
    },
    count: () => count,
    samples: () => ALL_METRICS.flatMap((metric) => [...(byMetric.get(metric)?.values() ?? [])]),
    clashed: () => clashed,
  };
}
