/** A sidecar as a pod has it: `run` with both roles, one stream of 50 layers, four flushes a second for half a minute. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTime } from '../agent/core/time.ts';
import { spawnAgent } from '../test/kit/agent.ts';
import { freePort } from '../test/kit/free-port.ts';
import { startKafka } from '../test/kit/kafka.ts';
import { ownerByHand } from '../test/kit/owner.ts';
import { startRedis } from '../test/kit/redis.ts';
import { createTopic } from '../test/kit/topic.ts';
import { waitFor } from '../test/kit/wait-for.ts';
import { type Figure, mebibytes, SMALL_MEMORY } from './measure.ts';

const LAYERS = Array.from({ length: 50 }, (_, i) => `blocks.${i}.norm`);
const FLUSHES_PER_SECOND = 4;
const SECONDS = 30;
/** Linux counts CPU time in hundredths of a second. */
const CLOCK_TICKS_PER_SECOND = 100;
const RSS_BYTES_MAX = 128 * 2 ** 20;

function line(seq: number, timeMs: number): string {
  const column = (at: number): number[] =>
    LAYERS.map((_, i) => Number((at + Math.sin(i + seq) / 50).toPrecision(5)));
  const zeros = LAYERS.map(() => 0);
  const block = () => ({
    count: LAYERS.map(() => 38_400),
    mean: column(0.1),
    variance: column(1),
    min: column(-4),
    max: column(4),
    nan: zeros,
    inf: zeros,
    token_variance_mean: column(1),
    token_variance_min: column(0.5),
  });
  return JSON.stringify({
    v: 1,
    kind: 'activations',
    time: formatTime(timeMs),
    window_ms: 1000 / FLUSHES_PER_SECOND,
    model: 'sidecar',
    version: 'v1',
    seq,
    requests: 4,
    tokens: 100,
    layers: LAYERS,
    input: block(),
    output: block(),
  });
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

const rssBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

export async function benchSidecar(): Promise<Figure[]> {
  const owner = ownerByHand();
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-bench-'));
  try {
    const { brokers } = await startKafka(owner);
    const redis = await startRedis(owner);
    const topic = await createTopic(owner, { brokers, partitions: 1 });
    const [port, door] = [await freePort(), await freePort()];
    const file = join(folder, 'normwatch.yaml');
    const config = {
      roles: ['agent', 'intake'],
      kafka: { brokers, topic },
      store: { redis: { host: '127.0.0.1', port: redis.port } },
      http: { port },
      intake: { port: door },
      log: { level: 'warn' },
    };
    await writeFile(file, JSON.stringify(config));
    const agent = await spawnAgent(owner, ['run', '--config', file], SMALL_MEMORY);
    const url = `http://127.0.0.1:${port}`;
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, {
      what: 'the sidecar to be ready',
      deadlineMs: 60_000,
    });
    let seq = 0;
    const post = async (): Promise<void> => {
      const body = `${line(seq++, Date.now())}\n`;
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await fetch(`http://127.0.0.1:${door}/v1/events`, { method: 'POST', headers, body });
      if (answer.status !== 202) throw new Error(`the intake answers ${answer.status}`);
    };
    for (let i = 0; i < 8; i++) await post();
    const startSeconds = cpuSeconds(agent.pid);
    const startMs = performance.now();
    for (let i = 0; i < SECONDS * FLUSHES_PER_SECOND; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1000 / FLUSHES_PER_SECOND));
      await post();
    }
    const share = (cpuSeconds(agent.pid) - startSeconds) / ((performance.now() - startMs) / 1000);
    const rss = rssBytes(agent.pid);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (!metrics.includes('normwatch_activation_mean{')) throw new Error('the sidecar folded nothing');
    const what = `sidecar, one stream of 50 layers, ${FLUSHES_PER_SECOND} flushes a second`;
    return [
      {
        what: `${what}: RSS`,
        value: mebibytes(rss),
        goal: `< ${mebibytes(RSS_BYTES_MAX)}`,
        good: rss < RSS_BYTES_MAX,
      },
      {
        what: `${what}: CPU`,
        value: `${(share * 100).toFixed(1)} % of a core`,
        goal: '< 5 %',
        good: share < 0.05,
      },
    ];
  } finally {
    await owner.finish();
    await rm(folder, { recursive: true, force: true });
  }
}
