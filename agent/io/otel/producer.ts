/**
 * Samples → what an OpenTelemetry reader collects. Not by instruments: those go on exporting label sets that are gone
 * and stop at 2,000 of them (sdk-metrics 3.1). A producer is asked at each collection and shows what is there.
 */
import { type HrTime, ValueType } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Metric, Sample } from '../../catalog.ts';

export const SCOPE_NAME = 'normwatch';

/** 0 is "unknown": what is counted in committed state began before this process did. */
const UNKNOWN_TIME: HrTime = [0, 0];

export function createSampleProducer(samples: () => readonly Sample[], nowMs: () => number): MetricProducer {
  return {
    async collect(): Promise<CollectionResult> {
      const endTime = toHrTime(nowMs());
      const byMetric = Map.groupBy(samples(), ({ metric }) => metric);
      const metrics = Array.from(byMetric, ([metric, ofMetric]) => toMetricData(metric, ofMetric, endTime));
      // The reader takes the resource of its provider.
      const resource = emptyResource();
      return {
        resourceMetrics: { resource, scopeMetrics: [{ scope: { name: SCOPE_NAME }, metrics }] },
        errors: [],
      };
    },
  };
}

function toMetricData(metric: Metric, samples: readonly Sample[], endTime: HrTime): MetricData {
  const pointOf = <Value>({ labels }: Sample, value: Value): DataPoint<Value> => ({
    startTime: UNKNOWN_TIME,
    endTime,
    attributes: labels,
    value,
  });
  const base = {
    descriptor: {
      name: metric.name,
      description: metric.help,
      unit: unitCode(metric.unit),
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (metric.type === 'histogram') {
    const dataPoints = samples.map((sample) => pointOf(sample, toHistogram(sample)));
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = samples.map((sample) => pointOf(sample, sample.value));
  return metric.type === 'gauge'
    ? { ...base, dataPointType: DataPointType.GAUGE, dataPoints }
    : { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

function toHistogram({ metric, value, histogram }: Sample): Histogram {
  if (histogram === undefined)
    throw new TypeError(`${metric.name} is a histogram, its sample has no buckets`);
  const { bounds, counts, sum } = histogram;
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count: value };
}

const UNIT_CODES: Readonly<Record<string, string>> = { seconds: 's', bytes: 'By', ratio: '1' };

/** UCUM. What it has no code for is an annotation, which receivers do not append to the name. */
export const unitCode = (unit: string): string => UNIT_CODES[unit] ?? `{${unit.replaceAll(' ', '_')}}`;

const toHrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
