/** An installation as a user sets one up: a configuration file, and the program run with it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { spawnAgent } from './agent.ts';
import { freePort } from './free-port.ts';
import { type Counts, countShown, differences, type SeriesOf } from './oracle.ts';
import type { Owner } from './owner.ts';
import type { Exit, RunningProcess } from './process.ts';
import type { Sample } from './prometheus.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export interface InstallationOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Port of a Redis on this machine. */
  readonly redis: number;
  /** More of the configuration, by its dotted keys; they win. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface Installation {
  /** The configuration file. */
  readonly file: string;
  /** A command that ends by itself; it must end well unless `code` says otherwise. */
  command(args: readonly string[], code?: number): Promise<{ stdout: string; stderr: string }>;
  /** `run`, as one of its processes. */
  start(env?: Readonly<Record<string, string>>): Promise<RunningInstallation>;
}

export interface RunningInstallation {
  readonly process: RunningProcess;
  readonly url: string;
  /** `host:port` for Prometheus. */
  readonly target: string;
  ready(): Promise<{ status: number; body: Readonly<Record<string, unknown>> }>;
  series: SeriesOf;
  /** Lines of the log with this word in them. */
  log(word: string): Readonly<Record<string, unknown>>[];
  /** SIGTERM, and the exit. */
  stop(): Promise<Exit>;
}

export async function createInstallation(owner: Owner, options: InstallationOptions): Promise<Installation> {
  const settings: Record<string, unknown> = {
    'kafka.brokers': options.brokers,
    'kafka.topic': options.topic,
    'kafka.groupId': `g-${options.topic}`,
    'kafka.connectionTimeout': '1s',
    // As quick as the broker allows: a killed member is missed after these.
    'kafka.sessionTimeout': '6s',
    'kafka.rebalanceTimeout': '6s',
    'kafka.heartbeatInterval': '500ms',
    'store.redis.host': '127.0.0.1',
    'store.redis.port': options.redis,
    'store.redis.deadline': '500ms',
    ...options.more,
  };
  const file = join(await tempDir(owner), 'normwatch.yaml');
  await writeFile(file, yaml(settings));
  return {
    file,
    async command(args, code = 0) {
      const process = await spawnAgent(owner, args, { NORMWATCH_CONFIG: file });
      const exit = await process.exited;
      const told = `normwatch ${args.join(' ')}\n${process.output()}`;
      expect(exit, told).toEqual({ code, signal: null });
      return { stdout: process.stdout(), stderr: process.stderr() };
    },
    start: (env = {}) => start(owner, file, env),
  };
}

async function start(
  owner: Owner,
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<RunningInstallation> {
  const port = await freePort();
  const process = await spawnAgent(owner, ['run', '--config', file], {
    NORMWATCH_HTTP_PORT: String(port),
    ...env,
  });
  const target = `127.0.0.1:${port}`;
  const url = `http://${target}`;
  const alive = async () => {
    if (!process.running()) throw new Error(`it ended:\n${process.output().slice(-3_000)}`);
    return (await fetch(`${url}/healthz`)).ok;
  };
  await waitFor(alive, { what: `normwatch run on ${url}`, deadlineMs: 30_000 });
  return {
    process,
    url,
    target,
    async ready() {
      const response = await fetch(`${url}/readyz`);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async series(metric) {
      const response = await fetch(`${url}/metrics`);
      if (!response.ok) throw new Error(`/metrics answers ${response.status}`);
      return samplesOf(await response.text(), `normwatch_${metric}`);
    },
    log: (word) => logOf(process.stdout()).filter((line) => JSON.stringify(line).includes(word)),
    async stop() {
      process.signal('SIGTERM');
      await waitFor(() => !process.running(), { what: `${url} to end after SIGTERM`, deadlineMs: 30_000 });
      return process.exited;
    },
  };
}

export interface ExpectedCounts {
  /** Who is asked; all of them together must show these counts and nothing beside. */
  readonly agents: readonly RunningInstallation[];
  readonly counts: Counts;
  /** Instead of the agents' own metrics. */
  readonly seriesOf?: SeriesOf;
  /** Told with a failure: seed, moment. */
  readonly note?: string;
  readonly deadlineMs?: number;
}

export async function expectCounts({ agents, counts, ...options }: ExpectedCounts): Promise<void> {
  const own: SeriesOf = async (metric) => (await Promise.all(agents.map((one) => one.series(metric)))).flat();
  const check = async (): Promise<boolean> => {
    const found = differences(await countShown(options.seriesOf ?? own), counts);
    if (found.length === 0) return true;
    throw new Error(`${options.note ?? ''} ${found.join('; ')}`);
  };
  const waiting = {
    what: 'the counts of the oracle',
    deadlineMs: options.deadlineMs ?? 60_000,
    everyMs: 100,
  };
  await waitFor(check, waiting).catch((error: Error) => {
    const logs = agents.map(({ url, process }) => `${url} said last:\n${process.output().slice(-2_000)}`);
    throw new Error([error.message, ...logs].join('\n'));
  });
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** What the text of an exposition says of one metric. */
function samplesOf(text: string, metric: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name !== metric) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', own = '']) => [key, own] as const);
    return [{ labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** The last line may still be on its way. */
const logOf = (stdout: string): Record<string, unknown>[] =>
  stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

/** `a.b: 1` nested; JSON is YAML. */
function yaml(settings: Readonly<Record<string, unknown>>): string {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    const keys = path.split('.');
    let node = tree;
    for (const key of keys.slice(0, -1)) {
      node[key] ??= {};
      node = node[key] as Record<string, unknown>;
    }
    node[keys.at(-1) ?? ''] = value;
  }
  return `${JSON.stringify(tree, null, 2)}\n`;
}
