/** `run` ends with a message where it cannot begin; what it does when it can is for the integration tests. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';

const NOBODY = { NORMWATCH_KAFKA_BROKERS: '127.0.0.1:9', NORMWATCH_STORE_TYPE: 'memory' };

it('on an address that is taken', async (t) => {
  const server = createServer();
  t.onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = String((server.address() as AddressInfo).port);
  const { code, err } = await runLine(['run'], { environment: { ...NOBODY, NORMWATCH_HTTP_PORT: port } });
  expect(code).toBe(2);
  expectTold('address_taken', err);
  expect(err).toContain(`127.0.0.1:${port}`);
});

it('on a variable of OpenTelemetry that cannot be meant', async () => {
  const otel = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    OTEL_METRIC_EXPORT_INTERVAL: 'often',
  };
  const { code, err } = await runLine(['run'], {
    environment: { ...NOBODY, NORMWATCH_HTTP_PORT: '0', ...otel },
  });
  expect(code).toBe(2);
  expectTold('otlp_setting', err);
  expect(err).toContain('OTEL_METRIC_EXPORT_INTERVAL');
});
