/** Print, JSON Schema and reference page all follow from the one table. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../agent/config/load.ts';
import { printConfig } from '../../../agent/config/print.ts';
import { showRate } from '../../../agent/config/rate.ts';
import { configReference } from '../../../agent/config/reference.ts';
import { fileNameOf, ROWS } from '../../../agent/config/rows.ts';
import { configSchema } from '../../../agent/config/schema.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const ENVIRONMENT = {
  NORMWATCH_KAFKA_BROKERS: 'a:1,b:2',
  NORMWATCH_STORE_TYPE: 'memory',
  NORMWATCH_FOLD_TICK: '1m',
};
const loaded = loadConfig({ file: null, environment: ENVIRONMENT, folder: '/' });

const at = (tree: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], tree);

it('prints every key as it could stand in a file, with the origin of what was set', () => {
  const printed = printConfig(loaded);
  for (const { path, key } of ROWS) {
    const value = at(parse(printed), path);
    expect(value, path).not.toBe(undefined);
    if (value !== null) expect(key.parse(value), path).toEqual(loaded.values.get(path));
  }
  expect(printed).toContain('  tick: 1m  # NORMWATCH_FOLD_TICK\n');
});

it('describes every key in the schema, under the name it has in the file', () => {
  const schema = configSchema();
  for (const { path, key, variable } of ROWS) {
    const name = fileNameOf(path, key).replaceAll('.', '.properties.');
    const description = variable === null ? key.help : `${key.help} Variable: ${variable}.`;
    expect(at(schema, `properties.${name}`), path).toMatchObject({ description });
  }
});

it('prints what models have of their own as it could stand in a file, with the line of each', async (t) => {
  const file = join(await tempDir(t), 'nw.yaml');
  writeFileSync(
    file,
    'budget:\n  models:\n    org/bert 2:\n      pages: 2/7d\n    "7": { outputKlNats: 1 }\n    none:\n',
  );
  const own = loadConfig({ file, environment: ENVIRONMENT, folder: '/' });
  const printed = printConfig(own);
  expect(printed).toContain(`      pages: 2/7d  # ${file}:4\n`);
  const models = ROWS.find(({ path }) => path === 'budget.models')!;
  expect(models.key.parse(at(parse(printed), 'budget.models'))).toEqual(own.values.get('budget.models'));
  expect(Object.keys(own.config.budget.models).sort()).toEqual(['7', 'none', 'org/bert 2']);
});

it('shows a rate as people would say it, and reads it back to the millisecond', () => {
  const { key } = ROWS.find(({ path }) => path === 'budget.pages')!;
  for (const said of ['1/30d', '2/7d', '7/30d', '1/12h', '1/90m', '13/365d', '1/1d', '99/100d']) {
    const everyMs = key.parse(said);
    expect(showRate(everyMs), said).toBe(said);
  }
  expect(showRate(key.parse('24/1d'))).toBe('1/1h');
  expect(key.parse(showRate(key.parse('10/3.3d')))).toBe(key.parse('10/3.3d'));
});

it('allows in the schema what the parser takes, and nothing it refuses', () => {
  const pattern = (path: string) =>
    new RegExp((at(configSchema(), path) as { anyOf: { pattern: string }[] }).anyOf[0]!.pattern);
  expect('30s').toMatch(pattern('properties.fold.properties.tick'));
  expect('30').not.toMatch(pattern('properties.fold.properties.tick'));
  expect('64MiB').toMatch(pattern('properties.intake.properties.memory'));
  expect('64MB').not.toMatch(pattern('properties.intake.properties.memory'));
  const ofModel = 'properties.budget.properties.models.additionalProperties.properties';
  for (const path of ['properties.budget.properties', ofModel]) {
    for (const good of ['1/30d', '2/7d', '1/12h']) expect(good).toMatch(pattern(`${path}.pages`));
    for (const bad of ['1', '0/7d', '1/7', '7d', '-1/7d', '1.5/7d'])
      expect(bad).not.toMatch(pattern(`${path}.pages`));
  }
});

it('has every key and variable in the reference page, and a sentence of help each', () => {
  const page = configReference();
  for (const { path, key, variable } of ROWS) {
    expect(page).toContain(`\n| \`${fileNameOf(path, key)}\` | `);
    if (variable !== null) expect(page).toContain(`\`${variable}\``);
    expect(key.help).toMatch(/^[A-Z"0-9].*\.$/);
  }
});

it('gives every key a variable of its own, but what has free names', () => {
  const named = ROWS.filter(({ variable }) => variable !== null);
  expect(new Set(named.map(({ variable }) => variable)).size).toBe(named.length);
  expect(ROWS.filter(({ variable }) => variable === null).map(({ path }) => path)).toEqual(['budget.models']);
  expect(configReference()).toContain('\n| `budget.models.<model>.pages` | ');
});
