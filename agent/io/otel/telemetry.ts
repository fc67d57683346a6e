/**
 * The agent's numbers out: text for Prometheus, and a push by OTLP when the environment asks for it. Both read the same
 * producer over committed state, with the instruments of the process itself beside it.
 *
 * Guarded against in exporter-prometheus 0.301: its request handler answers 200 when collecting fails, so only its
 * collection and its serializer are used; it would print UNIT lines that the text format does not know.
 */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  MeterProvider,
  type MetricProducer,
  type MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Sample } from '../../catalog.ts';
import { createSampleProducer, SCOPE_NAME } from './producer.ts';
import { createSelfMeter, type SelfCounts, type SelfMeter } from './self.ts';

const CLOSE_MS = 5_000;

export interface TelemetryOptions {
  /** What the committed views say now. Asked at each collection; throwing fails that collection. */
  readonly samples: () => readonly Sample[];
  readonly counts: () => SelfCounts;
  readonly nowMs: () => number;
  /** Makes the reader that pushes; null: no push. See `push.ts`. */
  readonly push: ((producer: MetricProducer) => MetricReader) | null;
  /** Trouble inside of OpenTelemetry, a failed push above all. */
  readonly onTrouble: (message: string) => void;
}

export interface Telemetry {
  readonly self: SelfMeter;
  /** The exposition in Prometheus' text format. Rejects when any part of it fails: half of one looks like an outage. */
  text(): Promise<string>;
  /** Pushes what is due. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export function createTelemetry({ samples, counts, nowMs, push, onTrouble }: TelemetryOptions): Telemetry {
  const producer = createSampleProducer(samples, nowMs);
  const exporter = new PrometheusExporter({ preventServerStart: true, metricProducers: [producer] });
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const pushReader = push?.(producer) ?? null;
  hearTrouble(onTrouble);

  const provider = new MeterProvider({
    resource: describeProcess(),
    readers: pushReader === null ? [exporter] : [exporter, pushReader],
  });
  const self = createSelfMeter(provider.getMeter(SCOPE_NAME), counts);

  let running: Promise<string> | null = null;
  async function expose(): Promise<string> {
    const { resourceMetrics, errors } = await exporter.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'metrics could not be collected');
    return serializer.serialize(withoutUnits(resourceMetrics));
  }

  return {
    self,
    // Whoever asks while an exposition is under way gets that one: scrapes do not pile up.
    text: () => {
      running ??= expose().finally(() => {
        running = null;
      });
      return running;
    },
    flush: async () => {
      await pushReader?.forceFlush();
    },
    close: async () => {
      self.close();
      // A collector that does not answer must not hold up the end.
      await provider.shutdown({ timeoutMillis: CLOSE_MS }).catch((error: Error) => onTrouble(error.message));
      diag.disable();
    },
  };
}

/** Two agents that push must not overwrite each other's series, so each has an instance. The environment goes before. */
const describeProcess = (): Resource =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.name': SCOPE_NAME }))
    .merge(
      detectResources({
        detectors: [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
      }),
    );

function withoutUnits({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return {
    resource,
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({
      scope,
      metrics: metrics.map((metric) => ({ ...metric, descriptor: { ...metric.descriptor, unit: '' } })),
    })),
  };
}

/** OpenTelemetry tells its own trouble through one logger of the process, and exceptions as JSON with their stack. */
function hearTrouble(onTrouble: (message: string) => void): void {
  const tell = (message: string, ...details: unknown[]): void => {
    const reasons = details.map((detail) => (detail instanceof Error ? detail.message : String(detail)));
    onTrouble([exceptionMessage(message), ...reasons].join(': '));
  };
  const silent = (): void => {};
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

function exceptionMessage(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    // Not JSON after all: the text is the message.
    return text;
  }
}
