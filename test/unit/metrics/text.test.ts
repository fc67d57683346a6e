/**
 * What Prometheus is given, to the byte, and what must never happen to it: names twice suffixed, label sets that are
 * gone and stay, a cap at 2,000 series, half of an exposition.
 */
import { expect, test } from 'vitest';
import { METRICS, metricByName, type Sample } from '../../../agent/catalog.ts';
import type { ModelView } from '../../../agent/core/view.ts';
import { expose, NO_MEMORY } from '../../../agent/flow/exposition.ts';
import { startTelemetry } from './telemetry.ts';
import { cell, incident, layersOf, model, NOW_MS, partition, score, stream } from './view.ts';

const samplesOf = (...models: ModelView[]): readonly Sample[] =>
  expose(
    { partitions: [partition(models)], nowMs: NOW_MS },
    { layers: 'all', topLayers: 20, seriesMax: 5_000 },
    NO_MEMORY,
  ).samples;

const small = model({
  events: { activations: 12 },
  streams: [
    stream({
      layers: ['encoder.0'],
      cells: [cell('encoder.0', { scores: [score({ meanShiftSigmas: -1.5, klNats: 0.25 })] })],
    }),
  ],
  incidents: [incident({ layers: ['quote " back \\ line \n end'] })],
});

test('a small view becomes this text', async (t) => {
  const { text } = startTelemetry(t, { samples: () => samplesOf(small) });
  const self = /^(# (HELP|TYPE) )?normwatch_agent_(commit|fold|errors|occurrences|records|event_loop|memory)/;
  const lines = (await text()).split('\n').filter((line) => !self.test(line));
  expect(lines.join('\n').trim()).toBe(
    `
# HELP normwatch_incident_active 1 while the incident is open, 0 while it is open and suppressed by maintenance, absent otherwise.
# TYPE normwatch_incident_active gauge
normwatch_incident_active{environment="default",model="minilm-l6",version="v1",role="stable",incident="a1b2",severity="page"} 1
# HELP normwatch_incident_info 1 for each open incident: cause, scope, first bad layer, and sources (all, the name of one, or how many).
# TYPE normwatch_incident_info gauge
normwatch_incident_info{environment="default",model="minilm-l6",version="v1",role="stable",incident="a1b2",cause="epsilon_mismatch",scope="rollout",layer="quote \\" back \\\\ line _ end",sources="all"} 1
# HELP normwatch_stream_state 1 for the current state: calibrating, guarded, drifting, silent or stopped.
# TYPE normwatch_stream_state gauge
normwatch_stream_state{environment="default",model="minilm-l6",version="v1",role="stable",state="guarded"} 1
# HELP normwatch_stream_watermark_timestamp_seconds How far the data of the stream is: median of the last event times of its live sources, Unix time.
# TYPE normwatch_stream_watermark_timestamp_seconds gauge
normwatch_stream_watermark_timestamp_seconds{environment="default",model="minilm-l6",version="v1",role="stable"} 1772409600
# HELP normwatch_calibration_progress_ratio How much of the first baseline is there: 0 to 1, 1 when the stream is guarded.
# TYPE normwatch_calibration_progress_ratio gauge
normwatch_calibration_progress_ratio{environment="default",model="minilm-l6",version="v1",role="stable"} 1
# HELP normwatch_maintenance_active 1 while a maintenance window mutes the pages of the model, otherwise 0.
# TYPE normwatch_maintenance_active gauge
normwatch_maintenance_active{environment="default",model="minilm-l6"} 0
# HELP normwatch_activation_mean Mean of the finite activations of a layer and site in the last closed tick.
# TYPE normwatch_activation_mean gauge
normwatch_activation_mean{environment="default",model="minilm-l6",version="v1",role="stable",layer="encoder.0",site="output"} 0.5
# HELP normwatch_activation_variance Population variance of the finite activations of a layer and site in the last closed tick.
# TYPE normwatch_activation_variance gauge
normwatch_activation_variance{environment="default",model="minilm-l6",version="v1",role="stable",layer="encoder.0",site="output"} 1.25
# HELP normwatch_activation_shift_sigmas Shift of the mean from the baseline in request standard deviations, with its sign.
# TYPE normwatch_activation_shift_sigmas gauge
normwatch_activation_shift_sigmas{environment="default",model="minilm-l6",version="v1",role="stable",layer="encoder.0",site="output",against="reference"} -1.5
# HELP normwatch_activation_kl_nats Gaussian Kullback-Leibler divergence of the last closed tick from the baseline.
# TYPE normwatch_activation_kl_nats gauge
normwatch_activation_kl_nats{environment="default",model="minilm-l6",version="v1",role="stable",layer="encoder.0",site="output",against="reference"} 0.25
# HELP normwatch_activation_shift_sigmas_max Largest absolute mean shift over all layers, whether they are shown one by one or not.
# TYPE normwatch_activation_shift_sigmas_max gauge
normwatch_activation_shift_sigmas_max{environment="default",model="minilm-l6",version="v1",role="stable",site="output",against="reference"} 1.5
# HELP normwatch_activation_shift_sigmas_median Median absolute mean shift over all layers.
# TYPE normwatch_activation_shift_sigmas_median gauge
normwatch_activation_shift_sigmas_median{environment="default",model="minilm-l6",version="v1",role="stable",site="output",against="reference"} 1.5
# HELP normwatch_activation_kl_nats_max Largest Gaussian Kullback-Leibler divergence over all layers.
# TYPE normwatch_activation_kl_nats_max gauge
normwatch_activation_kl_nats_max{environment="default",model="minilm-l6",version="v1",role="stable",site="output",against="reference"} 0.25
# HELP normwatch_activation_kl_nats_median Median Gaussian Kullback-Leibler divergence over all layers.
# TYPE normwatch_activation_kl_nats_median gauge
normwatch_activation_kl_nats_median{environment="default",model="minilm-l6",version="v1",role="stable",site="output",against="reference"} 0.25
# HELP normwatch_nonfinite_elements_total NaN and infinite elements counted, from 0, over all versions and layers of the model.
# TYPE normwatch_nonfinite_elements_total counter
normwatch_nonfinite_elements_total{environment="default",model="minilm-l6",kind="nan",where="forward"} 0
normwatch_nonfinite_elements_total{environment="default",model="minilm-l6",kind="nan",where="backward"} 0
normwatch_nonfinite_elements_total{environment="default",model="minilm-l6",kind="inf",where="forward"} 0
normwatch_nonfinite_elements_total{environment="default",model="minilm-l6",kind="inf",where="backward"} 0
# HELP normwatch_events_total Events taken, by kind.
# TYPE normwatch_events_total counter
normwatch_events_total{environment="default",model="minilm-l6",kind="activations"} 12
# HELP normwatch_events_duplicate_total Events that came again and were dropped.
# TYPE normwatch_events_duplicate_total counter
normwatch_events_duplicate_total{environment="default",model="minilm-l6"} 0
# HELP normwatch_events_missing_total Gaps in the sequence numbers of the sources: events that never came.
# TYPE normwatch_events_missing_total counter
normwatch_events_missing_total{environment="default",model="minilm-l6"} 0
# HELP normwatch_events_expired_total Records that the log dropped (retention) before any agent had read them.
# TYPE normwatch_events_expired_total counter
normwatch_events_expired_total{topic="events",partition="0"} 0
# HELP normwatch_detail_limited 1 while this agent shows its worst layers only, because all of them would be too many series.
# TYPE normwatch_detail_limited gauge
normwatch_detail_limited 0
# HELP normwatch_agent_series Series this agent exports from its committed state.
# TYPE normwatch_agent_series gauge
normwatch_agent_series 26
# HELP normwatch_agent_series_clashed_total Series left out of an exposition because another had the same labels.
# TYPE normwatch_agent_series_clashed_total counter
normwatch_agent_series_clashed_total 0
# HELP normwatch_agent_lag_records Records of a partition of this agent that are not committed yet.
# TYPE normwatch_agent_lag_records gauge
normwatch_agent_lag_records{topic="events",partition="0"} 0
`.trim(),
  );
});

test('a layer and an incident that are gone are gone from the next text', async (t) => {
  let models = [model({ streams: [stream({ cells: layersOf(3) })], incidents: [incident()] })];
  const { text } = startTelemetry(t, { samples: () => samplesOf(...models) });
  expect(await text()).toContain('layer="layer.2"');
  expect(await text()).toContain('incident="a1b2"');

  models = [model({ streams: [stream({ cells: layersOf(2) })] })];
  const after = await text();
  expect(after).not.toContain('layer="layer.2"');
  expect(after).not.toContain('incident');
  expect(after).toContain('layer="layer.1"');
});

test('5,000 label sets of one metric all come through, each with its own value', async (t) => {
  const { text } = startTelemetry(t, {
    samples: () => samplesOf(model({ streams: [stream({ cells: layersOf(2_500) })] })),
  });
  const lines = (await text()).split('\n');
  const shifts = lines.filter((line) => line.startsWith('normwatch_activation_shift_sigmas{'));
  expect(shifts).toHaveLength(5_000);
  expect(new Set(shifts).size).toBe(5_000);
  expect(shifts).toContainEqual(expect.stringMatching(/layer="layer.2499",site="input".* 24.99$/));
});

test('every name in the text is in the catalog, with its type and its help', async (t) => {
  const { text, self } = startTelemetry(t, {
    samples: () => samplesOf(small),
    counts: () => ({ errors: { kafka: 1 }, occurrences: { a: 1 }, records: { folded: 1 } }),
  });
  self.recordCommit(0.01);
  self.recordFold(0.01);
  for (const line of (await text()).split('\n')) {
    const [, word, name = '', rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === undefined) continue;
    const metric = Object.values(METRICS).find((one) => one.name === name);
    expect(metric, name).toBeDefined();
    expect(rest).toBe(word === 'HELP' ? metric?.help : metric?.type);
  }
  for (const [name] of (await text()).matchAll(/^normwatch_\w+/gm))
    expect(metricByName(name), name).toBeDefined();
});

test('when the samples cannot be had the text fails as a whole, and comes back with them', async (t) => {
  let isBroken = true;
  const { text } = startTelemetry(t, {
    samples: () => {
      if (isBroken) throw new Error('no view');
      return samplesOf(small);
    },
  });
  await expect(text()).rejects.toThrow('no view');
  isBroken = false;
  expect(await text()).toContain('normwatch_events_total');
});

test('when one instrument of the process fails the text fails as a whole', async (t) => {
  const { text } = startTelemetry(t, {
    counts: () => {
      throw new Error('no counts');
    },
  });
  await expect(text()).rejects.toThrow('metrics could not be collected');
});

test('those who ask while a text is under way get that one', async (t) => {
  let collections = 0;
  const { text } = startTelemetry(t, {
    samples: () => {
      collections++;
      return samplesOf(small);
    },
  });
  const texts = await Promise.all([text(), text(), text()]);
  expect(new Set(texts).size).toBe(1);
  expect(collections).toBe(1);
  await text();
  expect(collections).toBe(2);
});
