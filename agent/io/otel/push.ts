/**
 * OTLP push over HTTP with protobuf. A file of its own because the exporter is large and loaded only where it is used.
 * Guarded against: the periodic reader ignores the interval of the environment, so it is told.
 */
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { type MetricProducer, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { PushSettings } from './push-settings.ts';

/** Series in one request: several small ones instead of one that a collector refuses. */
const BATCH_SERIES = 2_000;

export const createPushReader = (settings: PushSettings, producer: MetricProducer) =>
  new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: settings.intervalMs,
    exportTimeoutMillis: settings.timeoutMs,
    maxExportBatchSize: BATCH_SERIES,
    metricProducers: [producer],
  });
