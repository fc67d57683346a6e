/** OTLP push: when the environment asks for it, what it refuses, and what really arrives at a receiver. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, type TestContext, test, vi } from 'vitest';
import type { Sample } from '../../../agent/catalog.ts';
import { expose, NO_MEMORY } from '../../../agent/flow/exposition.ts';
import { createPushReader } from '../../../agent/io/otel/push.ts';
import { pushSettings } from '../../../agent/io/otel/push-settings.ts';
import type { TelemetryOptions } from '../../../agent/io/otel/telemetry.ts';
import { waitFor } from '../../kit/wait-for.ts';
import { startTelemetry } from './telemetry.ts';
import { incident, layersOf, model, NOW_MS, partition, stream } from './view.ts';

const ENDPOINT = 'http://127.0.0.1:4318';

test.each([
  ['nothing is set', {}, null],
  ['an endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, null],
  ['the SDK is disabled', { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'True' }, null],
  ['metrics are off', { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_METRICS_EXPORTER: 'none' }, null],
  [
    'an endpoint is set',
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT },
    { intervalMs: 60_000, timeoutMs: 30_000 },
  ],
  [
    'only that of metrics is set',
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${ENDPOINT}/v1/metrics` },
    { intervalMs: 60_000, timeoutMs: 30_000 },
  ],
  [
    'the interval is shorter than the time given',
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: '5000' },
    { intervalMs: 5_000, timeoutMs: 5_000 },
  ],
  [
    'the protocol is the one we have',
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
    { intervalMs: 60_000, timeoutMs: 30_000 },
  ],
])('when %s the push is set accordingly', (_case, environment, expected) => {
  expect(pushSettings(environment)).toEqual(expected);
});

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'an http or https address'],
  ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'file:///etc/passwd', 'an http or https address'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'http/protobuf, the only protocol pushed'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '0', 'a number of milliseconds'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '60s', 'a number of milliseconds'],
  ['OTEL_METRIC_EXPORT_TIMEOUT', '1e12', 'a number of milliseconds'],
])('%s=%s is refused by name', (variable, value, expected) => {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, [variable]: value };
  expect(() => pushSettings(environment)).toThrow(`${variable} must be ${expected}`);
});

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function startReceiver(t: TestContext, status = 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    request.setEncoding('latin1');
    received.push({ url: request.url, headers: request.headers, body: await text(request) });
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.onTestFinished(() => void vi.unstubAllEnvs());
  return received;
}

const samples = (layers: number): readonly Sample[] =>
  expose(
    {
      partitions: [
        partition([model({ streams: [stream({ cells: layersOf(layers) })], incidents: [incident()] })]),
      ],
      nowMs: NOW_MS,
    },
    { layers: 'all', topLayers: 20, seriesMax: 5_000 },
    NO_MEMORY,
  ).samples;

/** What the environment of the test asks for. */
function pusher(): TelemetryOptions['push'] {
  const settings = pushSettings(process.env);
  return settings === null ? null : (producer) => createPushReader(settings, producer);
}

test('what /metrics shows arrives by OTLP under the same names, with who we are', async (t) => {
  const received = await startReceiver(t);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-tenant=blue');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=staging');
  const { flush, self } = startTelemetry(t, { samples: () => samples(2), push: pusher() });
  self.recordCommit(0.1);
  await flush();

  expect(received).toHaveLength(1);
  const [{ url, headers, body } = { url: '', headers: {}, body: '' }] = received;
  expect(url).toBe('/v1/metrics');
  expect(headers['content-type']).toBe('application/x-protobuf');
  expect(headers['x-tenant']).toBe('blue');
  for (const word of [
    'normwatch_incident_active',
    'normwatch_nonfinite_elements_total',
    'normwatch_agent_commit_seconds',
    'layer.1',
    'minilm-l6',
    'service.instance.id',
    'deployment.environment.name',
    'staging',
  ])
    expect(body).toContain(word);
  expect(body).not.toContain('_total_total');
});

test('more series than a collector may take at once come in several requests, none lost', async (t) => {
  const received = await startReceiver(t);
  const { flush } = startTelemetry(t, { samples: () => samples(800), push: pusher() });
  await flush();
  expect(received.length).toBeGreaterThan(2);
  const all = received.map(({ body }) => body).join('');
  for (let i = 0; i < 800; i++) expect(all).toContain(`layer.${i}`);
});

test('it pushes by itself, at the interval of the environment', async (t) => {
  const received = await startReceiver(t);
  vi.stubEnv('OTEL_METRIC_EXPORT_INTERVAL', '20');
  startTelemetry(t, { samples: () => samples(1), push: pusher() });
  await waitFor(() => received.length >= 3, { what: 'three pushes' });
});

test('a collector that refuses is told as trouble, in one line and without a stack', async (t) => {
  await startReceiver(t, 400);
  const { flush, troubles } = startTelemetry(t, {
    samples: () => samples(1),
    push: pusher(),
  });
  await flush();
  expect(troubles).toHaveLength(1);
  expect(troubles[0]).toMatch(/metrics export failed/);
  expect(troubles[0]).not.toMatch(/\n|node_modules/);
});
