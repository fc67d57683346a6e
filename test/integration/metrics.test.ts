/**
 * What a real Prometheus makes of the exposition: it takes all of it, forgets at once what is gone, and knows a scrape
 * that failed. promtool's own rules on names hold too.
 */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { ModelView } from '../../agent/core/view.ts';
import { createExposer } from '../../agent/flow/exposition.ts';
import { createHttpServer } from '../../agent/io/http/server.ts';
import type { Owner } from '../kit/owner.ts';
import { startPrometheus } from '../kit/prometheus.ts';
import { requireProgram } from '../kit/services/programs.ts';
import { waitFor } from '../kit/wait-for.ts';
import { startTelemetry } from '../unit/metrics/telemetry.ts';
import { incident, layersOf, model, partition, stream } from '../unit/metrics/view.ts';

const training = {
  loss: 0.5,
  learningRate: 1e-4,
  gradNorm: 1,
  gradNorms: [{ group: 'a', norm: 1 }],
  validation: [{ name: 'accuracy', value: 0.9, goal: 'max' as const }],
};

const full = (layers: number): ModelView =>
  model({
    events: { activations: 12 },
    rejected: { bad_column: 1 },
    late: { after_close: 1 },
    nonfinite: [{ kind: 'nan', where: 'forward', total: 3 }],
    nonfiniteDay: [
      { version: 'v1', layer: 'layer.0', site: 'output', kind: 'nan', where: 'forward', elements: 3 },
    ],
    nonfiniteLastSeenMs: 1_000,
    streams: [
      stream({ cells: layersOf(layers) }),
      stream({ id: 'run/r1', role: null, run: 'r1', step: 7, training }),
    ],
    incidents: [incident({ effect: { value: 2, unit: 'sigmas' } })],
  });

/** The numbers out, from views to a socket, with views that the test changes. */
async function serveViews(owner: Owner, first: readonly ModelView[]) {
  const state = { models: first, isBroken: false };
  const expose = createExposer({ layers: 'all', topLayers: 20, seriesMax: 5_000, onLimited: () => {} });
  const telemetry = startTelemetry(owner, {
    samples: () => {
      if (state.isBroken) throw new Error('no views');
      return expose({ partitions: [partition(state.models)], nowMs: Date.now() });
    },
    counts: () => ({ errors: { kafka: 0 }, occurrences: { commit_refused: 0 }, records: { folded: 1 } }),
  });
  telemetry.self.recordCommit(0.01);
  telemetry.self.recordFold(0.01);
  const server = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    metrics: telemetry.text,
    ready: null,
    plugins: [],
    onError: () => {},
  });
  owner.onTestFinished(() => server.close());
  return { state, address: server.address };
}

test('Prometheus takes every series, drops what is gone with the next scrape, and sees a failure', async (t) => {
  const { state, address } = await serveViews(t, [full(3)]);
  const prometheus = await startPrometheus(t, { targets: [new URL(address).host] });
  const value = async (query: string) => (await prometheus.query(query))[0]?.value;

  const active = await waitFor(
    () => prometheus.query('normwatch_incident_active == 1').then(([one]) => one),
    {
      what: 'the incident in Prometheus',
    },
  );
  expect(active.labels).toMatchObject({
    environment: 'default',
    model: 'minilm-l6',
    version: 'v1',
    role: 'stable',
    incident: 'a1b2',
    severity: 'page',
  });
  expect(await value('normwatch_nonfinite_elements_total{kind="nan",where="forward"}')).toBe(3);
  expect(await value('count(normwatch_activation_mean)')).toBe(6);
  expect(await value('normwatch_training_loss{run="r1"}')).toBe(0.5);
  // Prometheus counts the samples of the scrape; those of the process itself are not in agent_series.
  const scraped = await value('scrape_samples_scraped');
  expect(scraped).toBeGreaterThan((await value('normwatch_agent_series')) ?? Number.NaN);

  state.models = [{ ...full(2), incidents: [] }];
  await waitFor(async () => (await value('count(normwatch_activation_mean)')) === 4, {
    what: 'a layer to go',
  });
  expect(await prometheus.query('normwatch_incident_active')).toEqual([]);
  expect(await prometheus.query('normwatch_activation_mean{layer="layer.2"}')).toEqual([]);

  state.isBroken = true;
  await waitFor(async () => (await value('up')) === 0, { what: 'Prometheus to see the failure' });
  expect(await prometheus.query('normwatch_events_total')).toEqual([]);
  state.isBroken = false;
  await waitFor(async () => (await value('up')) === 1, { what: 'Prometheus to see the recovery' });
});

test('promtool complains about nothing but the label name that the contract gives gradient norms', async (t) => {
  const { address } = await serveViews(t, [full(3)]);
  const input = await (await fetch(`${address}/metrics`)).text();
  const check = spawnSync(requireProgram('promtool'), ['check', 'metrics'], { input, encoding: 'utf8' });
  expect(check.error).toBeUndefined();
  const complaints = new Set((check.stdout + check.stderr).split('\n').filter((line) => line !== ''));
  expect([...complaints]).toEqual([
    'normwatch_gradient_norm non-summary metrics should not have "quantile" label',
  ]);
});
