/**
 * The way of a user through all commands, on a real installation: a baseline carried over from training, telemetry, an
 * incident that is found, looked at, and accepted.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnAgent } from '../kit/agent.ts';
import { runLine } from '../kit/command-line.ts';
import { startRedis } from '../kit/redis.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { createTopic } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';

const RECORDINGS = join(import.meta.dirname, '../../examples/recordings');
const MODEL = ['--model', 'minilm-l6'];

it('a fault is found against a pinned baseline, listed, shown and accepted', async (t) => {
  const brokers = await sharedKafka();
  const redis = await startRedis(t);
  const topic = await createTopic(t, { brokers, partitions: 2 });
  const folder = await tempDir(t);
  const config = join(folder, 'normwatch.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      kafka: { brokers, topic, groupId: topic },
      store: { redis: { host: '127.0.0.1', port: redis.port } },
      http: { port: 0 },
    }),
  );
  const good = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await runLine(words, { environment: { NORMWATCH_CONFIG: config } });
    expect(code, err).toBe(0);
    return out;
  };
  const incidents = async (...more: string[]): Promise<Record<string, unknown>[]> =>
    (await good('incident', 'list', '--json', ...more))
      .split('\n')
      .flatMap((line) => (line ? [JSON.parse(line)] : []));

  const reference = join(folder, 'training.nwref');
  const recording = ['--recording', join(RECORDINGS, 'baseline.jsonl.gz')];
  await good('baseline', 'export', ...MODEL, '--version', 'v1', ...recording, '-o', reference);
  await good('baseline', 'pin', ...MODEL, '--version', 'v1', '--reference', 'training', '--data', reference);
  await good('produce', join(RECORDINGS, 'deploy-epsilon.jsonl.gz'), '--rebase', 'now');
  await spawnAgent(t, ['run', '--config', config]);

  const open = await waitFor(async () => (await incidents())[0] ?? false, {
    what: 'the incident',
    deadlineMs: 60_000,
  });
  expect(open).toMatchObject({ model: 'minilm-l6', version: 'v2', status: 'open' });
  expect(await good('baseline', 'show', ...MODEL)).toContain('pinned training');
  const id = String(open.id);
  expect(await good('incident', 'show', id)).toContain(`# Incident ${id}`);

  await good('incident', 'accept', id, '--reason', 'wanted');
  const accepted = await waitFor(
    async () => (await incidents('--all')).find((one) => one.id === id && one.status === 'accepted') ?? false,
    { what: 'the incident to be accepted', deadlineMs: 60_000 },
  );
  expect(accepted).toMatchObject({ id });
  expect(await incidents()).toEqual([]);
});
