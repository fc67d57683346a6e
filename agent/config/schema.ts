/** JSON Schema of the configuration file, for editors and `normwatch config schema`. */
import type { AnyKey } from './key.ts';
import { isNamed, NAME_SCHEMA } from './named.ts';
import { showValue } from './print.ts';
import { variableOf } from './rows.ts';
import { CONFIG_TABLE } from './table.ts';
import { isKey, type Table } from './values.ts';

type Schema = Readonly<Record<string, unknown>>;

export const configSchema = (): Schema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $comment: 'generated from agent/config/table.ts by npm run generate',
  title: 'normwatch configuration',
  ...tableSchema(CONFIG_TABLE, ''),
});

/** `prefix` null: under a name of the user's, where keys have neither variable nor default. */
const tableSchema = (table: Table, prefix: string | null): Schema => ({
  // A section or key that is there and empty is at its defaults.
  type: prefix === '' ? 'object' : ['object', 'null'],
  additionalProperties: false,
  properties: Object.fromEntries(
    Object.entries(table).map(([name, entry]) => {
      if (!isKey(entry)) return [name, tableSchema(entry, `${prefix}${name}.`)];
      if (isNamed(entry)) {
        const { help: description, each } = entry;
        const names = { propertyNames: NAME_SCHEMA, additionalProperties: tableSchema(each, null) };
        return [name, { description, type: ['object', 'null'], ...names }];
      }
      if (prefix === null) return [name, { description: entry.help, ...waysOf(entry) }];
      const description = `${entry.help} Variable: ${variableOf(`${prefix}${name}`)}.`;
      return [entry.type === 'secret' ? `${name}File` : name, { description, ...keySchema(entry) }];
    }),
  ),
});

function keySchema(key: AnyKey): Schema {
  const fallback =
    key.default === null || key.type === 'list' ? {} : { default: showValue(key.default, key) };
  return { ...fallback, ...waysOf(key) };
}

const waysOf = (key: AnyKey): Schema => ({ anyOf: [...waysToWrite(key), { type: 'null' }] });

function waysToWrite(key: AnyKey): Schema[] {
  const range = { minimum: key.range?.min, maximum: key.range?.max };
  const nonEmpty = { type: 'string', minLength: 1 };
  switch (key.type) {
    case 'text':
    case 'path':
    case 'secret':
      return [nonEmpty];
    case 'choice':
      return [{ enum: key.choices }];
    case 'choices':
      return [{ type: 'array', minItems: 1, items: { enum: key.choices } }, nonEmpty];
    case 'list':
      return [{ type: 'array', items: nonEmpty }, nonEmpty];
    case 'integer':
    case 'number':
      return [{ type: key.type, ...range }];
    case 'flag':
      return [{ type: 'boolean' }];
    case 'duration':
    case 'rate':
    case 'size':
      return [{ type: 'string', pattern: key.pattern }];
    case 'named':
      return [{ type: 'object' }];
  }
}
