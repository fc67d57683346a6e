/**
 * Two agents share a topic, one is killed while it has folded what it has not committed. The other takes over: nothing
 * is lost, nothing counts twice, and every incident that `replay` finds in the same records is in the store and was
 * told.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  createInstallation,
  expectCounts,
  type Installation,
  type RunningInstallation,
} from '../kit/installation.ts';
import { countSent } from '../kit/oracle.ts';
import { startProxy } from '../kit/proxy.ts';
import { type RedisServer, startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { createTopic } from '../kit/topic.ts';
import { openTopic, type TopicRecord } from '../kit/topic-records.ts';
import { BYTE_GARBAGE, JSON_GARBAGE, jsonLines, trafficOf } from '../kit/traffic.ts';
import { waitFor } from '../kit/wait-for.ts';

const SEED = 42;
const PARTITIONS = 4;
// Names whose keys fall on all four partitions.
const TRAFFIC = trafficOf({
  seed: SEED,
  models: {
    'epsilon-a': 'deploy-epsilon',
    'epsilon-b': 'deploy-epsilon',
    'fp16-a': 'fp16-overflow',
    'fp16-b': 'fp16-overflow',
    'pod-a': 'one-bad-pod',
    'pod-d': 'one-bad-pod',
    'quiet-a': 'healthy',
    'quiet-b': 'healthy',
  },
  garbageOf: [...JSON_GARBAGE, ...BYTE_GARBAGE],
});
// The faults begin after some three eighths: the middle is where incidents open.
const FIRST = TRAFFIC.slice(0, TRAFFIC.length * 0.35);
const MIDDLE = TRAFFIC.slice(FIRST.length, TRAFFIC.length * 0.5);
const LAST = TRAFFIC.slice(FIRST.length + MIDDLE.length);

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

type Finding = Readonly<Record<string, unknown>> & { readonly id: string; readonly event: string };
const findingsIn = (text: string): Finding[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
const ordered = <T>(list: Iterable<T>): string[] => [...list].map((one) => JSON.stringify(one)).sort();

/** What `replay` finds in the same records, with the same configuration. */
async function replayed(t: Parameters<typeof tempDir>[0], installation: Installation): Promise<Finding[]> {
  const file = join(await tempDir(t), 'traffic.jsonl');
  await writeFile(file, jsonLines(TRAFFIC));
  const { stdout } = await installation.command(['replay', file]);
  return findingsIn(stdout).map(({ file: _, ...finding }) => finding as Finding);
}

async function partitionsOf(agent: RunningInstallation): Promise<number[]> {
  const lags = await agent.series('agent_lag_records');
  return lags.map(({ labels }) => Number(labels.partition)).sort();
}

const foldedBy = async (agent: RunningInstallation): Promise<number> => {
  const records = await agent.series('agent_records_total');
  return records.find(({ labels }) => labels.outcome === 'folded')?.value ?? 0;
};

async function positions(
  redis: RedisServer,
  topic: string,
  partitions: readonly number[],
): Promise<string[]> {
  return Promise.all(partitions.map((one) => redis.cli('hget', `nw:{${topic}:${one}}`, 'next')));
}

test.for(['kafkajs', 'platformatic'] as const)(
  'by %s: kill -9 of one of two agents loses nothing, counts nothing twice, and every incident is told',
  async (client, t) => {
    const topic = await createTopic(t, { brokers, partitions: PARTITIONS });
    const findingsTopic = await createTopic(t, { brokers });
    const redis = await startRedis(t);
    const link = await startProxy(t, { port: redis.port });
    const more = { 'kafka.client': client, 'kafka.findingsTopic': findingsTopic };
    const installation = await createInstallation(t, { brokers, topic, redis: redis.port, more });
    const survivor = await installation.start();
    const victim = await installation.start({ NORMWATCH_STORE_REDIS_PORT: String(link.port) });
    const log = await openTopic(t, brokers, topic);

    // Both have work, and all of it is committed.
    await log.send(FIRST);
    for (const [partition, end] of await log.ends()) expect(end, `partition ${partition}`).not.toBe(0n);
    await expectCounts({ agents: [survivor, victim], counts: countSent(FIRST), note: `seed ${SEED}` });
    const owned = await waitFor(
      async () => {
        const [mine, others] = await Promise.all([partitionsOf(victim), partitionsOf(survivor)]);
        return mine.length > 0 && others.length > 0 && mine.length + others.length === PARTITIONS && mine;
      },
      { what: 'both agents to own partitions', deadlineMs: 30_000 },
    );
    const committed = await positions(redis, topic, owned);
    const folded = await foldedBy(victim);

    // From here on nothing of the victim reaches the store, while it goes on folding.
    link.hold(true);
    await log.send(MIDDLE);
    await waitFor(async () => (await foldedBy(victim)) > folded, { what: 'the victim to fold more' });
    expect(await positions(redis, topic, owned), 'the victim has uncommitted work').toEqual(committed);
    await victim.process.kill();

    await log.send(LAST);
    await expectCounts({ agents: [survivor], counts: countSent(TRAFFIC), note: `seed ${SEED}` });
    const ends = await log.ends();
    expect(await positions(redis, topic, [...ends.keys()])).toEqual([...ends.values()].map(String));
    const expected = await replayed(t, installation);
    expect(new Set(expected.map(({ model }) => model))).toEqual(
      new Set(['epsilon-a', 'epsilon-b', 'fp16-a', 'fp16-b', 'pod-a', 'pod-d']),
    );
    await expectIncidents(installation, expected);
    const told = await openTopic(t, brokers, findingsTopic);
    await expectFindings(() => told.read(), expected);

    // From the store, as the next agent finds it.
    expect(await survivor.stop()).toEqual({ code: 0, signal: null });
    const heir = await installation.start();
    await expectCounts({ agents: [heir], counts: countSent(TRAFFIC), note: `heir, seed ${SEED}` });
  },
);

async function expectIncidents(installation: Installation, expected: readonly Finding[]): Promise<void> {
  const { stdout } = await installation.command(['incident', 'list', '--all', '--json']);
  const ids = (findings: readonly { readonly id: string }[]) =>
    [...new Set(findings.map(({ id }) => id))].sort();
  expect(ids(findingsIn(stdout))).toEqual(ids(expected));
}

/** At least once, and a repeat is the same to the letter. */
async function expectFindings(
  read: () => Promise<readonly TopicRecord[]>,
  expected: readonly Finding[],
): Promise<void> {
  const records = await waitFor(
    async () => {
      const all = await read();
      return new Set(all.map(({ value }) => value)).size >= expected.length && all;
    },
    { what: 'all findings in the topic', deadlineMs: 30_000, everyMs: 500 },
  );
  const byId = Map.groupBy(records, ({ headers }) => headers.ce_id);
  for (const [id, repeats] of byId) {
    expect(new Set(repeats.map(({ value }) => value)).size, `repeats of ${id} differ`).toBe(1);
    expect(repeats[0]).toMatchObject({
      key: expect.stringMatching(/^default\//),
      headers: {
        ce_specversion: '1.0',
        ce_type: 'dev.normwatch.incident.v1',
        'content-type': 'application/json',
      },
    });
  }
  const told = [...byId.values()].map(([first]) => JSON.parse(first?.value ?? ''));
  expect(ordered(told)).toEqual(ordered(expected));
}
