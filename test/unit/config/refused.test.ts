/** What a configuration file is refused for: the row, the place, and the way out of each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Loaded, loadConfig } from '../../../agent/config/load.ts';
import type { Environment } from '../../../agent/config/variables.ts';
import type { ErrorName } from '../../../agent/errors.ts';
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

const REFUSED: [sentence: string, row: ErrorName, yaml: string, message: RegExp, wayOut: RegExp][] = [
  [
    'an unknown key',
    'config_unknown_key',
    `${MINIMAL}  tpye: redis\n`,
    /yaml:6: .*"store\.tpye"/,
    /"store\.type"/,
  ],
  [
    'a key in the wrong section',
    'config_unknown_key',
    `topic: x\n${MINIMAL}`,
    /yaml:1: .*"topic"/,
    /"kafka\.topic"/,
  ],
  ['an unknown section', 'config_unknown_key', `${MINIMAL}fodl: {}\n`, /yaml:6: .*"fodl"/, /"fold"/],
  [
    'a key in other capitals',
    'config_unknown_key',
    'kafka: { groupid: x }',
    /"kafka\.groupid"/,
    /"kafka\.groupId"/,
  ],
  [
    'a name of every object',
    'config_unknown_key',
    '__proto__: { polluted: 1 }',
    /"__proto__"/,
    /did you mean/,
  ],
  [
    'a duration without unit',
    'config_value',
    `${MINIMAL}fold:\n  tick: 10\n`,
    /yaml:7: "fold\.tick".*not 10$/,
    /./,
  ],
  [
    'a duration out of range',
    'config_value',
    'fold: { tick: 2h }',
    /from 1s to 10m.*not "2h"/,
    /config schema/,
  ],
  ['a size in other units', 'config_value', 'intake: { memory: 64MB }', /KiB, MiB, GiB.*not "64MB"/, /./],
  [
    'a port that is none',
    'config_value',
    'http: { port: 99999 }',
    /"http\.port".*0 to 65535, not 99999/,
    /./,
  ],
  ['half a port', 'config_value', 'http: { port: 1.5 }', /a whole number.*not 1\.5/, /./],
  [
    'a choice that is none',
    'config_value',
    'kafka: { client: librdkafka }',
    /one of kafkajs, platformatic/,
    /./,
  ],
  [
    'a broker without port',
    'config_value',
    'kafka: { brokers: [kafka] }',
    /a list of host:port, not \["kafka"\]/,
    /./,
  ],
  ['a role that is none', 'config_value', 'roles: [agent, boss]', /one or more of agent, intake/, /./],
  ['yes for true', 'config_value', 'kafka: { tls: { enabled: yes } }', /true or false, not "yes"/, /./],
  [
    'a rate in words',
    'config_value',
    'budget:\n  pages: once a month\n',
    /yaml:2: "budget\.pages" must be a rate .*, like 1\/30d or 2\/7d, not "once a month"$/,
    /./,
  ],
  ['a rate without duration', 'config_value', 'budget: { tickets: 3 }', /"budget\.tickets".*not 3$/, /./],
  ['a rate of nothing', 'config_value', 'budget: { tickets: 0/7d }', /not "0\/7d"$/, /./],
  ['a rate too often', 'config_value', 'budget: { tickets: 25/1d }', /to 1\/1h.*not "25\/1d"$/, /./],
  ['a rate too seldom', 'config_value', 'budget: { pages: 1/4000d }', /from 1\/3650d/, /./],
  [
    'a rate of one model',
    'config_value',
    'budget:\n  models:\n    bert: {}\n    gpt:\n      pages: 1 / 30\n',
    /yaml:5: "budget\.models\.gpt\.pages" must be a rate/,
    /./,
  ],
  [
    'an unknown key of a model',
    'config_unknown_key',
    'budget: { models: { bert: { page: 1/30d } } }',
    /"budget\.models\.bert\.page"/,
    /"budget\.models\.bert\.pages"/,
  ],
  [
    'a value for a model',
    'config_not_yaml',
    'budget: { models: { bert: 1/30d } }',
    /"budget\.models\.bert" must be a map/,
    /./,
  ],
  [
    'models in a list',
    'config_not_yaml',
    'budget: { models: [bert] }',
    /"budget\.models" must be a map/,
    /./,
  ],
  [
    'a model without name',
    'config_value',
    'budget: { models: { "": {} } }',
    /name of 1 to 128 characters, not ""$/,
    /./,
  ],
  [
    'a model of a long name',
    'config_value',
    `budget: { models: { ${'x'.repeat(129)}: {} } }`,
    /1 to 128/,
    /./,
  ],
  ['a number for a text', 'config_value', 'kafka: { topic: 7 }', /a text, not 7/, /./],
  ['a map for a value', 'config_value', 'kafka: { topic: { a: 1 } }', /a text, not \{"a":1\}/, /./],
  ['an address with a password', 'config_value', 'kafka: { brokers: ["x://u:hunter2@h:1"] }', /…@h:1/, /./],
  [
    'a secret in the file',
    'config_secret_inline',
    'store: { redis: { password: hunter2 } }',
    /plain/,
    /passwordFile/,
  ],
  [
    'a secret in an address',
    'config_secret_inline',
    'kafka: { brokers: [a:1] }\nstore: { redis: { url: "redis://u:hunter2@h" } }',
    /yaml:2: "store\.redis\.password"/,
    /NORMWATCH_STORE_REDIS_PASSWORD/,
  ],
  ['a secret file that is no path', 'config_value', 'store: { redis: { passwordFile: [] } }', /a path/, /./],
  ['a value for a section', 'config_not_yaml', 'kafka: [a:1]', /yaml:1: "kafka" must be a map/, /./],
  ['a list for the whole', 'config_not_yaml', '- a', /not a map of keys/, /./],
  ['broken YAML', 'config_not_yaml', `${MINIMAL}fold: {\n`, /yaml:\d+: /, /mend the line/],
  ['a key that comes twice', 'config_not_yaml', `${MINIMAL}kafka: {}\n`, /yaml:6: .*unique/, /./],
  ['no broker', 'config_missing', 'store: { redis: { host: h } }', /yaml: "kafka\.brokers" is missing/, /./],
  [
    'no way to Redis',
    'config_missing',
    'kafka: { brokers: [a:1] }\nstore:\n  type: redis',
    /yaml:2: .*redis\.host/,
    /./,
  ],
  [
    'two ways to Redis',
    'config_conflict',
    `${MINIMAL}    cluster: [a:1]\n`,
    /host and cluster name Redis twice/,
    /./,
  ],
  [
    'an address that is none',
    'config_conflict',
    'kafka: {brokers: [a:1]}\nstore: {redis: {url: h}}',
    /no address/,
    /./,
  ],
  [
    'an address of something else',
    'config_conflict',
    'kafka: {brokers: [a:1]}\nstore: {redis: {url: "http://h"}}',
    /redis:\/\/ or rediss/,
    /./,
  ],
  [
    'a disk without file',
    'config_missing',
    'kafka: {brokers: [a:1]}\nstore: {type: disk}',
    /store\.disk\.path/,
    /./,
  ],
  [
    'half a client certificate',
    'config_missing',
    MINIMAL.replace('\nstore', '\n  tls: {cert: c}\nstore'),
    /tls\.key/,
    /./,
  ],
  [
    'a password in the clear',
    'config_conflict',
    MINIMAL.replace('\nstore', '\n  sasl: {mechanism: plain, username: u, passwordFile: p}\nstore'),
    /plain without TLS/,
    /./,
  ],
  [
    'a user without password',
    'config_missing',
    MINIMAL.replace('\nstore', '\n  sasl: {mechanism: scram-sha-256, username: u}\nstore'),
    /"kafka\.sasl\.passwordFile" is missing/,
    /./,
  ],
  [
    'a heartbeat too slow',
    'config_conflict',
    MINIMAL.replace('\nstore', '\n  heartbeatInterval: 20s\nstore'),
    /a third/,
    /./,
  ],
];

describe('a configuration file is refused for', () => {
  it.for(REFUSED)('%s', async ([, row, yaml, message, wayOut], t) => {
    const failed = await provokes(row, () => load(t, yaml));
    expect(failed.message).toMatch(message);
    expect(failed.wayOut).toMatch(wayOut);
    expect(`${failed.message}\n${failed.wayOut}`).not.toContain('hunter2');
  });

  it('several things, all told at once', async (t) => {
    const failed = await load(t, 'a: 1\nhttp: { port: x }\n', { NORMWATCH_LOG_LEVEL: 'loud' }).catch(
      (error) => error,
    );
    expect(failed).toBeInstanceOf(AggregateError);
    expect(failed.errors.map((one: { row: string }) => one.row)).toEqual([
      'config_unknown_key',
      'config_value',
      'config_value',
    ]);
  });

  it('not being there', async () => {
    const options = { file: '/nowhere/normwatch.yaml', environment: {}, folder: '/' };
    const failed = await provokes('config_unreadable', () => loadConfig(options));
    expect(failed.message).toBe('/nowhere/normwatch.yaml: cannot be read: no such file or directory');
  });
});
