/** The configuration in force as YAML: what the file and the variables come to, and where each value is from. */
import { stringify } from 'yaml';
import { type AnyKey, showDuration, showSize } from './key.ts';
import type { Loaded } from './load.ts';
import { isKey, type Table } from './rows.ts';
import { REDACTED, Secret } from './secret.ts';
import { CONFIG_TABLE } from './table.ts';

export function printConfig({ values, origins }: Pick<Loaded, 'values' | 'origins'>): string {
  const lines: string[] = [];
  const print = (table: Table, prefix: string, indent: string): void => {
    for (const [name, entry] of Object.entries(table)) {
      const path = `${prefix}${name}`;
      if (isKey(entry)) {
        const origin = origins.get(path);
        const comment = origin === undefined ? '' : `  # ${origin}`;
        lines.push(`${indent}${name}: ${yaml(showValue(values.get(path), entry))}${comment}`);
      } else {
        lines.push(`${indent}${name}:`);
        print(entry, `${path}.`, `${indent}  `);
      }
    }
  };
  print(CONFIG_TABLE, '', '');
  return `${lines.join('\n')}\n`;
}

/** A value as it would stand in the file; a secret as `[REDACTED]`. */
export function showValue(value: unknown, key: AnyKey): unknown {
  if (value instanceof Secret) return REDACTED;
  if (key.type === 'duration') return showDuration(value as number);
  if (key.type === 'size') return showSize(value as number);
  return value;
}

const yaml = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
