/** The table as flat rows, and the type of a loaded configuration. */
import type { AnyKey, Key, KeyType } from './key.ts';
import { CONFIG_TABLE } from './table.ts';

/** Durations arrive as `…Ms`, sizes as `…Bytes`: in the file the value names its unit, in the code the name does. */
type Property<Name extends string, Entry> =
  Entry extends Key<infer Type extends KeyType, unknown>
    ? Type extends 'duration'
      ? `${Name}Ms`
      : Type extends 'size'
        ? `${Name}Bytes`
        : Name
    : Name;

type ValuesOf<Table> = {
  readonly [Name in keyof Table & string as Property<Name, Table[Name]>]: Table[Name] extends Key<
    KeyType,
    infer Value
  >
    ? Value
    : ValuesOf<Table[Name]>;
};

export type Config = ValuesOf<typeof CONFIG_TABLE>;

export interface Row {
  /** `kafka.groupId` */
  readonly path: string;
  /** `NORMWATCH_KAFKA_GROUP_ID` */
  readonly variable: string;
  readonly key: AnyKey;
}

export type Table = { readonly [name: string]: AnyKey | Table };

export const isKey = (entry: AnyKey | Table): entry is AnyKey => typeof entry.parse === 'function';

export const variableOf = (path: string): string =>
  `NORMWATCH_${path
    .replaceAll('.', '_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;

const walk = (table: Table, prefix: string): Row[] =>
  Object.entries(table).flatMap(([name, entry]) => {
    const path = `${prefix}${name}`;
    return isKey(entry) ? [{ path, variable: variableOf(path), key: entry }] : walk(entry, `${path}.`);
  });

export const ROWS: readonly Row[] = walk(CONFIG_TABLE, '');

/** Name of the key in the file: a secret stands there as the path of its file. */
export const fileNameOf = (path: string, key: AnyKey): string =>
  key.type === 'secret' ? `${path}File` : path;

const UNIT_SUFFIX: Partial<Record<KeyType, string>> = { duration: 'Ms', size: 'Bytes' };

/** Values by path → the nested object that the program reads. */
export function assemble(values: ReadonlyMap<string, unknown>): Config {
  const build = (table: Table, prefix: string): unknown =>
    Object.fromEntries(
      Object.entries(table).map(([name, entry]) =>
        isKey(entry)
          ? [`${name}${UNIT_SUFFIX[entry.type] ?? ''}`, values.get(`${prefix}${name}`)]
          : [name, build(entry, `${prefix}${name}.`)],
      ),
    );
  return build(CONFIG_TABLE, '') as Config;
}
