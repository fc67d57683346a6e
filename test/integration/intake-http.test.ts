/** The door over real HTTP and a real Unix socket: what it answers, what it refuses, and that it never waits. */
import { stat, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request as send } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createIntake, type Intake } from '../../agent/flow/intake.ts';
import type { OutgoingMessage } from '../../agent/flow/ports.ts';
import { type IntakeDoor, type IntakeDoorOptions, openIntakeDoor } from '../../agent/io/intake/http.ts';
import type { Owner } from '../kit/owner.ts';
import { startProcess } from '../kit/process.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { waitFor } from '../kit/wait-for.ts';

const NDJSON = 'application/x-ndjson';
const event = (fields: object = {}) => ({
  v: 1,
  kind: 'activations',
  time: '2026-03-02T00:00:10.000Z',
  window_ms: 1_000,
  model: 'm',
  version: 'v1',
  requests: 0,
  ...fields,
});
const lines = (...events: unknown[]): string =>
  events.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('');

interface Setup {
  readonly door: IntakeDoor;
  readonly intake: Intake;
  readonly produced: OutgoingMessage[];
  readonly errors: Error[];
}

async function openDoor(t: Owner, options: Partial<IntakeDoorOptions> = {}): Promise<Setup> {
  const produced: OutgoingMessage[] = [];
  const errors: Error[] = [];
  const intake = createIntake({
    producer: { send: async (messages) => void produced.push(...messages), close: async () => {} },
    clock: { nowMs: () => 0, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    source: 'pod-0',
    boot: 'B',
    bytesMax: 8 * 1024 * 1024,
  });
  const door = await openIntakeDoor({
    sink: intake,
    host: '127.0.0.1',
    port: 0,
    onError: (error) => errors.push(error),
    ...options,
  });
  t.onTestFinished(() => door.close());
  return { door, intake, produced, errors };
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape, looked at by the test
  readonly body: any;
}

function post(
  to: IntakeDoor | { socketPath: string },
  body: string | Uint8Array,
  headers: Record<string, string> = { 'content-type': NDJSON },
  more: RequestOptions = {},
): Promise<Answer> {
  const where = 'socketPath' in to ? to : { host: '127.0.0.1', port: new URL(to.address).port };
  return new Promise((resolve, reject) => {
    const request = send({ ...where, method: 'POST', path: '/v1/events', headers, ...more }, (response) =>
      read(response).then(resolve, reject),
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const text = (await response.setEncoding('utf8').toArray()).join('');
  return { status: response.statusCode ?? 0, body: JSON.parse(text) };
}

describe('intake over HTTP', () => {
  test('takes lines, answers 202 with counts, and stamps what is missing', async (t) => {
    const { door, produced } = await openDoor(t);
    const answer = await post(door, lines(event(), event(), event({ source: 's', boot: 'b', seq: 9 })));
    expect(answer).toEqual({ status: 202, body: { accepted: 3, refused_count: 0, refused: [] } });
    const sent = await waitFor(() => produced.length === 3 && produced, { what: 'the events' });
    expect(sent.map(({ key }) => key)).toEqual(['default/m', 'default/m', 'default/m']);
    expect(sent.map(({ value }) => JSON.parse(new TextDecoder().decode(value)))).toEqual([
      event({ source: 'pod-0', boot: 'B', seq: 0 }),
      event({ source: 'pod-0', boot: 'B', seq: 1 }),
      event({ source: 's', boot: 'b', seq: 9 }),
    ]);
  });

  test('names refused lines by number, reason and field, and takes the others', async (t) => {
    const { door } = await openDoor(t);
    const refused = ['{"v":1', event({ requests: -1 }), '\r', event({ kind: 'gossip' })];
    const body = `${lines(event(), '', ...refused)}null`;
    expect(await post(door, body)).toEqual({
      status: 202,
      body: {
        accepted: 1,
        refused_count: 4,
        refused: [
          { line: 3, reason: 'not_json', field: null, detail: expect.any(String) },
          { line: 4, reason: 'out_of_range', field: 'requests', detail: expect.any(String) },
          { line: 6, reason: 'unknown_kind', field: 'kind', detail: expect.any(String) },
          { line: 7, reason: 'not_object', field: null, detail: expect.any(String) },
        ],
      },
    });
    const many = await post(door, 'x\n'.repeat(500));
    expect(many.body.refused_count).toBe(500);
    expect(many.body.refused).toHaveLength(20);
  });

  test('takes one event as application/json, over several lines', async (t) => {
    const { door } = await openDoor(t);
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const answer = await post(door, JSON.stringify(event(), null, 2), headers);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1 } });
  });

  test('takes gzip, and neither a bomb nor what is no gzip', async (t) => {
    const { door, intake } = await openDoor(t);
    const headers = { 'content-type': NDJSON, 'content-encoding': 'gzip' };
    expect(await post(door, gzipSync(lines(event(), event())), headers)).toMatchObject({ status: 202 });
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, '\n'));
    expect(await post(door, bomb, headers)).toEqual({
      status: 413,
      body: { error: expect.stringContaining('unpacks to more than') },
    });
    expect(await post(door, lines(event()), headers)).toMatchObject({ status: 400 });
    expect(await post(door, gzipSync(lines(event())).subarray(0, 30), headers)).toMatchObject({
      status: 400,
    });
    expect(await post(door, 'x', { ...headers, 'content-encoding': 'br' })).toMatchObject({ status: 415 });
    expect(intake.intakeCounters().accepted).toBe(2);
  });

  test.each<[string, number, RegExp, string, Record<string, string>, RequestOptions]>([
    [
      'a body beyond the cap',
      413,
      /more than \d+ bytes/,
      'x'.repeat(2 ** 21 + 1),
      { 'content-type': NDJSON },
      {},
    ],
    ['too many lines', 413, /lines/, '\n'.repeat(10_001), { 'content-type': NDJSON }, {}],
    [
      'a form',
      415,
      /application\/x-ndjson/,
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      {},
    ],
    ['plain text, which a web page may post', 415, /ndjson/, '{}', { 'content-type': 'text/plain' }, {}],
    ['no content type', 415, /ndjson/, '{}', {}, {}],
    ['an empty body', 400, /empty/, '', { 'content-type': NDJSON }, {}],
    ['blank lines', 400, /blank/, '\n \r\n', { 'content-type': NDJSON }, {}],
    ['another address', 404, /POST \/v1\/events/, '{}', { 'content-type': NDJSON }, { path: '/v2' }],
    ['a question', 404, /POST/, '', {}, { method: 'GET' }],
    ['a path that is none', 400, /address/, '{}', { 'content-type': NDJSON }, { path: '/%ff' }],
    [
      'a page that rebinds its name',
      403,
      /loopback/,
      '{}',
      { 'content-type': NDJSON, host: 'evil.example' },
      {},
    ],
  ])('answers %s with %i and a sentence', async (_, status, sentence, body, headers, more) => {
    const owner = new Cleanup();
    await using _cleanup = owner;
    const { door, errors, intake } = await openDoor(owner);
    const answer = await post(door, body, headers, more);
    expect(answer).toEqual({ status, body: { error: expect.stringMatching(sentence) } });
    expect(errors).toEqual([]);
    expect(intake.intakeCounters().accepted).toBe(0);
  });

  test('keeps the order of pipelined requests, packed or not', async (t) => {
    const { door, produced } = await openDoor(t);
    const socket = connect(Number(new URL(door.address).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    const head = (body: Uint8Array, packed: boolean) =>
      `POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${NDJSON}\r\n${packed ? 'content-encoding: gzip\r\n' : ''}content-length: ${body.length}\r\n\r\n`;
    for (let count = 0; count < 40; count++) {
      const text = Buffer.from(lines(event({ source: 's', boot: 'b', seq: count })));
      const body = count % 2 ? gzipSync(text) : text;
      socket.write(head(body, count % 2 === 1));
      socket.write(body);
    }
    const sent = await waitFor(() => produced.length === 40 && produced, { what: 'the events' });
    expect(sent.map(({ value }) => JSON.parse(new TextDecoder().decode(value)).seq)).toEqual([
      ...Array(40).keys(),
    ]);
  });

  test('tells a fault of ours apart and says nothing about it outside', async (t) => {
    const sink = {
      take: () => {
        throw new Error('secret detail');
      },
    };
    const { door, errors } = await openDoor(t, { sink });
    const answer = await post(door, lines(event()));
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(errors.map(({ message }) => message)).toEqual(['secret detail']);
  });
});

describe('intake addresses', () => {
  test('listens on a Unix socket too, for this user and its group', async (t) => {
    const socketPath = join(await tempDir(t), 'intake.sock');
    const { door, intake } = await openDoor(t, { socketPath });
    expect(await post({ socketPath }, lines(event()))).toMatchObject({ status: 202 });
    expect(await post({ socketPath }, lines(event()), { 'content-type': NDJSON, host: 'any' })).toMatchObject(
      {
        status: 202,
      },
    );
    expect(intake.intakeCounters().accepted).toBe(2);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o660);
    await door.close();
    await expect(stat(socketPath)).rejects.toThrow(/ENOENT/);
  });

  test('takes the place of a socket whose process was killed, of no other file and no living socket', async (t) => {
    const dir = await tempDir(t);
    const socketPath = join(dir, 'intake.sock');
    const code = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`;
    const args = ['-e', code, socketPath];
    const former = await startProcess(t, { command: process.execPath, args });
    await waitFor(() => former.stdout().includes('up'), { what: 'the former owner' });
    await expect(openDoor(t, { socketPath })).rejects.toThrow(/cannot listen on .*in use/);
    await former.kill();
    await openDoor(t, { socketPath });
    const file = join(dir, 'precious.txt');
    await writeFile(file, 'kept');
    await expect(openDoor(t, { socketPath: file })).rejects.toThrow(/cannot listen/);
    expect((await stat(file)).size).toBe(4);
  });

  test('refuses to listen where other machines could reach it, unless told', async (t) => {
    for (const host of ['0.0.0.0', '::', '10.1.2.3', 'example.org'])
      await expect(openDoor(t, { host })).rejects.toThrow(/loopback/);
    const { door } = await openDoor(t, { host: '0.0.0.0', allowRemote: true });
    const headers = { 'content-type': NDJSON, host: 'sidecar.example' };
    expect(await post(door, lines(event()), headers)).toMatchObject({ status: 202 });
  });

  test('says which address is taken', async (t) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    t.onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    await expect(openDoor(t, { port })).rejects.toThrow(/cannot listen on 127.0.0.1:\d+: .*already in use/);
  });
});

/** For cases of `test.each`, which get no context. */
class Cleanup implements Owner, AsyncDisposable {
  readonly cleanups: (() => Promise<void> | void)[] = [];
  onTestFinished(cleanup: () => Promise<void> | void): void {
    this.cleanups.push(cleanup);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.cleanups.reverse()) await cleanup();
  }
}
