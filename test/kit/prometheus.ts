import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import type { Owner } from './owner.ts';
import { type Server, startServer } from './server.ts';
import { requireProgram } from './services/programs.ts';
import { tempDir } from './temp-dir.ts';

export interface PrometheusOptions {
  /** `host:port` of what is scraped at `/metrics`. */
  readonly targets: readonly string[];
  /** Paths of rule files. */
  readonly rules?: readonly string[];
  /** `host:port` of Alertmanagers. */
  readonly alertmanagers?: readonly string[];
  /** Between scrapes, and between evaluations of the rules. */
  readonly everyMs?: number;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus extends Server {
  readonly url: string;
  /** Answer to an instant query. */
  query(promql: string): Promise<Sample[]>;
  /** Alerts pending or firing. */
  alerts(): Promise<{ labels: Record<string, string>; annotations: Record<string, string>; state: string }[]>;
}

/** A real Prometheus that scrapes the targets twice a second. */
export async function startPrometheus(owner: Owner, options: PrometheusOptions): Promise<Prometheus> {
  const dir = await tempDir(owner);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(dir, 'prometheus.yml');
  const every = `${options.everyMs ?? 500}ms`;
  const configuration = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: options.rules ?? [],
    alerting: { alertmanagers: [{ static_configs: [{ targets: options.alertmanagers ?? [] }] }] },
    scrape_configs: [{ job_name: 'normwatch', static_configs: [{ targets: options.targets }] }],
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configuration));
  const server = await startServer(owner, {
    name: 'prometheus',
    command: requireProgram('prometheus'),
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    ready: async () => (await fetch(`${url}/-/ready`)).ok,
  });
  return {
    ...server,
    url,
    query: async (promql) => {
      const data = await ask(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`);
      return (data as QueryData).result.map(({ metric, value }) => ({
        labels: metric,
        value: Number(value[1]),
      }));
    },
    alerts: async () => ((await ask(`${url}/api/v1/alerts`)) as AlertsData).alerts,
  };
}

interface QueryData {
  readonly result: { metric: Record<string, string>; value: [number, string] }[];
}

interface AlertsData {
  readonly alerts: Awaited<ReturnType<Prometheus['alerts']>>;
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url);
  const body = (await response.json()) as { status: string; error?: string; data?: unknown };
  if (body.status !== 'success') throw new Error(`prometheus: ${body.error ?? response.status}`);
  return body.data;
}
