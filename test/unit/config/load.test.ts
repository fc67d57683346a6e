/** File and variables → configuration: what is taken, what is refused, and where the message points. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Loaded, loadConfig } from '../../../agent/config/load.ts';
import { foldSettings } from '../../../agent/config/settings.ts';
import type { Environment } from '../../../agent/config/variables.ts';
import { budgetOf } from '../../../agent/core/budget.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import type { Owner } from '../../kit/owner.ts';
import { provokes } from '../../kit/provoke.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const MINIMAL = 'kafka:\n  brokers: [kafka:9092]\nstore:\n  redis:\n    host: redis\n';

async function load(t: Owner, yaml: string, environment: Environment = {}): Promise<Loaded> {
  const folder = await tempDir(t);
  const file = join(folder, 'normwatch.yaml');
  writeFileSync(file, yaml);
  return loadConfig({ file, environment, folder });
}

describe('a configuration file', () => {
  it('is at its defaults where it says nothing', async (t) => {
    const { config, origins } = await load(t, MINIMAL);
    expect(config.kafka).toMatchObject({
      client: 'kafkajs',
      brokers: ['kafka:9092'],
      sessionTimeoutMs: 30_000,
    });
    expect(config.store.type).toBe('redis');
    expect(foldSettings(config)).toEqual(DEFAULT_SETTINGS);
    expect(origins.get('kafka.brokers')).toMatch(/normwatch\.yaml:2$/);
    expect(origins.has('kafka.topic')).toBe(false);
  });

  it('takes values with their units', async (t) => {
    const { config } = await load(
      t,
      `${MINIMAL}fold: { tick: 1m, lateness: 500 ms, rollingDelay: 1.5h }\nintake: { memory: 1GiB, linger: 0ms }\n`,
    );
    expect(config.fold).toMatchObject({ tickMs: 60_000, latenessMs: 500, rollingDelayMs: 5_400_000 });
    expect(config.intake).toMatchObject({ memoryBytes: 1024 ** 3, lingerMs: 0 });
  });

  it('takes rates, and for single models what they have otherwise', async (t) => {
    const { config, origins } = await load(
      t,
      `${MINIMAL}budget:\n  pages: 1/90d\n  models:\n    bert: { tickets: 2/7d, pages: null }\n    org/x.y: {outputKlNats: 0.5}\n    none:\n`,
      { NORMWATCH_BUDGET_TICKETS: '1/12h' },
    );
    const DAY = 86_400_000;
    const settings = foldSettings(config);
    expect(settings.budget).toEqual({ outputKlNats: 0.1, pagesEveryMs: 90 * DAY, ticketsEveryMs: DAY / 2 });
    expect(settings.budgets).toEqual({
      bert: { ticketsEveryMs: 3.5 * DAY },
      'org/x.y': { outputKlNats: 0.5 },
      none: {},
    });
    expect(budgetOf(settings, 'bert')).toEqual({ ...settings.budget, ticketsEveryMs: 3.5 * DAY });
    expect(budgetOf(settings, 'other')).toEqual(settings.budget);
    expect(origins.get('budget.models.bert.tickets')).toMatch(/normwatch\.yaml:9$/);
    expect(origins.get('budget.tickets')).toBe('NORMWATCH_BUDGET_TICKETS');
  });

  it('takes a list as a list or separated by commas, and knows IPv6 in brackets', async (t) => {
    const { config } = await load(t, MINIMAL.replace('[kafka:9092]', '"a:1, [::1]:2"'));
    expect(config.kafka.brokers).toEqual(['a:1', '[::1]:2']);
  });

  it('takes anchors, empty sections and null as YAML has them', async (t) => {
    const { config } = await load(
      t,
      'kafka:\n  brokers: &all [a:1]\n  tls:\n  topic: null\nstore: { type: redis, redis: { cluster: *all } }\nhttp:\n',
    );
    expect(config.store.redis.cluster).toEqual(['a:1']);
    expect(config.kafka.topic).toBe('normwatch.events');
  });

  it('gives way to variables, which are told as the origin', async (t) => {
    const { config, origins } = await load(t, `${MINIMAL}http: { port: 1 }\n`, {
      NORMWATCH_HTTP_PORT: '2',
      NORMWATCH_KAFKA_BROKERS: 'x:1,y:2',
      NORMWATCH_ROLES: 'agent,intake',
      NORMWATCH_KAFKA_TLS_ENABLED: 'true',
      NORMWATCH_LOG_LEVEL: '',
    });
    expect(config).toMatchObject({
      http: { port: 2 },
      roles: ['agent', 'intake'],
      kafka: { brokers: ['x:1', 'y:2'], tls: { enabled: true } },
      log: { level: 'info' },
    });
    expect(origins.get('http.port')).toBe('NORMWATCH_HTTP_PORT');
  });

  it('is not needed where variables say enough', () => {
    const environment = { NORMWATCH_KAFKA_BROKERS: 'a:1', NORMWATCH_STORE_TYPE: 'memory' };
    expect(loadConfig({ file: null, environment, folder: '/' }).config.kafka.brokers).toEqual(['a:1']);
  });

  it('counts relative paths from its own folder, in a variable from the working folder', async (t) => {
    const folder = await tempDir(t);
    mkdirSync(join(folder, 'etc'));
    const file = join(folder, 'etc/normwatch.yaml');
    writeFileSync(file, `${MINIMAL}  type: disk\n  disk: { path: state/nw.db }\n`);
    const { config } = loadConfig({ file, environment: { NORMWATCH_INTAKE_SOCKET_PATH: 'a.sock' }, folder });
    expect(config.store.disk.path).toBe(join(folder, 'etc/state/nw.db'));
    expect(config.intake.socketPath).toBe(join(folder, 'a.sock'));
  });
});

describe('a variable', () => {
  const read = (environment: Environment) =>
    loadConfig({ file: null, environment: { NORMWATCH_KAFKA_BROKERS: 'a:1', ...environment }, folder: '/' });
  const memory = { NORMWATCH_STORE_TYPE: 'memory' };

  it('that is unknown is refused with the nearest known one', async () => {
    const failed = await provokes('config_unknown_variable', () => read({ NORMWATCH_KAFKA_TOPC: 'x' }));
    expect(failed.message).toContain('NORMWATCH_KAFKA_TOPC');
    expect(failed.wayOut).toContain('NORMWATCH_KAFKA_TOPIC');
  });

  it('that Kubernetes sets for a Service of this name is none of ours', () => {
    read({
      ...memory,
      NORMWATCH_SERVICE_HOST: '10.0.0.1',
      NORMWATCH_SERVICE_PORT_METRICS: '9464',
      NORMWATCH_PORT: 'tcp://10.0.0.1:9464',
      NORMWATCH_PORT_9464_TCP_ADDR: '10.0.0.1',
    });
  });

  it('that Kubernetes sets over one of ours is told with the way out', async () => {
    const failed = await provokes('config_value', () => read({ NORMWATCH_HTTP_PORT: 'tcp://10.0.0.1:80' }));
    expect(failed.wayOut).toContain('enableServiceLinks: false');
  });

  it('holds a secret, or names its file', async (t) => {
    const folder = await tempDir(t);
    writeFileSync(join(folder, 'pw'), 'from file\n');
    const plain = read({ ...memory, NORMWATCH_STORE_REDIS_PASSWORD: 'hunter2' }).config;
    const file = read({ ...memory, NORMWATCH_STORE_REDIS_PASSWORD_FILE: join(folder, 'pw') }).config;
    expect(plain.store.redis.password?.reveal()).toBe('hunter2');
    expect(file.store.redis.password?.reveal()).toBe('from file');
  });
});
