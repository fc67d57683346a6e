/** Views → samples: what is shown, under which labels, and what is left out. Checked by a reading of the samples as text. */
import { expect, test } from 'vitest';
import { METRICS, type Metric, type Sample } from '../../../agent/catalog.ts';
import type { StreamView } from '../../../agent/core/view.ts';
import {
  createExposer,
  type ExposedPartition,
  type ExpositionOptions,
  expose,
  NO_MEMORY,
} from '../../../agent/flow/exposition.ts';
import { cell, incident, layersOf, model, NOW_MS, partition, score, stream } from './view.ts';

const ALL: ExpositionOptions = { layers: 'all', topLayers: 3, seriesMax: 1_000 };

const samplesOf = (partitions: readonly ExposedPartition[], options = ALL): readonly Sample[] =>
  expose({ partitions, nowMs: NOW_MS }, options, NO_MEMORY).samples;

const show = ({ labels, value }: Sample): string =>
  `${Object.entries(labels)
    .map(([name, text]) => `${name}=${text}`)
    .join(' ')} ${value}`;

const of = (metric: Metric, samples: readonly Sample[]): string[] =>
  samples.filter((sample) => sample.metric === metric).map(show);

const MODEL = 'environment=default model=minilm-l6';
const STREAM = `${MODEL} version=v1 role=stable`;

test('a quiet model shows its counters from 0 and no incident', () => {
  const samples = samplesOf([partition([model()])]);
  expect(of(METRICS.events_missing_total, samples)).toEqual([`${MODEL} 0`]);
  expect(of(METRICS.events_duplicate_total, samples)).toEqual([`${MODEL} 0`]);
  expect(of(METRICS.nonfinite_elements_total, samples)).toEqual([
    `${MODEL} kind=nan where=forward 0`,
    `${MODEL} kind=nan where=backward 0`,
    `${MODEL} kind=inf where=forward 0`,
    `${MODEL} kind=inf where=backward 0`,
  ]);
  expect(of(METRICS.maintenance_active, samples)).toEqual([`${MODEL} 0`]);
  expect(of(METRICS.incident_active, samples)).toEqual([]);
  expect(of(METRICS.nonfinite_last_seen_timestamp_seconds, samples)).toEqual([]);
});

test('counters are those of the committed state, by kind and reason', () => {
  const counted = model({
    events: { activations: 12, outputs: 3 },
    rejected: { bad_column: 2 },
    late: { after_close: 4 },
    duplicates: 5,
    missing: 6,
    nonfinite: [{ kind: 'inf', where: 'backward', total: 7 }],
    nonfiniteLastSeenMs: 1_500,
  });
  const view = { models: [counted], rejected: { not_json: 8 } };
  const samples = samplesOf([{ ...partition([]), view, lagRecords: 9, lostRecords: 11 }]);
  expect(of(METRICS.events_total, samples)).toEqual([
    `${MODEL} kind=activations 12`,
    `${MODEL} kind=outputs 3`,
  ]);
  expect(of(METRICS.events_rejected_total, samples)).toEqual([
    `${MODEL} reason=bad_column 2`,
    'reason=not_json topic=events partition=0 8',
  ]);
  expect(of(METRICS.events_late_total, samples)).toEqual([`${MODEL} reason=after_close 4`]);
  expect(of(METRICS.events_duplicate_total, samples)).toEqual([`${MODEL} 5`]);
  expect(of(METRICS.events_missing_total, samples)).toEqual([`${MODEL} 6`]);
  expect(of(METRICS.nonfinite_elements_total, samples)).toContain(`${MODEL} kind=inf where=backward 7`);
  expect(of(METRICS.nonfinite_last_seen_timestamp_seconds, samples)).toEqual([`${MODEL} 1.5`]);
  expect(of(METRICS.agent_lag_records, samples)).toEqual(['topic=events partition=0 9']);
  expect(of(METRICS.events_expired_total, samples)).toEqual(['topic=events partition=0 11']);
});

test('a stream that is over tells its state and no numbers of its last tick', () => {
  const over = samplesOf([partition([model({ streams: [stream({ state: 'stopped' })] })])]);
  expect(of(METRICS.stream_state, over)).toHaveLength(1);
  for (const metric of [METRICS.activation_mean, METRICS.activation_shift_sigmas_max, METRICS.output_kl_nats])
    expect(of(metric, over)).toEqual([]);
});

test('refusals that name no model do not clash between two partitions of one agent', () => {
  const rejected = { not_json: 1 };
  const two = [0, 1].map((index) => ({ ...partition([], index), view: { models: [], rejected } }));
  const samples = samplesOf(two);
  expect(of(METRICS.events_rejected_total, samples)).toEqual([
    'reason=not_json topic=events partition=0 1',
    'reason=not_json topic=events partition=1 1',
  ]);
});

test.each([
  ['open', incident(), 'incident=a1b2 severity=page 1'],
  ['open and suppressed', incident({ suppressed: 'maintenance' }), 'incident=a1b2 severity=page 0'],
  ['a ticket', incident({ severity: 'ticket' }), 'incident=a1b2 severity=ticket 1'],
  ['resolved', incident({ status: 'resolved' }), null],
  ['accepted', incident({ status: 'accepted' }), null],
])('an incident that is %s is active accordingly', (_state, one, expected) => {
  const samples = samplesOf([partition([model({ incidents: [one] })])]);
  expect(of(METRICS.incident_active, samples)).toEqual(expected === null ? [] : [`${STREAM} ${expected}`]);
  expect(of(METRICS.incident_info, samples)).toHaveLength(expected === null ? 0 : 1);
});

test.each([
  [[], 'all'],
  [['pod-3'], 'pod-3'],
  [['pod-3', 'pod-4'], '2'],
])('the sources %j of an incident are told as %s', (sources, expected) => {
  const one = incident({ sources, effect: { value: 2.5, unit: 'sigmas' } });
  const samples = samplesOf([partition([model({ incidents: [one] })])]);
  expect(of(METRICS.incident_info, samples)).toEqual([
    `${STREAM} incident=a1b2 cause=epsilon_mismatch scope=rollout layer=ln2 sources=${expected} 1`,
  ]);
  expect(of(METRICS.incident_effect, samples)).toEqual([`${STREAM} incident=a1b2 unit=sigmas 2.5`]);
});

test('what is null is absent, and what is there keeps its sign', () => {
  const cells = [
    cell('a', { mean: null, scores: [score({ meanShiftSigmas: -4, klNats: null })] }),
    cell('b', { variance: null, scores: [score({ meanShiftSigmas: null, klNats: 0.2 })] }),
  ];
  const samples = samplesOf([partition([model({ streams: [stream({ cells })] })])]);
  const at = (layer: string) => `${STREAM} layer=${layer} site=output`;
  expect(of(METRICS.activation_mean, samples)).toEqual([`${at('b')} 0.5`]);
  expect(of(METRICS.activation_variance, samples)).toEqual([`${at('a')} 1.25`]);
  expect(of(METRICS.activation_shift_sigmas, samples)).toEqual([`${at('a')} against=reference -4`]);
  expect(of(METRICS.activation_kl_nats, samples)).toEqual([`${at('b')} against=reference 0.2`]);
  expect(of(METRICS.activation_shift_sigmas_max, samples)).toEqual([
    `${STREAM} site=output against=reference 4`,
  ]);
});

test('a run is told by its run and not by a role, with its training numbers', () => {
  const gradNorms = [1, 2, 3, 4, null].map((norm, i) => ({ group: `g${i}`, norm }));
  const training = {
    loss: 0.7,
    learningRate: 0.001,
    gradNorm: null,
    gradNorms,
    validation: [{ name: 'accuracy', value: 0.9, goal: 'max' as const }],
  };
  const run = stream({ id: 'run/r1', role: null, run: 'r1', step: 40, training });
  const samples = samplesOf([partition([model({ streams: [run] })])]);
  const RUN = `${MODEL} version=v1 run=r1`;
  expect(of(METRICS.training_loss, samples)).toEqual([`${RUN} 0.7`]);
  expect(of(METRICS.training_step, samples)).toEqual([`${RUN} 40`]);
  expect(of(METRICS.training_gradient_norm, samples)).toEqual([]);
  expect(of(METRICS.gradient_norm, samples)).toEqual([
    `${RUN} quantile=0 1`,
    `${RUN} quantile=0.25 1.75`,
    `${RUN} quantile=0.5 2.5`,
    `${RUN} quantile=0.75 3.25`,
    `${RUN} quantile=1 4`,
  ]);
  expect(of(METRICS.validation_metric, samples)).toEqual([`${RUN} name=accuracy goal=max 0.9`]);
});

test('a stream tells its current state only, its sources by status, its outputs', () => {
  const source = (name: string, status: 'live' | 'silent') => ({ source: name, status, lastMs: NOW_MS });
  const one = stream({
    state: 'silent',
    sources: [source('pod-1', 'live'), source('pod-2', 'silent'), source('pod-3', 'live')],
    outputs: [
      {
        output: 'embedding',
        requests: 4,
        nonFiniteRequests: 0,
        scores: [{ against: 'rolling', klNats: 0.3, jsNats: null }],
      },
    ],
  });
  const samples = samplesOf([partition([model({ streams: [one] })])]);
  expect(of(METRICS.stream_state, samples)).toEqual([`${STREAM} state=silent 1`]);
  expect(of(METRICS.stream_sources, samples)).toEqual([
    `${STREAM} status=live 2`,
    `${STREAM} status=silent 1`,
  ]);
  expect(of(METRICS.output_kl_nats, samples)).toEqual([`${STREAM} output=embedding against=rolling 0.3`]);
});

test.each([
  [NOW_MS + 1, 1],
  [NOW_MS, 0],
  [null, 0],
])('maintenance until %s is active: %i', (maintenanceUntilMs, expected) => {
  const samples = samplesOf([partition([model({ maintenanceUntilMs })])]);
  expect(of(METRICS.maintenance_active, samples)).toEqual([`${MODEL} ${expected}`]);
});

test('what the intake counted is shown where this process plays one, and only there', () => {
  const intake = {
    accepted: 10,
    refused: { not_json: 2 },
    produced: 6,
    dropped: { activations: 1 },
    bufferedEvents: 3,
    bufferedBytes: 999,
    failures: 4,
    trouble: null,
  };
  const isIntake = ({ metric }: Sample) => metric.name.startsWith('normwatch_intake_');
  const { samples } = expose({ partitions: [], intake, nowMs: NOW_MS }, ALL, NO_MEMORY);
  const shown = samples.filter(isIntake).map((one) => `${one.metric.name.slice(17)} ${show(one).trim()}`);
  expect(shown).toEqual([
    'accepted_total 10',
    'refused_total reason=not_json 2',
    'produced_total 6',
    'dropped_total kind=activations 1',
    'failures_total 4',
    'buffered_events 3',
    'buffered_bytes 999',
  ]);
  expect(samplesOf([]).filter(isIntake)).toEqual([]);
});

test('of two series with equal labels the last is shown and the other counted', () => {
  const exposer = createExposer({ ...ALL, onLimited: () => {} });
  const clash = () => exposer({ partitions: [partition([model(), model({ missing: 3 })])], nowMs: NOW_MS });
  const samples = clash();
  expect(of(METRICS.events_missing_total, samples)).toEqual([`${MODEL} 3`]);
  const lost = Number(of(METRICS.agent_series_clashed_total, samples)[0]?.trim());
  expect(lost).toBeGreaterThan(0);
  expect(of(METRICS.agent_series_clashed_total, clash())).toEqual([` ${2 * lost}`]);
});

test('agent_series counts every sample, itself included', () => {
  const samples = samplesOf([partition([model({ streams: [stream({ cells: layersOf(5) })] })])]);
  expect(of(METRICS.agent_series, samples)).toEqual([` ${samples.length}`]);
});

test('samples of a metric stand together, in the order of the catalog', () => {
  const streams = ['v1', 'v2'].map((version) => stream({ version, cells: layersOf(2) }));
  const names = samplesOf([partition([model({ streams, incidents: [incident()] })])]).map(
    (s) => s.metric.name,
  );
  const runs = names.filter((name, i) => name !== names[i - 1]);
  expect(runs).toEqual([...new Set(names)]);
  const order = Object.values(METRICS).map(({ name }) => name as string);
  expect(runs.map((name) => order.indexOf(name))).toEqual(
    runs.map((name) => order.indexOf(name)).toSorted((a, b) => a - b),
  );
});

test('evidence is shown against its thresholds; of a stream that calibrates the thresholds, of one that stopped none', () => {
  const evidence = [
    { detector: 'peers', nats: 3.5, ticketNats: 12.9, pageNats: 14.4, layer: null, site: null },
    { detector: 'activation_mean', nats: 0, ticketNats: 12.6, pageNats: 14.1, layer: 'ln1', site: null },
  ];
  const shown = (state: StreamView['state']) => {
    const samples = samplesOf([partition([model({ streams: [stream({ state, evidence })] })])]);
    return {
      now: of(METRICS.detector_evidence_nats, samples),
      thresholds: of(METRICS.detector_threshold_nats, samples),
    };
  };
  expect(shown('guarded')).toEqual({
    now: [`${STREAM} detector=peers 3.5`, `${STREAM} detector=activation_mean 0`],
    thresholds: [
      `${STREAM} detector=peers severity=ticket 12.9`,
      `${STREAM} detector=peers severity=page 14.4`,
      `${STREAM} detector=activation_mean severity=ticket 12.6`,
      `${STREAM} detector=activation_mean severity=page 14.1`,
    ],
  });
  expect(shown('calibrating')).toEqual({ ...shown('guarded'), now: [] });
  expect(shown('stopped')).toEqual({ now: [], thresholds: [] });
});
