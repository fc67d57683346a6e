/**
 * The whole way, with real programs only: a recording into Kafka, the agent, its state in Redis, its numbers in
 * Prometheus. Counts must equal those of an oracle that reads the same lines with code of its own.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createInstallation, expectCounts } from '../kit/installation.ts';
import { countSent, type Sent, type SeriesOf } from '../kit/oracle.ts';
import { startPrometheus } from '../kit/prometheus.ts';
import { startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { createTopic } from '../kit/topic.ts';
import { openTopic } from '../kit/topic-records.ts';
import { BYTE_GARBAGE, jsonLines, RECORDINGS, trafficOf } from '../kit/traffic.ts';

const MODEL = 'minilm-l6';
const SEED = 41;

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

/** The recording as `produce` takes it, with repeats, gaps and objects that are no events. */
const TRAFFIC = trafficOf({ seed: SEED, models: { [MODEL]: 'deploy-epsilon' }, pin: false });
/** What `baseline pin` sends, as far as it is counted. */
const PIN: Sent = {
  model: MODEL,
  value: '{"kind":"baseline","source":"whoever pins","seq":0}',
  refused: null,
};
/** Bytes that `produce` would not send. */
const GARBAGE = trafficOf({
  seed: SEED,
  models: { [MODEL]: 'deploy-epsilon' },
  garbage: 0.02,
  garbageOf: BYTE_GARBAGE,
}).filter(({ refused }) => refused !== null);

test.for(['kafkajs', 'platformatic'] as const)(
  'by %s: counts and incident of a produced recording are what Prometheus scrapes',
  async (client, t) => {
    const topic = await createTopic(t, { brokers, partitions: 2 });
    const redis = await startRedis(t);
    const more = { 'kafka.client': client };
    const installation = await createInstallation(t, { brokers, topic, redis: redis.port, more });
    const agent = await installation.start();
    const prometheus = await startPrometheus(t, { targets: [agent.target] });

    const folder = await tempDir(t);
    const reference = join(folder, 'shipped.nwref');
    const recording = join(folder, 'traffic.jsonl');
    await writeFile(recording, jsonLines(TRAFFIC));
    const about = ['--model', MODEL, '--version', 'v1'];
    const baseline = join(RECORDINGS, 'baseline.jsonl.gz');
    await installation.command(['baseline', 'export', ...about, '--recording', baseline, '--out', reference]);
    await installation.command(['baseline', 'pin', ...about, '--reference', 'shipped', '--data', reference]);
    const produced = await installation.command(['produce', recording]);
    expect(produced.stderr).toContain(`${TRAFFIC.length} events sent to ${topic}`);
    await (await openTopic(t, brokers, topic)).send(GARBAGE);

    const counts = countSent([PIN, ...TRAFFIC, ...GARBAGE]);
    for (const part of ['duplicates', 'missing', 'refused'] as const)
      expect(Object.keys(counts[part]), `the traffic has ${part}`).not.toEqual([]);
    const seriesOf: SeriesOf = (metric) => prometheus.query(`normwatch_${metric}`);
    await expectCounts({ agents: [agent], counts, seriesOf, note: `seed ${SEED}` });

    // As the alert asks.
    const active = await prometheus.query(
      'max by (environment, model, version, role, run, incident) (normwatch_incident_active{severity=~".*"}) == 1',
    );
    expect(active.map(({ labels }) => labels)).toEqual([
      { environment: 'default', model: MODEL, version: 'v2', role: 'stable', incident: expect.any(String) },
    ]);
    const incident = active[0]?.labels.incident;
    const info = await prometheus.query(`normwatch_incident_info{incident="${incident}"}`);
    expect(info).toHaveLength(1);
    expect(info[0]?.labels).toMatchObject({
      layer: 'encoder.layer.2.output.LayerNorm',
      scope: 'rollout',
      sources: 'all',
      cause: expect.stringMatching(/^[a-z_0-9]+$/),
    });

    const list = await installation.command(['incident', 'list', '--json']);
    expect(
      list.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ id: incident, model: MODEL, version: 'v2', status: 'open' }]);
    expect(await agent.ready()).toEqual({ status: 200, body: { ready: true, kafka: 'ok', redis: 'ok' } });
  },
);
