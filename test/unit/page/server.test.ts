/** The page's server on a real port: what it answers, that nothing inline or foreign gets in, and the live events. */
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, type TestContext, test } from 'vitest';
import type { Overview } from '../../../agent/page/browser/messages.ts';
import { type PageOptions, pagePlugin } from '../../../agent/page/server.ts';
import { createFixture, type Fixture } from '../../browser/fixture.ts';
import { SENTENCE } from '../../browser/incidents.ts';
import { HOSTILE_LAYER, ORIGIN } from '../../browser/streams.ts';
import { waitFor } from '../../kit/wait-for.ts';

interface Served {
  readonly app: FastifyInstance;
  readonly fixture: Fixture;
  readonly url: string;
}

async function serve(t: TestContext, options: Partial<PageOptions> = {}, hostile = false): Promise<Served> {
  const fixture = createFixture({ hostile });
  const app = fastify();
  await app.register(pagePlugin, { data: fixture, clock: fixture.clock, ...options });
  t.onTestFinished(async () => app.close());
  return { app, fixture, url: await app.listen({ host: '127.0.0.1', port: 0 }) };
}

/** Overviews as they arrive at a reader of live events. */
async function listen(t: TestContext, url: string): Promise<{ overviews: Overview[]; ended: Promise<void> }> {
  const stop = new AbortController();
  t.onTestFinished(() => stop.abort());
  const response = await fetch(`${url}/api/live`, { signal: stop.signal });
  if (!response.body) throw new Error('no body');
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const overviews: Overview[] = [];
  const read = async (body: ReadableStream<Uint8Array>) => {
    let text = '';
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = event.split('\n').find((line) => line.startsWith('data: '));
        if (data !== undefined) overviews.push(JSON.parse(data.slice(6)) as Overview);
      }
    }
  };
  const ended = read(response.body).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return { overviews, ended };
}

describe('answers', () => {
  test('the page carries verdict, incident and streams before any script runs', async (t) => {
    const { url } = await serve(t);
    const html = await (await fetch(`${url}/`)).text();
    for (const text of [
      '1 page, 0 tickets open',
      SENTENCE,
      'epsilon mismatch',
      'calibrating',
      'pod-5 silent since',
    ]) {
      expect(html).toContain(text);
    }
  });

  test('every answer forbids foreign and inline content, and the page has none', async (t) => {
    const { url } = await serve(t, {}, true);
    for (const path of ['/', '/assets/main.ts', '/api/overview', '/api/streams/0/history']) {
      const { headers } = await fetch(url + path);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:/,
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
    const html = await (await fetch(`${url}/`)).text();
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+="/);
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1])).not.toContainEqual(
      expect.stringMatching(/^(?:[a-z]+:|\/\/)/),
    );
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img');
  });

  test('all modules of the page are served as scripts, without types', async (t) => {
    const { url } = await serve(t);
    const asked = new Set<string>(['main.ts']);
    for (const name of asked) {
      const response = await fetch(`${url}/assets/${name}`);
      expect([name, response.status, response.headers.get('content-type')]).toEqual([
        name,
        200,
        'text/javascript; charset=utf-8',
      ]);
      const text = await response.text();
      expect(text).not.toContain('interface ');
      for (const [, imported] of text.matchAll(/from '\.\/([\w.-]+)'/g)) asked.add(imported ?? '');
    }
    expect(asked).toContain('uplot.js');
  });

  test('history and layer of a stream, by the id that the overview gave', async (t) => {
    const { url } = await serve(t);
    const overview = (await (await fetch(`${url}/api/overview`)).json()) as Overview;
    const base = `${url}/api/streams/${overview.incidents[0]?.stream}`;
    const history = await (await fetch(`${base}/history`)).json();
    expect(history).toMatchObject({ unit: 'time', stream: { version: 'v2' } });
    const layer = await (await fetch(`${base}/layer?name=${encodeURIComponent(ORIGIN)}`)).json();
    expect(layer).toMatchObject({
      layer: ORIGIN,
      against: 'reference',
      cells: [{ site: 'input' }, { site: 'output' }],
    });
  });

  test('a layer is found under any name that telemetry can give it', async (t) => {
    const { url, fixture } = await serve(t, {}, true);
    const overview = (await (await fetch(`${url}/api/overview`)).json()) as Overview;
    const base = `${url}/api/streams/${overview.incidents[0]?.stream}`;
    const layer = await fetch(`${base}/layer?name=${encodeURIComponent(HOSTILE_LAYER)}`);
    expect(await layer.json()).toMatchObject({ layer: HOSTILE_LAYER });
    expect(fixture.views()[0]?.models[0]?.streams[0]?.layers).toContain(HOSTILE_LAYER);
  });

  test.each([
    ['/assets/no.ts', 404],
    ['/assets/..%2fserver.ts', 404],
    ['/assets/uplot.d.ts', 404],
    ['/assets/tsconfig.json', 404],
    ['/api/streams/0000/history', 404],
    ['/api/streams/0000/layer?name=a', 404],
  ])('%s is refused with a sentence', async (path, status) => {
    const fixture = createFixture();
    const app = fastify();
    await app.register(pagePlugin, { data: fixture, clock: fixture.clock });
    const answer = await app.inject(path);
    expect([answer.statusCode, answer.body.endsWith('.')]).toEqual([status, true]);
    await app.close();
  });

  test('a layer must be named once', async (t) => {
    const { app, url } = await serve(t);
    const overview = (await (await fetch(`${url}/api/overview`)).json()) as Overview;
    const base = `/api/streams/${overview.streams[0]?.id}/layer`;
    for (const query of ['', '?name=a&name=b', `?name=${'a'.repeat(2_000)}`]) {
      expect((await app.inject(base + query)).statusCode).toBe(400);
    }
    expect((await app.inject(`${base}?name=none`)).statusCode).toBe(404);
  });
});

describe('live events', () => {
  test('a reader gets the present state at once and every change after it', async (t) => {
    const { url, fixture } = await serve(t);
    const { overviews } = await listen(t, url);
    await waitFor(() => overviews.length === 1, { what: 'the first overview' });
    fixture.resolve();
    await waitFor(() => overviews.at(-1)?.incidents.length === 0, { what: 'the incident to end' });
    expect(overviews[0]?.incidents).toHaveLength(1);
  });

  test('a burst of changes arrives as one overview, and the last one counts', async (t) => {
    const { url, fixture } = await serve(t);
    const { overviews } = await listen(t, url);
    await waitFor(() => overviews.length === 1, { what: 'the first overview' });
    for (let i = 0; i < 50; i += 1) fixture.advance();
    await waitFor(() => overviews.at(-1)?.nowMs === fixture.clock.nowMs(), { what: 'the newest overview' });
    expect(overviews).toHaveLength(2);
  });

  test('without any change overviews still come, as a sign of life', async (t) => {
    const { url } = await serve(t, { heartbeatMs: 20 });
    const { overviews } = await listen(t, url);
    await waitFor(() => overviews.length >= 3, { what: 'three overviews' });
  });

  test('one reader too many is told so, and has room again when another leaves', async (t) => {
    const { url } = await serve(t, { readersMax: 2 });
    await listen(t, url);
    const leaving = new AbortController();
    await fetch(`${url}/api/live`, { signal: leaving.signal });
    const refused = await fetch(`${url}/api/live`);
    expect([refused.status, await refused.text()]).toEqual([
      503,
      '2 readers follow live already; ask /api/overview instead.',
    ]);
    leaving.abort();
    await waitFor(async () => (await fetch(`${url}/api/live`, { method: 'GET' })).status === 200, {
      what: 'room for a reader',
    });
  });

  test('closing the server ends them', async (t) => {
    const { app, url } = await serve(t);
    const { overviews, ended } = await listen(t, url);
    await waitFor(() => overviews.length === 1, { what: 'the first overview' });
    await app.close();
    await ended;
  });
});

test('options that make no sense are refused at once', async () => {
  const fixture = createFixture();
  const app = fastify();
  app.register(pagePlugin, { data: fixture, clock: fixture.clock, readersMax: 0 });
  await expect(app.ready()).rejects.toThrow('page: readersMax and heartbeatMs must be above 0');
});
