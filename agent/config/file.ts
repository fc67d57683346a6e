/** One YAML file → values by path with the place each came from. Never stops at the first problem. */

import { dirname, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { failure, type NormwatchError } from '../errors.ts';
import type { AnyKey } from './key.ts';
import { isName, isNamed, NAME_EXPECTED, type NamedKey } from './named.ts';
import { fileNameOf, ROWS, variableOf } from './rows.ts';
import { Secret } from './secret.ts';
import { CONFIG_TABLE } from './table.ts';
import { isKey, type Table } from './values.ts';

export interface Found {
  readonly value: unknown;
  /** `normwatch.yaml:7`, or a variable, or `default`. */
  readonly where: string;
}

export interface FileValues {
  readonly values: Map<string, Found>;
  /** Where sections and keys stand, for messages about what is missing in them. */
  readonly places: Map<string, string>;
  readonly problems: NormwatchError[];
}

export function readYaml(text: string, file: string): FileValues {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const read: FileValues = { values: new Map(), places: new Map(), problems: [] };
  const placeOf = (node: unknown): string => {
    const offset = (node as Node | null)?.range?.[0];
    return offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
  };
  for (const error of document.errors) {
    const where = `${file}:${lines.linePos(error.pos[0]).line}`;
    read.problems.push(failure('config_not_yaml', { where, detail: firstLine(error.message) }));
  }
  if (read.problems.length > 0 || document.contents === null) return read;

  /** Each key of a map with its place; none of what is empty. */
  const itemsOf = (given: unknown, prefix: string) => {
    const node = isAlias(given) ? given.resolve(document) : given;
    if (isScalar(node) && node.value === null) return [];
    if (!isMap(node)) {
      const detail =
        prefix === '' ? 'the file is not a map of keys' : `"${prefix.slice(0, -1)}" must be a map of keys`;
      read.problems.push(failure('config_not_yaml', { where: placeOf(node), detail }));
      return [];
    }
    return node.items.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '';
      const item = { name, path: `${prefix}${name}`, where: placeOf(key), value };
      read.places.set(item.path, item.where);
      return item;
    });
  };
  const readTable = (given: unknown, table: Table, prefix: string): void => {
    for (const { name, path, where, value } of itemsOf(given, prefix)) {
      const entry = Object.hasOwn(table, name) ? table[name] : undefined;
      if (entry !== undefined && !isKey(entry)) readTable(value, entry, `${path}.`);
      else if (entry !== undefined && isNamed(entry)) readNamed(value, entry, path, where);
      else readKey({ path, where, table, prefix, name, given: plain(value) }, file, read);
    }
  };
  /** Key by key for messages and origins; then the whole, which is none if one of them was not good. */
  const readNamed = (given: unknown, entry: NamedKey, path: string, where: string): void => {
    for (const item of itemsOf(given, `${path}.`)) {
      if (isName(item.name)) readTable(item.value, entry.each, `${item.path}.`);
      else
        read.problems.push(
          failure('config_value', {
            where: item.where,
            key: path,
            expected: `a map by ${entry.of}, each under ${NAME_EXPECTED}`,
            got: showValue(item.name),
          }),
        );
    }
    const value = entry.parse(plain(given));
    if (value !== undefined) read.values.set(path, { value, where });
  };
  const plain = (node: unknown): unknown => (node === null ? null : (node as Node).toJS(document));
  readTable(document.contents, CONFIG_TABLE, '');
  return read;
}

interface GivenKey {
  readonly path: string;
  readonly where: string;
  readonly table: Table;
  readonly prefix: string;
  readonly name: string;
  readonly given: unknown;
}

function readKey(at: GivenKey, file: string, read: FileValues): void {
  const { path, where, table, given } = at;
  const secretName = at.name.endsWith('File') ? at.name.slice(0, -'File'.length) : '';
  const secretEntry = Object.hasOwn(table, secretName) ? table[secretName] : undefined;
  const entry = Object.hasOwn(table, at.name) ? table[at.name] : undefined;
  const inFolder = (name: string): string => resolve(dirname(file), name);
  if (secretEntry !== undefined && isKey(secretEntry) && secretEntry.type === 'secret') {
    if (given === null) return;
    if (typeof given !== 'string' || given === '') {
      read.problems.push(
        failure('config_value', { where, key: path, expected: 'a path', got: showValue(given) }),
      );
    } else {
      const secret = Secret.fromFile(path, inFolder(given));
      read.values.set(path.slice(0, -'File'.length), { value: secret, where });
    }
  } else if (entry === undefined || !isKey(entry)) {
    read.problems.push(failure('config_unknown_key', { where, key: path, nearest: nearestKey(at) }));
  } else if (given !== null && entry.type === 'secret') {
    const args = { where, key: path, file: fileNameOf(path, entry), variable: variableOf(path) };
    read.problems.push(failure('config_secret_inline', args));
  } else if (given !== null) {
    const value = entry.parse(given);
    if (value === undefined) read.problems.push(valueProblem(where, path, entry, given));
    else read.values.set(path, { value: entry.type === 'path' ? inFolder(value) : value, where });
  }
}

export const valueProblem = (where: string, path: string, key: AnyKey, given: unknown): NormwatchError =>
  failure('config_value', {
    where,
    key: path,
    expected: key.expected,
    got: key.type === 'secret' ? 'this' : showValue(given),
  });

/** Short, on one line, and without what looks like a password in an address. */
function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  const clean = text.replace(/:\/\/[^/@"]*@/g, '://…@');
  return clean.length <= 60 ? clean : `${clean.slice(0, 57)}…`;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

/** Best among the keys beside it; one of the same name elsewhere wins over a far one. */
function nearestKey(at: GivenKey): string {
  const beside = Object.entries(at.table).map(([name, entry]) =>
    isKey(entry) ? fileNameOf(name, entry) : name,
  );
  const close = nearest(at.name, beside);
  const elsewhere = ROWS.find((row) => row.path.split('.').at(-1) === at.name);
  const far = close === null || distance(close, at.name) > Math.max(2, at.name.length / 2);
  return far && elsewhere !== undefined ? fileNameOf(elsewhere.path, elsewhere.key) : `${at.prefix}${close}`;
}

export function nearest(name: string, known: readonly string[]): string | null {
  const far = (one: string): number => distance(one.toLowerCase(), name.toLowerCase());
  return known.reduce<string | null>(
    (best, one) => (best === null || far(one) < far(best) ? one : best),
    null,
  );
}
