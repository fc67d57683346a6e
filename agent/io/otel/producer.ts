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
      const pointsByMetric = new Map<Metric, DataPoint<number>[]>();
      for (const { metric, labels, value } of samples()) {
        const point = { startTime: UNKNOWN_TIME, endTime, attributes: labels, value };
        const points = pointsByMetric.get(metric);
        if (points === undefined) pointsByMetric.set(metric, [point]);
        else points.push(point);
      }
      const metrics = Array.from(pointsByMetric, ([metric, points]) => toMetricData(metric, points));
      // The reader takes the resource of its provider.
      const resource = emptyResource();
      return {
        resourceMetrics: { resource, scopeMetrics: [{ scope: { name: SCOPE_NAME }, metrics }] },
        errors: [],
      };
    },
  };
}

function toMetricData(metric: Metric, dataPoints: DataPoint<number>[]): MetricData {
  const base = {
    descriptor: {
      name: metric.name,
      description: metric.help,
      unit: unitCode(metric.unit),
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints,
  };
  if (metric.type === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE };
  if (metric.type === 'counter') return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true };
  throw new TypeError(`${metric.name} is a ${metric.type}: only gauges and counters come as samples`);
}

const UNIT_CODES: Readonly<Record<string, string>> = { seconds: 's', bytes: 'By', ratio: '1' };

/** UCUM. What it has no code for is an annotation, which receivers do not append to the name. */
export const unitCode = (unit: string): string => UNIT_CODES[unit] ?? `{${unit.replaceAll(' ', '_')}}`;

const toHrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
