/**
 * The page at `/`, its files under `/assets/`, its JSON under `/api/` and its live events at `/api/live`: a fastify plugin
 * that whoever serves HTTP mounts. Reads committed views, changes nothing. Everything comes from this agent: the
 * content security policy forbids any other origin and any inline script or style.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { loadAssets } from './assets.ts';
import { pageHtml } from './browser/shell.ts';
import type { PageData } from './data.ts';
import { createLive } from './live.ts';
import { buildOverview, findStream } from './overview.ts';
import { layerHistory, streamHistory } from './stream-history.ts';

export interface PageOptions {
  readonly data: PageData;
  readonly clock: { nowMs(): number };
  /** Readers of live events at the same time; more are told to ask every now and then instead. */
  readonly readersMax?: number;
  readonly heartbeatMs?: number;
}

const READERS_MAX = 64;
const HEARTBEAT_MS = 10_000;
const PAUSE_MS = 1_000;
const LAYER_NAME_MAX = 1_024;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export async function pagePlugin(app: FastifyInstance, options: PageOptions): Promise<void> {
  const { data, clock, readersMax = READERS_MAX, heartbeatMs = HEARTBEAT_MS } = options;
  if (!(readersMax > 0) || !(heartbeatMs > 0))
    throw new RangeError('page: readersMax and heartbeatMs must be above 0');
  const assets = loadAssets();
  const overview = () => buildOverview(data.views(), clock.nowMs());
  const live = createLive({
    readersMax,
    heartbeatMs,
    pauseMs: Math.min(PAUSE_MS, heartbeatMs),
    overview: () => JSON.stringify(overview()),
    onChange: (listener) => data.onChange(listener),
  });
  // Before the server waits for its connections to end: live events never end by themselves.
  app.addHook('preClose', async () => live.close());
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
  });

  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(pageHtml(overview())));

  app.get<{ Params: { name: string } }>('/assets/:name', async ({ params }, reply) => {
    const asset = assets.get(params.name);
    if (!asset) return sentence(reply, 404, 'There is no such file.');
    // Asked for again after an upgrade of the agent, at the latest.
    return reply.header('cache-control', 'no-cache').type(asset.type).send(asset.body);
  });

  app.get('/api/overview', async () => overview());

  app.get('/api/live', { exposeHeadRoute: false }, async (_request, reply) => {
    const events = live.join();
    if (!events)
      return sentence(reply, 503, `${readersMax} readers follow live already; ask /api/overview instead.`);
    // A connection that was kept alive after its events have ended would hold up the shutdown.
    return reply
      .headers({ 'x-accel-buffering': 'no', connection: 'close' })
      .type('text/event-stream; charset=utf-8')
      .send(events);
  });

  app.get<{ Params: { id: string } }>('/api/streams/:id/history', async ({ params }, reply) => {
    const found = findStream(data.views(), params.id);
    if (!found) return noStream(reply);
    return streamHistory(data.history, found.stream, found.model);
  });

  app.get<{ Params: { id: string }; Querystring: { name?: unknown } }>(
    '/api/streams/:id/layer',
    async ({ params, query }, reply) => {
      const found = findStream(data.views(), params.id);
      if (!found) return noStream(reply);
      if (typeof query.name !== 'string' || query.name.length > LAYER_NAME_MAX) {
        return sentence(reply, 400, 'Say which layer: ?name=LAYER');
      }
      const layer = layerHistory(data.history, found.stream, found.model, query.name);
      return layer ?? sentence(reply, 404, 'This stream has no such layer in the time the page remembers.');
    },
  );
}

const sentence = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(text);

const noStream = (reply: FastifyReply): FastifyReply =>
  sentence(reply, 404, 'There is no such stream here: it is gone, or another agent has taken it over.');
