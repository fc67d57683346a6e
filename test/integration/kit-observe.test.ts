/** The kit's outside eyes: a real Prometheus scrapes and a real Chromium reads. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { openPage } from '../kit/page.ts';
import { startPrometheus } from '../kit/prometheus.ts';
import { waitFor } from '../kit/wait-for.ts';

test('Prometheus scrapes a target and Chromium reads its page', async (t) => {
  const port = await serve(t, { '/metrics': 'answer 42\n', '/': '<!doctype html><title>Hello</title>' });
  const prometheus = await startPrometheus(t, { targets: [`127.0.0.1:${port}`] });
  const { page, requests, errors } = await openPage(t, `http://127.0.0.1:${port}/`);
  expect(await page.title()).toBe('Hello');
  expect(requests).toContain(`http://127.0.0.1:${port}/`);
  expect(errors.filter((error) => !error.includes('404'))).toEqual([]);
  const [sample] = await waitFor(
    async () => {
      const samples = await prometheus.query('answer');
      return samples.length > 0 && samples;
    },
    { what: 'a scrape' },
  );
  expect(sample?.value).toBe(42);
  expect(sample?.labels.instance).toBe(`127.0.0.1:${port}`);
});

async function serve(t: TestContext, pages: Readonly<Record<string, string>>): Promise<number> {
  const server = createServer((request, response) => {
    const text = pages[request.url ?? ''];
    response.setHeader('content-type', request.url === '/' ? 'text/html' : 'text/plain');
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
