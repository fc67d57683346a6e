/**
 * What an agent leans on goes away: it says so by name, goes on by itself when it returns, and nothing is lost. Real
 * servers that are not there yet, are killed, hang, and start again on what they kept.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { createInstallation, expectCounts, type RunningInstallation } from '../kit/installation.ts';
import { startKafka } from '../kit/kafka.ts';
import { countSent } from '../kit/oracle.ts';
import { startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { createTopic } from '../kit/topic.ts';
import { openTopic } from '../kit/topic-records.ts';
import { trafficOf } from '../kit/traffic.ts';
import { waitFor } from '../kit/wait-for.ts';

const SEED = 43;
const TRAFFIC = trafficOf({
  seed: SEED,
  models: { epsilon: 'deploy-epsilon', fp16: 'fp16-overflow', pod: 'one-bad-pod' },
});
const FIRST = TRAFFIC.slice(0, TRAFFIC.length / 3);
const SECOND = TRAFFIC.slice(FIRST.length, FIRST.length * 2);
const THIRD = TRAFFIC.slice(FIRST.length * 2);

/** A killed broker may come back once its controller has given up its former life. */
const QUICK_RETURN = { 'broker.session.timeout.ms': '1500', 'broker.heartbeat.interval.ms': '300' };

type System = 'kafka' | 'redis';

/** The system is named as the one in trouble, in a sentence, and no other is. */
async function expectTrouble(agent: RunningInstallation, system: System, sentence: RegExp): Promise<void> {
  const other = system === 'kafka' ? 'redis' : 'kafka';
  await waitFor(
    async () => {
      const { status, body } = await agent.ready();
      expect({ status, body }).toEqual({
        status: 503,
        body: { ready: false, [system]: expect.stringMatching(sentence), [other]: 'ok' },
      });
      return true;
    },
    { what: `/readyz to name ${system}`, deadlineMs: 60_000 },
  );
}

async function expectReady(agent: RunningInstallation): Promise<void> {
  await waitFor(async () => (await agent.ready()).status === 200, {
    what: '/readyz to be good again',
    deadlineMs: 60_000,
  });
}

describe('Kafka', () => {
  test.for(['kafkajs', 'platformatic'] as const)(
    'by %s: not there at first, then killed and started again',
    async (client, t) => {
      const port = await freePort();
      const brokers = [`127.0.0.1:${port}`];
      const topic = 'normwatch.events';
      const redis = await startRedis(t);
      const more = { 'kafka.client': client };
      const installation = await createInstallation(t, { brokers, topic, redis: redis.port, more });
      const agent = await installation.start();
      await expectTrouble(agent, 'kafka', new RegExp(`^Kafka at 127.0.0.1:${port} does not answer: `));
      expect(agent.log('source_trouble')[0]).toMatchObject({
        level: 'warn',
        message: expect.stringContaining(`Kafka at 127.0.0.1:${port} does not answer`),
      });

      const kafka = await startKafka(t, { port, properties: QUICK_RETURN });
      await createTopic(t, { brokers, name: topic, partitions: 2 });
      await (await openTopic(t, brokers, topic)).send(FIRST);
      await expectCounts({ agents: [agent], counts: countSent(FIRST), note: `seed ${SEED}` });
      await expectReady(agent);

      await kafka.kill();
      await expectTrouble(agent, 'kafka', /does not answer/);
      await kafka.start();
      await (await openTopic(t, brokers, topic)).send([...SECOND, ...THIRD]);
      await expectCounts({ agents: [agent], counts: countSent(TRAFFIC), note: `seed ${SEED}` });
      await expectReady(agent);
      expect(agent.log('source_recovered').length).toBeGreaterThan(0);
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
      // An orderly end of the broker would take longer than all of the above.
      await kafka.kill();
    },
  );
});

describe('Redis', () => {
  let brokers: string[];
  beforeAll(async () => {
    brokers = await sharedKafka();
  });

  test('not there at first, then hanging, then killed and started again on its append-only file', async (t) => {
    const topic = await createTopic(t, { brokers, partitions: 2 });
    const port = await freePort();
    const installation = await createInstallation(t, { brokers, topic, redis: port });
    const agent = await installation.start();
    const log = await openTopic(t, brokers, topic);
    await log.send(FIRST);
    await expectTrouble(agent, 'redis', /\w+ \w+/);
    expect(agent.log('store_unavailable')[0]).toMatchObject({ level: 'warn' });

    const redis = await startRedis(t, { port, args: ['--appendonly', 'yes'] });
    await expectCounts({ agents: [agent], counts: countSent(FIRST), note: `seed ${SEED}` });
    await expectReady(agent);

    redis.signal('SIGSTOP');
    await log.send(SECOND);
    await expectTrouble(agent, 'redis', /\w+ \w+/);
    redis.signal('SIGCONT');
    await expectCounts({ agents: [agent], counts: countSent([...FIRST, ...SECOND]), note: `seed ${SEED}` });
    await expectReady(agent);

    await redis.kill();
    await log.send(THIRD);
    await expectTrouble(agent, 'redis', /\w+ \w+/);
    await redis.start();
    await expectCounts({ agents: [agent], counts: countSent(TRAFFIC), note: `seed ${SEED}` });
    await expectReady(agent);
    expect(agent.log('store_recovered').length).toBeGreaterThan(0);
  });

  test('that may throw state away is refused: exit 2 with the way out', async (t) => {
    const topic = await createTopic(t, { brokers });
    const redis = await startRedis(t, { args: ['--maxmemory-policy', 'allkeys-lru'] });
    const installation = await createInstallation(t, { brokers, topic, redis: redis.port });
    const { stderr } = await installation.command(['run'], 2);
    expect(stderr).toContain('maxmemory-policy allkeys-lru and may throw state away: set it to noeviction');
    expect(stderr).toContain('[NW402]');
  });
});
