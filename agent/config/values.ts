/** From keys and tables to the type of what they hold. */
import type { AnyKey, Key, KeyType } from './key.ts';

/** Durations arrive as `…Ms`, sizes as `…Bytes`: in the file the value names its unit, in the code the name does. */
type Property<Name extends string, Entry> =
  Entry extends Key<infer Type extends KeyType, unknown>
    ? Type extends 'duration'
      ? `${Name}Ms`
      : Type extends 'rate'
        ? `${Name}EveryMs`
        : Type extends 'size'
          ? `${Name}Bytes`
          : Name
    : Name;

export type ValuesOf<Table> = {
  readonly [Name in keyof Table & string as Property<Name, Table[Name]>]: Table[Name] extends Key<
    KeyType,
    infer Value
  >
    ? Value
    : ValuesOf<Table[Name]>;
};

export type Table = { readonly [name: string]: AnyKey | Table };

export const isKey = (entry: AnyKey | Table): entry is AnyKey => typeof entry.parse === 'function';

const UNIT_SUFFIX: Partial<Record<KeyType, string>> = { duration: 'Ms', rate: 'EveryMs', size: 'Bytes' };

export const propertyOf = (name: string, { type }: AnyKey): string => `${name}${UNIT_SUFFIX[type] ?? ''}`;
