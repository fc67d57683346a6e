/** The configuration in force as YAML: what the file and the variables come to, and where each value is from. */
import { stringify } from 'yaml';
import { type AnyKey, showDuration, showSize } from './key.ts';
import type { Loaded } from './load.ts';
import { isNamed, type NamedKey } from './named.ts';
import { showRate } from './rate.ts';
import { REDACTED, Secret } from './secret.ts';
import { CONFIG_TABLE } from './table.ts';
import { isKey, propertyOf, type Table } from './values.ts';

export function printConfig({ values, origins }: Pick<Loaded, 'values' | 'origins'>): string {
  const lines: string[] = [];
  const print = (table: Table, prefix: string, indent: string): void => {
    for (const [name, entry] of Object.entries(table)) {
      const path = `${prefix}${name}`;
      if (!isKey(entry)) {
        lines.push(`${indent}${name}:`);
        print(entry, `${path}.`, `${indent}  `);
      } else if (isNamed(entry) && Object.keys(values.get(path) as object).length > 0) {
        lines.push(`${indent}${name}:`);
        printNamed(entry, path, `${indent}  `);
      } else lines.push(line(name, path, values.get(path), entry, indent));
    }
  };
  const printNamed = (entry: NamedKey, path: string, indent: string): void => {
    for (const [name, given] of Object.entries(values.get(path) as Record<string, Record<string, unknown>>)) {
      const set = Object.entries(entry.each).flatMap(([key, inner]) => {
        if (!isKey(inner)) return [];
        const value = given[propertyOf(key, inner)];
        return value === undefined ? [] : [line(key, `${path}.${name}.${key}`, value, inner, `${indent}  `)];
      });
      lines.push(`${indent}${yaml(name)}:${set.length === 0 ? ' {}' : ''}`, ...set);
    }
  };
  const line = (name: string, path: string, value: unknown, key: AnyKey, indent: string): string => {
    const origin = origins.get(path);
    const comment = origin === undefined ? '' : `  # ${origin}`;
    return `${indent}${name}: ${yaml(showValue(value, key))}${comment}`;
  };
  print(CONFIG_TABLE, '', '');
  return `${lines.join('\n')}\n`;
}

/** A value as it would stand in the file; a secret as `[REDACTED]`. */
export function showValue(value: unknown, key: AnyKey): unknown {
  if (value instanceof Secret) return REDACTED;
  if (key.type === 'duration') return showDuration(value as number);
  if (key.type === 'rate') return showRate(value as number);
  if (key.type === 'size') return showSize(value as number);
  return value;
}

const yaml = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
