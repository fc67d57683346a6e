/** The HTTP server over real sockets: what each address says, and what a hostile or broken client gets. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { createHttpServer, type HttpServerOptions } from '../../agent/io/http/server.ts';
import type { Owner } from '../kit/owner.ts';

async function serve(owner: Owner, over: Partial<HttpServerOptions> = {}) {
  const told: { message: string; route: string }[] = [];
  const server = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    metrics: async () => 'normwatch_agent_series 1\n',
    ready: () => ({}),
    plugins: [],
    onError: ({ message }, route) => told.push({ message, route }),
    ...over,
  });
  owner.onTestFinished(() => server.close());
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(server.address + path, init);
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  /** Bytes as they are, for what fetch would not send. Resolves when the server hangs up. */
  const speak = (bytes: string): Promise<string> => {
    const { hostname, port } = new URL(server.address);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(bytes);
    return text(socket);
  };
  return { server, told, ask, speak };
}

const broken = (): never => {
  throw new Error('secret at /home/x');
};

test('/metrics answers the text in the format Prometheus expects', async (t) => {
  const { ask } = await serve(t);
  const { status, headers, body } = await ask('/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(body).toBe('normwatch_agent_series 1\n');
});

for (const [how, metrics] of [
  ['rejects', async () => broken()],
  ['throws', broken],
] as const)
  test(`when the exposition ${how} /metrics answers 500 with a sentence and tells the agent`, async (t) => {
    const { ask, told } = await serve(t, { metrics });
    const { status, body } = await ask('/metrics');
    expect(status).toBe(500);
    expect(body).toBe('The agent could not answer this; its log says why.\n');
    expect(told).toEqual([{ message: 'secret at /home/x', route: '/metrics' }]);
  });

test('when the exposition never comes /metrics answers 500 in time', async (t) => {
  const never = Promise.withResolvers<string>().promise;
  const { ask, told } = await serve(t, { metrics: () => never, limits: { metricsMs: 20 } });
  expect((await ask('/metrics')).status).toBe(500);
  expect(told).toEqual([{ message: 'no answer within 20 ms', route: '/metrics' }]);
});

test('/healthz says ok, whatever else is wrong', async (t) => {
  const { ask } = await serve(t, { ready: () => ({ kafka: 'no broker answers' }), metrics: broken });
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
});

for (const [systems, status] of [
  [{}, 200],
  [{ kafka: 'ok', redis: 'ok' }, 200],
  [{ kafka: 'no broker answers', redis: 'ok' }, 503],
] as const)
  test(`/readyz answers ${status} when the systems are ${JSON.stringify(systems)}`, async (t) => {
    const { ask } = await serve(t, { ready: () => systems });
    const answer = await ask('/readyz');
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(answer.body)).toEqual({ ready: status === 200, ...systems });
  });

test('what is not served here is not there', async (t) => {
  const { ask } = await serve(t, { metrics: null, ready: null });
  expect((await ask('/metrics')).status).toBe(404);
  expect((await ask('/readyz')).status).toBe(404);
});

const page = async (app: FastifyInstance): Promise<void> => {
  app.get('/', async (_request, reply) => reply.type('text/html').send('<p>page</p>'));
  app.get('/broken', broken);
  app.get<{ Params: { id: string } }>('/api/streams/:id', async ({ params }) => ({ id: params.id }));
};

test('a plugin is mounted beside, and its failures are told and not shown', async (t) => {
  const { ask, told } = await serve(t, { plugins: [page] });
  expect(await ask('/')).toMatchObject({ status: 200, body: '<p>page</p>' });
  const long = `${'層'.repeat(128)}/v1`;
  expect(JSON.parse((await ask(`/api/streams/${encodeURIComponent(long)}`)).body)).toEqual({ id: long });

  const failed = await ask('/broken');
  expect(failed.status).toBe(500);
  expect(failed.body).not.toMatch(/secret|at .*:\d+/);
  expect(told).toEqual([{ message: 'secret at /home/x', route: '/broken' }]);
});

for (const [path, status] of [
  ['/', 200],
  ['/metrics', 200],
  ['/broken', 500],
  ['/nothing', 404],
  ['/%zz', 400],
] as const)
  test(`the answer ${status} of ${path} forbids whatever comes from elsewhere`, async (t) => {
    const { ask } = await serve(t, { plugins: [page] });
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    const { headers } = answer;
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('server')).toBeNull();
  });

test('an unknown address and an address that cannot be one are sentences that repeat nothing', async (t) => {
  const { ask } = await serve(t);
  expect(await ask('/<script>?x=1')).toMatchObject({
    status: 404,
    body: 'There is nothing at this address.\n',
  });
  expect(await ask('/%zz')).toMatchObject({ status: 400, body: 'This is not an address.\n' });
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
  test(`${method} on /metrics is not allowed, whatever the body`, async (t) => {
    const { ask } = await serve(t);
    const answer = await ask('/metrics?x=1', {
      method,
      body: '{"a":',
      headers: { 'content-type': 'text/x' },
    });
    expect(answer).toMatchObject({ status: 405, body: 'This address answers GET and HEAD only.\n' });
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
  });

test('a body of any size is not waited for', async (t) => {
  const { speak } = await serve(t);
  const answer = await speak('POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc');
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  expect(answer).toMatch(/connection: close/i);
});

test('headers above the limit are refused', async (t) => {
  const { speak } = await serve(t, { limits: { headerBytes: 2_048 } });
  expect(await speak(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(4_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  );
});

test('a request that does not arrive whole in time is hung up on', async (t) => {
  const { speak } = await serve(t, { limits: { requestMs: 100 } });
  expect(await speak('GET /healthz HTTP/1.1\r\nHost:')).toMatch(/^HTTP\/1\.1 408 /);
});

test('bytes that are no HTTP get a plain refusal', async (t) => {
  const { speak } = await serve(t);
  const answer = await speak('\u0016\u0003\u0001 garbage\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).not.toMatch(/node_modules|at .*:\d+/);
});

test('an address that is taken is a failure that names the key', async (t) => {
  const { server } = await serve(t);
  const port = Number(new URL(server.address).port);
  const second = serve(t, { port });
  await expect(second).rejects.toMatchObject({ row: 'address_taken', exit: 2 });
  await expect(second).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: address already in use`);
});

const taker = async (app: FastifyInstance): Promise<void> => {
  app.post('/take', async ({ body }) => ({ body }));
};

test('where a body is taken it is short and comes in time', async (t) => {
  const limits = { bodyBytes: 100, requestMs: 100 };
  const { ask, speak } = await serve(t, { plugins: [taker], limits });
  const headers = { 'content-type': 'text/plain' };
  expect((await ask('/take', { method: 'POST', headers, body: 'x'.repeat(100) })).status).toBe(200);
  expect((await ask('/take', { method: 'POST', headers, body: 'x'.repeat(101) })).status).toBe(413);
  const head = 'POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n';
  expect(await speak(`${head}abc`)).toMatch(/^HTTP\/1\.1 408 /);
});

/** Begins an answer and never ends it. */
const endless = async (app: FastifyInstance): Promise<void> => {
  app.get('/endless', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).write('…');
  });
};
const ASK_ENDLESS = 'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n';

test('a connection on which nothing happens is ended', async (t) => {
  const { speak } = await serve(t, { plugins: [endless], limits: { idleMs: 50 } });
  expect(await speak(ASK_ENDLESS)).toContain('…');
});

test('connections above the limit are ended unheard', async (t) => {
  const { speak } = await serve(t, { plugins: [endless], limits: { connections: 2, closeMs: 50 } });
  const { promise: first, resolve } = Promise.withResolvers<string>();
  const answers = [1, 2, 3].map(() => speak(ASK_ENDLESS));
  for (const answer of answers) answer.then(resolve, resolve);
  // The two that are served go on until the server ends; the one that is not comes back first, with nothing.
  expect(await first).not.toContain('…');
});

test('closing does not wait for a client that holds on to its answer', async (t) => {
  const { server, speak } = await serve(t, { plugins: [endless], limits: { closeMs: 50 } });
  const answer = speak(ASK_ENDLESS);
  await fetch(`${server.address}/healthz`);
  await server.close();
  expect(await answer).toContain('…');
});
