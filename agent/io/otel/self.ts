/**
 * What the process measures of itself, by instruments of the OpenTelemetry API: their label sets are few and fixed, so
 * the faults of instruments that `producer.ts` goes around do not matter here.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import { METRICS, type Metric } from '../../catalog.ts';
import { unitCode } from './producer.ts';

/** Counts since the process began; they only rise. */
export interface SelfCounts {
  /** Failed calls and lost connections by the system on the other side. Name each from the start, at 0. */
  readonly errors: Readonly<Record<string, number>>;
  readonly occurrences: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
}

export interface SelfMeter {
  recordCommit(seconds: number): void;
  recordFold(seconds: number): void;
  close(): void;
}

const DURATION_BOUNDS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export function createSelfMeter(meter: Meter, counts: () => SelfCounts): SelfMeter {
  const commit = meter.createHistogram(METRICS.agent_commit_seconds.name, {
    ...describe(METRICS.agent_commit_seconds),
    advice: { explicitBucketBoundaries: DURATION_BOUNDS_SECONDS },
  });
  const fold = meter.createHistogram(METRICS.agent_fold_seconds.name, {
    ...describe(METRICS.agent_fold_seconds),
    advice: { explicitBucketBoundaries: DURATION_BOUNDS_SECONDS },
  });
  observeCounts(meter, METRICS.agent_errors_total, 'system', () => counts().errors);
  observeCounts(meter, METRICS.agent_occurrences_total, 'occurrence', () => counts().occurrences);
  observeCounts(meter, METRICS.agent_records_total, 'outcome', () => counts().records);
  observeMemory(meter);
  const loop = observeEventLoop(meter);
  return {
    recordCommit: (seconds) => commit.record(seconds),
    recordFold: (seconds) => fold.record(seconds),
    close: () => loop.disable(),
  };
}

const describe = (metric: Metric): { description: string; unit: string } => ({
  description: metric.help,
  unit: unitCode(metric.unit),
});

function observeCounts<Label extends string>(
  meter: Meter,
  metric: Metric<Label>,
  label: Label,
  read: () => Readonly<Record<string, number>>,
): void {
  meter.createObservableCounter(metric.name, describe(metric)).addCallback((result) => {
    for (const [name, count] of Object.entries(read())) result.observe(count, { [label]: name });
  });
}

function observeMemory(meter: Meter): void {
  const metric = METRICS.agent_memory_bytes;
  meter.createObservableGauge(metric.name, describe(metric)).addCallback((result) => {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    observeAll(result, 'kind', {
      rss,
      heap_used: heapUsed,
      heap_total: heapTotal,
      external,
      array_buffers: arrayBuffers,
    });
  });
}

const RESOLUTION_MS = 10;
const WINDOW_MS = 60_000;

/**
 * The histogram is emptied once a minute at a collection, not at each: several readers ask, and each shall see the
 * worst moment of the last minute.
 */
function observeEventLoop(meter: Meter): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let before = { '99': 0, '100': 0 };
  let windowStartMs = performance.now();
  const metric = METRICS.agent_event_loop_delay_seconds;
  meter.createObservableGauge(metric.name, describe(metric)).addCallback((result) => {
    const now = {
      '50': delaySeconds(histogram.percentile(50)),
      '99': delaySeconds(histogram.percentile(99)),
      '100': delaySeconds(histogram.max),
    };
    const isYoung = performance.now() - windowStartMs < WINDOW_MS;
    observeAll(result, 'percentile', {
      '50': now['50'],
      '99': Math.max(now['99'], before['99']),
      '100': Math.max(now['100'], before['100']),
    });
    if (isYoung) return;
    before = now;
    windowStartMs = performance.now();
    histogram.reset();
  });
  return histogram;
}

/** Node counts from one beat of its timer to the next: what is above the beat is delay. */
const delaySeconds = (nanoseconds: number): number =>
  Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000) : 0;

function observeAll(
  result: ObservableResult,
  label: keyof Attributes,
  values: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(values)) result.observe(value, { [label]: name });
}
