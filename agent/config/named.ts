/** Keys under names that the user chooses: a small table for each model, say. In the file only, no variable. */
import { type Key, plain } from './key.ts';
import { isKey, propertyOf, type Table, type ValuesOf } from './values.ts';

const NAME_CHARS_MAX = 128;

/** What of the table is given, by name. */
type Named<T> = Readonly<Record<string, Partial<ValuesOf<T>>>>;

export interface NamedKey<T extends Table = Table> extends Key<'named', Named<T>> {
  /** What each name can have; keys only, no tables. */
  readonly each: T;
  /** What a name names, as the reference page calls it. */
  readonly of: string;
}

export const isNamed = (key: { readonly type: string }): key is NamedKey => key.type === 'named';

export const isName = (name: string): boolean => name !== '' && name.length <= NAME_CHARS_MAX;
export const NAME_EXPECTED = `a name of 1 to ${NAME_CHARS_MAX} characters`;
export const NAME_SCHEMA = { minLength: 1, maxLength: NAME_CHARS_MAX } as const;

const isMap = (input: unknown): input is Record<string, unknown> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

export function named<const T extends Table>(of: string, each: T, help: string): NamedKey<T> {
  const parseOne = (input: unknown): Partial<ValuesOf<T>> | undefined => {
    if (input === null) return {};
    if (!isMap(input)) return undefined;
    const values: [string, unknown][] = [];
    for (const [name, given] of Object.entries(input)) {
      const key = Object.hasOwn(each, name) ? each[name] : undefined;
      if (key === undefined || !isKey(key)) return undefined;
      if (given === null) continue;
      const value = key.parse(given);
      if (value === undefined) return undefined;
      values.push([propertyOf(name, key), value]);
    }
    return Object.fromEntries(values) as Partial<ValuesOf<T>>;
  };
  return {
    ...plain,
    type: 'named',
    default: {},
    help,
    expected: `a map of ${of}s, each with ${Object.keys(each).join(', ')}`,
    each,
    of,
    parse(input) {
      if (!isMap(input)) return undefined;
      const values = Object.entries(input).map(
        ([name, given]) => [name, isName(name) ? parseOne(given) : undefined] as const,
      );
      return values.some(([, value]) => value === undefined)
        ? undefined
        : (Object.fromEntries(values) as Named<T>);
    },
  };
}
