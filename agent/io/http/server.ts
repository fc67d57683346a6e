/**
 * The agent's HTTP server (fastify 5.12): /metrics, /healthz, /readyz, and what is mounted beside, such as the page. It
 * only answers questions: nothing can be changed through it. Whoever asks is untrusted, so headers, bodies, time and
 * connections are bounded, and an answer never carries the text of an error.
 *
 * Guarded against in fastify: unknown method on a known path answers 404, errors show their message, and a client that
 * holds on to an answer holds up `close`.
 */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyReply } from 'fastify';
import { failure, systemDetail } from '../../errors.ts';
import { setSecurityHeaders } from './headers.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one; `address` says which. */
  readonly port: number;
  /** The exposition in Prometheus' text format. Null: not served here. */
  readonly metrics: (() => Promise<string>) | null;
  /** System → `ok` or a sentence about what is wrong with it. Null: not served here. */
  readonly ready: (() => Readonly<Record<string, string>>) | null;
  /** What else is served, e.g. the page. */
  readonly plugins: readonly FastifyPluginAsync[];
  /** An answer failed; `route` as declared, never as asked. */
  readonly onError: (error: Error, route: string) => void;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly connections: number;
  /** For the head and body of a request to arrive. */
  readonly requestMs: number;
  /** Without a byte in either direction. What stays open must send a sign of life more often. */
  readonly idleMs: number;
  /** For an exposition to be ready: Prometheus gives up after 10 s by default. */
  readonly metricsMs: number;
  /** For running answers to end once `close` was called. */
  readonly closeMs: number;
}

const DEFAULT_LIMITS: HttpLimits = {
  headerBytes: 16 * 1024,
  bodyBytes: 1024,
  connections: 512,
  requestMs: 10_000,
  idleMs: 60_000,
  metricsMs: 9_000,
  closeMs: 2_000,
};

export interface HttpServer {
  /** As `http://host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const app = createApp(options, limits);
  serveHealth(app);
  if (options.ready !== null) serveReady(app, options.ready);
  if (options.metrics !== null) serveMetrics(app, options.metrics, limits.metricsMs);
  for (const plugin of options.plugins) app.register(plugin);
  return listen(app, options, limits);
}

function createApp({ onError }: HttpServerOptions, limits: HttpLimits): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleMs,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.requestMs,
      // Node looks for late requests every 30 s otherwise.
      connectionsCheckingInterval: Math.min(limits.requestMs, 1_000),
    },
    // Ids of streams are long when percent-encoded; the header's limit bounds them.
    routerOptions: { maxParamLength: limits.headerBytes },
    frameworkErrors: (_error, _request, reply) => {
      setSecurityHeaders(reply);
      return sentence(reply, 400, 'This is not an address.');
    },
  });
  app.server.maxConnections = limits.connections;

  app.addHook('onRequest', async (request, reply) => {
    setSecurityHeaders(reply);
    if (request.is404) return refuse(app, request.url, reply);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sentence(reply, status, 'This request cannot be answered as it is.');
    onError(error, request.routeOptions.url ?? 'unknown');
    return sentence(reply, 500, 'The agent could not answer this; its log says why.');
  });
  return app;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Before a body is read. */
function refuse(app: FastifyInstance, target: string, reply: FastifyReply): FastifyReply {
  const [url = '/'] = target.split('?');
  const allowed = METHODS.filter((method) => app.hasRoute({ method, url }));
  reply.header('connection', 'close');
  if (allowed.length === 0) return sentence(reply, 404, 'There is nothing at this address.');
  reply.header('allow', allowed.join(', '));
  return sentence(reply, 405, `This address answers ${allowed.join(' and ')} only.`);
}

function serveHealth(app: FastifyInstance): void {
  app.get('/healthz', (_request, reply) => sentence(reply, 200, 'ok'));
}

function serveReady(app: FastifyInstance, ready: () => Readonly<Record<string, string>>): void {
  app.get('/readyz', async (_request, reply) => {
    const systems = ready();
    const isReady = Object.values(systems).every((state) => state === 'ok');
    return reply.code(isReady ? 200 : 503).send({ ready: isReady, ...systems });
  });
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

function serveMetrics(app: FastifyInstance, metrics: () => Promise<string>, deadlineMs: number): void {
  app.get('/metrics', async (_request, reply) => {
    const text = await withDeadline(metrics(), deadlineMs);
    return reply.type(METRICS_TYPE).send(text);
  });
}

async function withDeadline<T>(promise: Promise<T>, deadlineMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const sentence = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`);

async function listen(
  app: FastifyInstance,
  { host, port }: HttpServerOptions,
  limits: HttpLimits,
): Promise<HttpServer> {
  try {
    await app.ready();
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw failure(
      'address_taken',
      { key: 'http.port', address: `${host}:${port}`, detail: listenDetail(error) },
      error,
    );
  }
  const bound = app.server.address() as AddressInfo;
  return {
    address: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    close: async () => {
      const timer = setTimeout(() => app.server.closeAllConnections(), limits.closeMs);
      await app.close();
      clearTimeout(timer);
    },
  };
}

/** `listen EADDRINUSE: address already in use 127.0.0.1:9464` → `address already in use`: the rest is told already. */
const listenDetail = (error: unknown): string =>
  /^listen E[A-Z]+: (.+) \S+$/.exec(error instanceof Error ? error.message : '')?.[1] ?? systemDetail(error);
