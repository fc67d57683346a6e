/** Requests and op times in the exposition: histograms as Prometheus and OTLP want them, layers only where they are shown. */
import { expect, test } from 'vitest';
import { METRICS, type Metric, type Sample } from '../../../agent/catalog.ts';
import type { LatencyView } from '../../../agent/core/view-latency.ts';
import { type ExpositionOptions, expose, NO_MEMORY } from '../../../agent/flow/exposition.ts';
import { createSampleProducer } from '../../../agent/io/otel/producer.ts';
import { startTelemetry } from './telemetry.ts';
import { model, NOW_MS, partition, stream } from './view.ts';

const durations = (...counts: number[]) => ({ boundsSeconds: [0.25, 0.5], counts, seconds: 3.5 });
const LATENCY: LatencyView = {
  requests: 120,
  errors: 3,
  durations: durations(90, 25.4, 4.6),
  nonFinite: [{ output: 'logits', requests: 0 }],
  ops: [
    { layer: 'a', durations: durations(1, 0, 0) },
    { layer: 'b', durations: durations(0, 2, 0) },
  ],
};
const busy = (over: Partial<LatencyView> = {}) =>
  stream({ layers: ['a', 'b'], latency: { ...LATENCY, ...over } });

const exposed = (options: Partial<ExpositionOptions> = {}, one = busy()) =>
  expose(
    { partitions: [partition([model({ streams: [one] })])], nowMs: NOW_MS },
    { layers: 'all', topLayers: 1, seriesMax: 1_000, ...options },
    NO_MEMORY,
  );
const of = (metric: Metric, samples: readonly Sample[]): Sample[] =>
  samples.filter((sample) => sample.metric === metric);

test('counts are those of the stream', () => {
  const { samples } = exposed();
  expect(of(METRICS.requests_total, samples).map(({ value }) => value)).toEqual([120]);
  expect(of(METRICS.request_errors_total, samples).map(({ value }) => value)).toEqual([3]);
  const [nonFinite] = of(METRICS.requests_nonfinite_total, samples);
  expect(nonFinite).toMatchObject({ value: 0, labels: { output: 'logits', version: 'v1', role: 'stable' } });
});

test('what was never told has no series, nor has a stream that is over', () => {
  const { samples } = exposed({}, busy({ errors: null, durations: null, ops: [], nonFinite: [] }));
  expect(of(METRICS.request_errors_total, samples)).toEqual([]);
  expect(of(METRICS.request_duration_seconds, samples)).toEqual([]);
  expect(of(METRICS.norm_op_duration_seconds, samples)).toEqual([]);
  const over = exposed({}, { ...busy(), state: 'stopped' }).samples;
  expect(of(METRICS.requests_total, over)).toEqual([]);
  expect(of(METRICS.norm_op_duration_seconds, over)).toEqual([]);
});

test('Prometheus reads cumulative buckets of whole numbers', async (t) => {
  const { text } = startTelemetry(t, { samples: () => exposed().samples });
  const lines = (await text()).split('\n').filter((line) => line.includes('request_duration_seconds'));
  const labels = 'environment="default",model="minilm-l6",version="v1",role="stable"';
  expect(lines).toEqual([
    expect.stringMatching(/^# HELP normwatch_request_duration_seconds /),
    '# TYPE normwatch_request_duration_seconds histogram',
    `normwatch_request_duration_seconds_count{${labels}} 120`,
    `normwatch_request_duration_seconds_sum{${labels}} 3.5`,
    `normwatch_request_duration_seconds_bucket{${labels},le="0.25"} 90`,
    `normwatch_request_duration_seconds_bucket{${labels},le="0.5"} 115`,
    `normwatch_request_duration_seconds_bucket{${labels},le="+Inf"} 120`,
  ]);
});

test('layers are shown as far as single layers are', () => {
  const layersIn = (options: Partial<ExpositionOptions>): (string | undefined)[] =>
    of(METRICS.norm_op_duration_seconds, exposed(options).samples).map(({ labels }) => labels.layer);
  expect(layersIn({ layers: 'all' })).toEqual(['a', 'b']);
  expect(layersIn({ layers: 'top' })).toEqual(['a']);
  expect(layersIn({ layers: 'none' })).toEqual([]);
  // 2 layers of 19 series: more than there is room for.
  expect(layersIn({ layers: 'auto', seriesMax: 40 })).toEqual(['a']);
});

test('a histogram counts as all of its series', () => {
  const series = (over: Partial<LatencyView>): number => {
    const { samples } = exposed({}, busy({ ops: [], ...over }));
    return of(METRICS.agent_series, samples)[0]!.value;
  };
  expect(series({}) - series({ durations: null })).toBe(5);
});

test('a histogram without buckets is a mistake that is told', async () => {
  const sample = { metric: METRICS.request_duration_seconds, labels: {}, value: 1 };
  await expect(
    createSampleProducer(
      () => [sample],
      () => 0,
    ).collect(),
  ).rejects.toThrow(/no buckets/);
});
