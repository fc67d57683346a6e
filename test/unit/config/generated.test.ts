/** Print, JSON Schema and reference page all follow from the one table. */
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../agent/config/load.ts';
import { printConfig } from '../../../agent/config/print.ts';
import { configReference } from '../../../agent/config/reference.ts';
import { fileNameOf, ROWS } from '../../../agent/config/rows.ts';
import { configSchema } from '../../../agent/config/schema.ts';

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
    expect(at(schema, `properties.${name}`), path).toMatchObject({
      description: `${key.help} Variable: ${variable}.`,
    });
  }
});

it('allows in the schema what the parser takes, and nothing it refuses', () => {
  const pattern = (path: string) =>
    new RegExp((at(configSchema(), path) as { anyOf: { pattern: string }[] }).anyOf[0]!.pattern);
  expect('30s').toMatch(pattern('properties.fold.properties.tick'));
  expect('30').not.toMatch(pattern('properties.fold.properties.tick'));
  expect('64MiB').toMatch(pattern('properties.intake.properties.memory'));
  expect('64MB').not.toMatch(pattern('properties.intake.properties.memory'));
});

it('has every key and variable in the reference page, and a sentence of help each', () => {
  const page = configReference();
  for (const { path, key, variable } of ROWS) {
    expect(page).toContain(`\n| \`${fileNameOf(path, key)}\` | `);
    expect(page).toContain(`\`${variable}\``);
    expect(key.help).toMatch(/^[A-Z"0-9].*\.$/);
  }
});

it('gives every key a variable of its own', () => {
  expect(new Set(ROWS.map(({ variable }) => variable)).size).toBe(ROWS.length);
});
