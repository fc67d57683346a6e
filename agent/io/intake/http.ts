/**
 * The door for the model's process (fastify 5.12): `POST /v1/events` over loopback TCP and a Unix socket, NDJSON, also
 * gzip. Answered at once with what was taken; the log is never waited for. The work of one request is bounded by bytes
 * and lines and done in one go, so that pipelined requests keep their order.
 *
 * Guarded against: bodies that unpack without end, slow senders, a web page that posts to loopback (content types that
 * need CORS' consent, and only loopback names as `Host`), a socket file left behind by a killed process.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { type AddressInfo, BlockList, connect, isIP } from 'node:net';
import { gunzipSync } from 'node:zlib';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { failure, systemDetail } from '../../errors.ts';
import { setSecurityHeaders } from '../http/headers.ts';

/** What takes the lines. */
export interface LineSink {
  take(
    line: Uint8Array,
  ): { readonly ok: true } | { readonly ok: false; reason: string; field: string | null; detail: string };
}

export interface IntakeDoorOptions {
  readonly sink: LineSink;
  /** A loopback address, unless `allowRemote`. */
  readonly host: string;
  /** 0 takes a free one; `address` says which. */
  readonly port: number;
  readonly socketPath?: string | null;
  /** Rights on the socket: by default this user and its group. */
  readonly socketMode?: number;
  /** Whoever reaches the port may then send events: there is no password here. */
  readonly allowRemote?: boolean;
  /** A request failed by our fault. */
  readonly onError: (error: Error) => void;
  readonly limits?: Partial<IntakeDoorLimits>;
}

export interface IntakeDoorLimits {
  readonly bodyBytes: number;
  readonly unpackedBytes: number;
  readonly lines: number;
  /** Refused lines that are named in an answer; the others are counted. */
  readonly refusalsTold: number;
  readonly connections: number;
  readonly requestMs: number;
  readonly idleMs: number;
  /** For running answers to end once `close` was called. */
  readonly closeMs: number;
}

const DEFAULT_LIMITS: IntakeDoorLimits = {
  bodyBytes: 2 * 1024 * 1024,
  unpackedBytes: 4 * 1024 * 1024,
  lines: 10_000,
  refusalsTold: 20,
  connections: 64,
  requestMs: 10_000,
  idleMs: 60_000,
  closeMs: 2_000,
};

export interface IntakeDoor {
  /** As `http://host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

const LINE_TYPES = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
];
/** One event, over as many lines as it likes. */
const EVENT_TYPES = ['application/json', 'application/cloudevents+json'];

export async function openIntakeDoor(options: IntakeDoorOptions): Promise<IntakeDoor> {
  const { host, port, socketPath = null, socketMode = 0o660, allowRemote = false } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (!allowRemote && !isLoopback(host))
    throw addressTaken('intake.host', host, 'only a loopback address keeps other machines out');
  const tcp = createApp(options, limits, !allowRemote);
  const apps = [tcp];
  try {
    await listen(tcp, { host, port }, 'intake.host', `${host}:${port}`);
    if (socketPath !== null) {
      const socket = createApp(options, limits, false);
      apps.push(socket);
      await removeDeadSocket(socketPath);
      await listen(socket, { path: socketPath }, 'intake.socketPath', socketPath);
      await chmod(socketPath, socketMode);
    }
  } catch (error) {
    await Promise.all(apps.map((app) => app.close()));
    throw error;
  }
  const bound = tcp.server.address() as AddressInfo;
  return {
    address: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      const timer = setTimeout(() => {
        for (const app of apps) app.server.closeAllConnections();
      }, limits.closeMs);
      await Promise.all(apps.map((app) => app.close()));
      clearTimeout(timer);
    },
  };
}

function createApp(
  options: IntakeDoorOptions,
  limits: IntakeDoorLimits,
  loopbackOnly: boolean,
): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleMs,
    http: { headersTimeout: limits.requestMs },
    frameworkErrors: (_error, _request, reply) => sentence(reply, 400, 'This is not an address.'),
  });
  app.server.maxConnections = limits.connections;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...LINE_TYPES, ...EVENT_TYPES], { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request, reply) => {
    setSecurityHeaders(reply);
    if (loopbackOnly && !isLoopbackName(request.hostname))
      return sentence(reply, 403, 'Only requests to a loopback address are answered here.');
  });
  app.setNotFoundHandler((_request, reply) =>
    sentence(reply, 404, 'There is nothing at this address: events go to POST /v1/events.'),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) options.onError(error);
    return sentence(reply, status, explain(status, limits));
  });
  app.post('/v1/events', (request, reply) => answer(request, reply, options.sink, limits));
  return app;
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  sink: LineSink,
  limits: IntakeDoorLimits,
): FastifyReply {
  const body = request.body instanceof Buffer ? unpack(request, request.body, limits) : null;
  if (body === null || body.length === 0)
    return sentence(reply, 400, 'The body is empty: send one event a line.');
  if (typeof body === 'string') return sentence(reply, ...UNPACK_FAILURES[body](limits));
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  const lines = EVENT_TYPES.includes(type) ? [body] : split(body, limits.lines);
  if (lines === null) return sentence(reply, 413, `More than ${limits.lines} lines: send fewer at once.`);

  let accepted = 0;
  let refusedCount = 0;
  const refused: unknown[] = [];
  for (const [index, line] of lines.entries()) {
    if (isBlank(line)) continue;
    const taken = sink.take(line);
    if (taken.ok) {
      accepted += 1;
      continue;
    }
    refusedCount += 1;
    const { reason, field, detail } = taken;
    if (refused.length < limits.refusalsTold) refused.push({ line: index + 1, reason, field, detail });
  }
  if (accepted + refusedCount === 0) return sentence(reply, 400, 'The body has blank lines only.');
  return reply.code(202).send({ accepted, refused_count: refusedCount, refused });
}

const UNPACK_FAILURES = {
  encoding: () => [415, 'Only gzip is understood as content-encoding.'],
  damaged: () => [400, 'The body is no whole gzip stream.'],
  large: ({ unpackedBytes }) => [
    413,
    `The body unpacks to more than ${unpackedBytes} bytes: send fewer events.`,
  ],
} as const satisfies Record<string, (limits: IntakeDoorLimits) => readonly [number, string]>;

function unpack(
  request: FastifyRequest,
  body: Buffer,
  { unpackedBytes }: IntakeDoorLimits,
): Buffer | keyof typeof UNPACK_FAILURES {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip') return 'encoding';
  try {
    return gunzipSync(body, { maxOutputLength: unpackedBytes });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'large' : 'damaged';
  }
}

const LINE_FEED = 0x0a;

/** Null: too many. They are counted before any is read. */
function split(body: Buffer, linesMax: number): Buffer[] | null {
  const lines: Buffer[] = [];
  for (let start = 0; start < body.length; ) {
    if (lines.length === linesMax) return null;
    const end = body.indexOf(LINE_FEED, start);
    lines.push(body.subarray(start, end === -1 ? body.length : end));
    start = end === -1 ? body.length : end + 1;
  }
  return lines;
}

const isBlank = (line: Buffer): boolean =>
  line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);

function explain(status: number, { bodyBytes }: IntakeDoorLimits): string {
  if (status === 413) return `The body has more than ${bodyBytes} bytes: send fewer events at once.`;
  if (status === 415) return 'Send events as content-type application/x-ndjson, one a line.';
  return status < 500 ? 'This request cannot be read.' : 'The intake failed; its log says why.';
}

const sentence = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).send({ error: text });

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** From the `Host` header. A page from elsewhere may resolve its own name to loopback, but it cannot change this. */
const isLoopbackName = (name: string): boolean => isLoopback(name.replace(/^\[|\]$/g, '').toLowerCase());

const addressTaken = (key: string, address: string, detail: string, cause?: unknown) =>
  failure('address_taken', { key, address, detail }, cause);

async function listen(
  app: FastifyInstance,
  where: { host: string; port: number } | { path: string },
  key: string,
  address: string,
): Promise<void> {
  await app.ready();
  try {
    await app.listen(where);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw addressTaken(key, address, systemDetail(error), error);
  }
}

/** A process that was killed leaves its socket file. Only a socket at which nobody answers may go. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isSocket()) return;
  const isDead = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
  if (isDead) await unlink(path);
}
