/**
 * The kinds of keys a configuration can have. A key describes itself: type, default, help, what it accepts; parsing,
 * checking, JSON Schema and the reference page follow from that.
 */
import { Secret } from './secret.ts';

export type KeyType =
  | 'text'
  | 'choice'
  | 'choices'
  | 'list'
  | 'integer'
  | 'number'
  | 'flag'
  | 'duration'
  | 'rate'
  | 'size'
  | 'path'
  | 'secret'
  | 'named';

export interface Key<Type extends KeyType, Value> {
  readonly type: Type;
  readonly default: Value;
  readonly help: string;
  /** What a message says the value must be. */
  readonly expected: string;
  /** Least and greatest value in the unit of the parsed value; null where there is no order. */
  readonly range: { readonly min: number; readonly max: number } | null;
  readonly choices: readonly string[] | null;
  /** Regular expression that the text of the value matches, for the JSON Schema. */
  readonly pattern: string | null;
  /** From YAML or a variable (always text) to the value; undefined when it is none. */
  readonly parse: (input: unknown) => Value | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a key of whatever value
export type AnyKey = Key<KeyType, any>;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const DURATION = '^([0-9]+(?:\\.[0-9]+)?) ?(ms|s|m|h|d)$';
const SIZE = '^([0-9]+(?:\\.[0-9]+)?) ?(B|KiB|MiB|GiB)$';

const parseText = (input: unknown): string | undefined =>
  typeof input === 'string' && input.trim() !== '' ? input : undefined;

const parseNumber = (input: unknown): number | undefined => {
  const value = typeof input === 'string' && input.trim() !== '' ? Number(input) : input;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

const parseUnits =
  (pattern: string, units: Readonly<Record<string, number>>) =>
  (input: unknown): number | undefined => {
    const match = typeof input === 'string' ? new RegExp(pattern).exec(input.trim()) : null;
    const factor = units[match?.[2] ?? ''];
    return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
  };

const parseList = (input: unknown): string[] | undefined => {
  const items = typeof input === 'string' ? input.split(',') : input;
  if (!Array.isArray(items)) return undefined;
  const texts = items.map((item) => (typeof item === 'string' ? item.trim() : ''));
  return texts.includes('') ? undefined : texts;
};

const within =
  (parse: (input: unknown) => number | undefined, min: number, max: number) =>
  (input: unknown): number | undefined => {
    const value = parse(input);
    return value !== undefined && value >= min && value <= max ? value : undefined;
  };

/** The largest unit that shows the number without a fraction: 30000 → `30s`. */
const showUnits =
  (units: Readonly<Record<string, number>>) =>
  (value: number): string => {
    const [unit, factor] = Object.entries(units).findLast(([, f]) => value >= f && value % f === 0) ?? [
      Object.keys(units)[0],
      1,
    ];
    return `${value / factor}${unit}`;
  };
export const showDuration = showUnits(UNIT_MS);
export const showSize = showUnits(UNIT_BYTES);

export const plain = { range: null, choices: null, pattern: null } as const;

export const text = <D extends string | null>(value: D, help: string): Key<'text', string | D> => ({
  ...plain,
  type: 'text',
  default: value,
  help,
  expected: 'a text',
  parse: parseText,
});

/** A file or folder; a relative one counts from the configuration file, or from the working folder in a variable. */
export const path = (help: string): Key<'path', string | null> => ({
  ...plain,
  type: 'path',
  default: null,
  help,
  expected: 'a path',
  parse: parseText,
});

export const choice = <C extends string, D extends C | null>(
  choices: readonly C[],
  value: D,
  help: string,
): Key<'choice', C | D> => ({
  ...plain,
  type: 'choice',
  default: value,
  help,
  choices,
  expected: `one of ${choices.join(', ')}`,
  parse: (input) => choices.find((one) => one === input),
});

export const choices = <C extends string>(
  allowed: readonly C[],
  value: readonly C[],
  help: string,
): Key<'choices', readonly C[]> => ({
  ...plain,
  type: 'choices',
  default: value,
  help,
  choices: allowed,
  expected: `one or more of ${allowed.join(', ')}`,
  parse: (input) => {
    const items = parseList(input)?.map((item) => allowed.find((one) => one === item));
    if (items === undefined || items.length === 0) return undefined;
    return items.every((item) => item !== undefined) ? [...new Set(items)] : undefined;
  },
});

export const list = (help: string, each: string): Key<'list', readonly string[]> => ({
  ...plain,
  type: 'list',
  default: [],
  help,
  expected: `a list of ${each}`,
  parse: parseList,
});

const HOST_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@]+):([0-9]{1,5})$/;

/** `host:port` each; IPv6 in brackets. */
export const addresses = (help: string): Key<'list', readonly string[]> => ({
  ...list(help, 'host:port'),
  parse: (input) => {
    const items = parseList(input);
    const good = (item: string): boolean => {
      const port = Number(HOST_PORT.exec(item)?.[1] ?? 0);
      return port >= 1 && port <= 65_535;
    };
    return items?.every(good) ? items : undefined;
  },
});

export const integer = (value: number, min: number, max: number, help: string): Key<'integer', number> => ({
  ...plain,
  type: 'integer',
  default: value,
  help,
  range: { min, max },
  expected: `a whole number from ${min} to ${max}`,
  parse: within(
    (input) => {
      const number = parseNumber(input);
      return Number.isInteger(number) ? number : undefined;
    },
    min,
    max,
  ),
});

export const number = (value: number, min: number, max: number, help: string): Key<'number', number> => ({
  ...plain,
  type: 'number',
  default: value,
  help,
  range: { min, max },
  expected: `a number from ${min} to ${max}`,
  parse: within(parseNumber, min, max),
});

export const flag = (value: boolean, help: string): Key<'flag', boolean> => ({
  ...plain,
  type: 'flag',
  default: value,
  help,
  expected: 'true or false',
  parse: (input) =>
    input === true || input === 'true' ? true : input === false || input === 'false' ? false : undefined,
});

export const duration = (value: string, min: string, max: string, help: string): Key<'duration', number> => {
  const parse = parseUnits(DURATION, UNIT_MS);
  const range = { min: parse(min) ?? 0, max: parse(max) ?? 0 };
  return {
    ...plain,
    type: 'duration',
    default: parse(value) ?? 0,
    help,
    range,
    pattern: DURATION,
    expected: `a duration from ${min} to ${max} with its unit (ms, s, m, h, d), like ${value}`,
    parse: within(parse, range.min, range.max),
  };
};

export const size = (value: string, min: string, max: string, help: string): Key<'size', number> => {
  const parse = parseUnits(SIZE, UNIT_BYTES);
  const range = { min: parse(min) ?? 0, max: parse(max) ?? 0 };
  return {
    ...plain,
    type: 'size',
    default: parse(value) ?? 0,
    help,
    range,
    pattern: SIZE,
    expected: `a size from ${min} to ${max} with its unit (B, KiB, MiB, GiB), like ${value}`,
    parse: within(parse, range.min, range.max),
  };
};

/** In the file as `<name>File: path`; as text only in a variable. */
export const secret = (help: string): Key<'secret', Secret | null> => ({
  ...plain,
  type: 'secret',
  default: null,
  help,
  expected: 'a text',
  parse: (input) => (typeof input === 'string' && input !== '' ? Secret.of(input) : undefined),
});
