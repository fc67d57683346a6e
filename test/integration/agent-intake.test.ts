/**
 * From the model's process to the metrics: lines over HTTP and over a Unix socket into an intake of its own, through
 * Kafka to an agent. What the intake was sent must be what the agent counts.
 */
import { request } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { createInstallation, expectCounts } from '../kit/installation.ts';
import { countSent, type Sent } from '../kit/oracle.ts';
import { startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { createTopic } from '../kit/topic.ts';
import { JSON_GARBAGE, jsonLines, trafficOf } from '../kit/traffic.ts';

const SEED = 45;
const LINES_A_REQUEST = 150;
const TRAFFIC = trafficOf({
  seed: SEED,
  models: { epsilon: 'deploy-epsilon', pod: 'one-bad-pod' },
  garbageOf: JSON_GARBAGE,
});
const EVENTS = TRAFFIC.filter(({ refused }) => refused === null);

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

interface Answer {
  readonly status: number;
  readonly body: { accepted: number; refused_count: number; refused: { line: number; reason: string }[] };
}

/** Over TCP, or over the socket where one is named. */
function post(
  where: { port: number } | { socketPath: string },
  lines: Buffer,
  gzip: boolean,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = {
    'content-type': 'application/x-ndjson',
    ...(gzip && { 'content-encoding': 'gzip' }),
  };
  const options = { host: '127.0.0.1', ...where, method: 'POST', path: '/v1/events', headers };
  const asked = request(options, async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    resolve({ status: response.statusCode ?? 0, body: JSON.parse(String(Buffer.concat(chunks))) });
  });
  asked.once('error', reject);
  asked.end(gzip ? gzipSync(lines) : lines);
  return promise;
}

test('lines posted over HTTP and over a Unix socket are counted by the agent, and refused ones named to the sender', async (t) => {
  const topic = await createTopic(t, { brokers, partitions: 2 });
  const redis = await startRedis(t);
  const port = await freePort();
  const socketPath = join(await tempDir(t), 'intake.sock');
  const common = { brokers, topic, redis: redis.port };
  const sidecar = await createInstallation(t, {
    ...common,
    more: { roles: ['intake'], 'intake.port': port, 'intake.socketPath': socketPath },
  });
  const installation = await createInstallation(t, common);
  const [intake, agent] = await Promise.all([sidecar.start(), installation.start()]);

  const doors = [{ port }, { socketPath }];
  let requests = 0;
  const refused: string[] = [];
  for (let at = 0; at < TRAFFIC.length; at += LINES_A_REQUEST) {
    const part: Sent[] = TRAFFIC.slice(at, at + LINES_A_REQUEST);
    const answer = await post(doors[requests % 2] ?? { port }, jsonLines(part), requests % 3 === 0);
    requests += 1;
    const bad = part.flatMap(({ refused: reason }, i) => (reason === null ? [] : [`${i + 1} ${reason}`]));
    expect(answer, `request ${requests}, seed ${SEED}`).toMatchObject({
      status: 202,
      body: { accepted: part.length - bad.length, refused_count: bad.length },
    });
    expect(answer.body.refused.map(({ line, reason }) => `${line} ${reason}`)).toEqual(bad);
    refused.push(...bad);
  }
  expect(refused.length, 'the traffic has refused lines').toBeGreaterThan(0);

  await expectCounts({ agents: [agent], counts: countSent(EVENTS), note: `seed ${SEED}` });
  const sum = async (metric: string): Promise<number> =>
    (await intake.series(metric)).reduce((total, { value }) => total + value, 0);
  expect({
    accepted: await sum('intake_accepted_total'),
    produced: await sum('intake_produced_total'),
    refused: await sum('intake_refused_total'),
    dropped: await sum('intake_dropped_total'),
  }).toEqual({ accepted: EVENTS.length, produced: EVENTS.length, refused: refused.length, dropped: 0 });
  expect(await intake.ready()).toEqual({ status: 200, body: { ready: true, intake: 'ok' } });
  const open = await installation.command(['incident', 'list', '--json']);
  expect(open.stdout).toContain('"model":"epsilon"');
  expect(open.stdout).toContain('"model":"pod"');
});

test('an intake that is told to end hands everything over first', async (t) => {
  const topic = await createTopic(t, { brokers });
  const redis = await startRedis(t);
  const port = await freePort();
  const more = { roles: ['intake', 'agent'], 'intake.port': port, 'intake.linger': '10s' };
  const both = await createInstallation(t, { brokers, topic, redis: redis.port, more });
  const process = await both.start();
  const sent = EVENTS.filter(({ model }) => model === 'pod').slice(0, 400);
  expect((await post({ port }, jsonLines(sent), true)).body.accepted).toBe(sent.length);
  // With such a linger nothing of it has been sent yet.
  expect(await process.series('intake_produced_total')).toMatchObject([{ value: 0 }]);
  expect(await process.stop()).toEqual({ code: 0, signal: null });

  const next = await createInstallation(t, { brokers, topic, redis: redis.port });
  await expectCounts({ agents: [await next.start()], counts: countSent(sent), note: `seed ${SEED}` });
});
