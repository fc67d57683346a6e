/**
 * SIGTERM in the middle of work: what is folded is committed, the exit is 0, and whoever comes next goes on exactly
 * there. Beside it, the same numbers by OTLP.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { createInstallation, expectCounts, type RunningInstallation } from '../kit/installation.ts';
import { countSent, type Sent } from '../kit/oracle.ts';
import type { Owner } from '../kit/owner.ts';
import { startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { createTopic } from '../kit/topic.ts';
import { openTopic } from '../kit/topic-records.ts';
import { trafficOf } from '../kit/traffic.ts';
import { waitFor } from '../kit/wait-for.ts';

const SEED = 44;
const MODEL = 'minilm-l6';
const TRAFFIC = trafficOf({ seed: SEED, models: { [MODEL]: 'deploy-epsilon' } });

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

const foldedBy = async (agent: RunningInstallation): Promise<number> => {
  const records = await agent.series('agent_records_total');
  const of = (outcome: string) => records.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
  return of('folded');
};

test.for(['kafkajs', 'platformatic'] as const)(
  'by %s: SIGTERM commits what is folded, ends with 0, and the next agent goes on there',
  async (client, t) => {
    const topic = await createTopic(t, { brokers });
    const redis = await startRedis(t);
    const more = { 'kafka.client': client };
    const installation = await createInstallation(t, { brokers, topic, redis: redis.port, more });
    const log = await openTopic(t, brokers, topic);
    const position = async () => Number(await redis.cli('hget', `nw:{${topic}:0}`, 'next'));
    const agent = await installation.start();

    // Piece by piece, until one is folded and seen not to be committed yet.
    const left: Sent[] = [...TRAFFIC];
    let sent = 0;
    let uncommitted = 0;
    while (uncommitted === 0 && left.length > 200) {
      const piece = left.splice(0, 100);
      await log.send(piece);
      sent += piece.length;
      await waitFor(async () => (await foldedBy(agent)) === sent, {
        what: `${sent} records folded`,
        everyMs: 5,
      });
      uncommitted = sent - (await position());
    }
    const exited = agent.stop();
    expect(uncommitted, 'folded and not committed when SIGTERM came').toBeGreaterThan(0);
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await position()).toBe(sent);
    expect(agent.log('given up at').map(({ message }) => message)).toEqual([
      `${topic}:0: given up at ${sent}`,
    ]);
    expect(agent.process.stderr()).toBe('');

    await log.send(left);
    const next = await installation.start();
    await expectCounts({ agents: [next], counts: countSent(TRAFFIC), note: `seed ${SEED}` });
    expect(next.log('mine, starting at')[0]?.message).toBe(`${topic}:0: mine, starting at ${sent} (resumed)`);
    expect(await foldedBy(next), 'no record is read twice').toBe(left.length);
  },
);

/** Keeps the bodies that are posted to `/v1/metrics`. */
async function startReceiver(owner: Owner) {
  const bodies: Buffer[] = [];
  const types = new Set<string | undefined>();
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === 'POST' && request.url === '/v1/metrics') bodies.push(Buffer.concat(chunks));
    types.add(request.headers['content-type']);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  owner.onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, types };
}

test('with an OTLP endpoint the committed numbers are pushed as well', async (t) => {
  const topic = await createTopic(t, { brokers });
  const redis = await startRedis(t);
  const receiver = await startReceiver(t);
  const installation = await createInstallation(t, { brokers, topic, redis: redis.port });
  const agent = await installation.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_METRIC_EXPORT_INTERVAL: '500',
  });
  await (await openTopic(t, brokers, topic)).send(TRAFFIC);
  await expectCounts({ agents: [agent], counts: countSent(TRAFFIC), note: `seed ${SEED}` });
  // Texts stand in protobuf as they are.
  const wanted = [
    'normwatch_events_total',
    'normwatch_incident_active',
    MODEL,
    'encoder.layer.2.output.LayerNorm',
  ];
  const isAll = (body: Buffer) => wanted.every((text) => body.includes(text));
  await waitFor(() => receiver.bodies.some(isAll), {
    what: `a push with ${wanted.join(', ')}`,
    deadlineMs: 30_000,
  });
  expect([...receiver.types]).toEqual(['application/x-protobuf']);

  const before = receiver.bodies.length;
  expect(await agent.stop()).toEqual({ code: 0, signal: null });
  expect(receiver.bodies.length, 'the end is pushed too').toBeGreaterThan(before);
});
