/** The table as flat rows, and the type of a loaded configuration. */
import type { AnyKey } from './key.ts';
import { isNamed } from './named.ts';
import { CONFIG_TABLE } from './table.ts';
import { isKey, propertyOf, type Table, type ValuesOf } from './values.ts';

export type Config = ValuesOf<typeof CONFIG_TABLE>;

export interface Row {
  /** `kafka.groupId` */
  readonly path: string;
  /** `NORMWATCH_KAFKA_GROUP_ID`; null where the names of the keys are free. */
  readonly variable: string | null;
  readonly key: AnyKey;
}

export const variableOf = (path: string): string =>
  `NORMWATCH_${path
    .replaceAll('.', '_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;

const walk = (table: Table, prefix: string): Row[] =>
  Object.entries(table).flatMap(([name, entry]) => {
    const path = `${prefix}${name}`;
    if (!isKey(entry)) return walk(entry, `${path}.`);
    return [{ path, variable: isNamed(entry) ? null : variableOf(path), key: entry }];
  });

export const ROWS: readonly Row[] = walk(CONFIG_TABLE, '');

/** Name of the key in the file: a secret stands there as the path of its file. */
export const fileNameOf = (path: string, key: AnyKey): string =>
  key.type === 'secret' ? `${path}File` : path;

/** Values by path → the nested object that the program reads. */
export function assemble(values: ReadonlyMap<string, unknown>): Config {
  const build = (table: Table, prefix: string): unknown =>
    Object.fromEntries(
      Object.entries(table).map(([name, entry]) =>
        isKey(entry)
          ? [propertyOf(name, entry), values.get(`${prefix}${name}`)]
          : [name, build(entry, `${prefix}${name}.`)],
      ),
    );
  return build(CONFIG_TABLE, '') as Config;
}
