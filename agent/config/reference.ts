/** `docs/reference/config.md`, written from the table. */
import { stringify } from 'yaml';
import { isNamed } from './named.ts';
import { showValue } from './print.ts';
import { fileNameOf, ROWS, type Row } from './rows.ts';
import { isKey } from './values.ts';
import { OTHER_VARIABLES } from './variables.ts';

export function configReference(): string {
  const sections = Map.groupBy(ROWS.flatMap(withFreeNames), sectionOf);
  return [
    '<!-- generated from agent/config/table.ts by npm run generate -->',
    '# Configuration',
    '',
    'One YAML file (`--config FILE` or `NORMWATCH_CONFIG`) and environment variables; a variable wins over the file.',
    'Every key is optional unless another key needs it. `normwatch config check` tells what is wrong with file, line and',
    'key; `normwatch config print` shows what is in force and where it is from; `normwatch config schema` prints a JSON',
    'Schema for editors. In a variable a list is separated by commas. Relative paths count from the file, in a variable',
    'from the working folder.',
    '',
    'Secrets never stand in the file: it names a file that holds them (`passwordFile: /run/secrets/redis`), or a variable',
    'does. A secret file is read when it is needed, so a rotated one counts at the next connection.',
    ...[...sections].flatMap(([section, rows]) => ['', `## ${section}`, '', ...HEAD, ...rows.map(line)]),
    '',
    '## Other variables',
    '',
    '| variable | meaning |',
    '|---|---|',
    ...Object.entries(OTHER_VARIABLES).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    "| `OTEL_*` | The OpenTelemetry exporter's own: with `OTEL_EXPORTER_OTLP_ENDPOINT` metrics are pushed as well. |",
    '',
  ].join('\n');
}

/** Of keys under free names also what each name can have. */
function withFreeNames(row: Row): Row[] {
  const { path, key } = row;
  if (!isNamed(key)) return [row];
  const each = Object.entries(key.each).flatMap(([name, inner]): Row[] =>
    isKey(inner)
      ? [{ path: `${path}.<${key.of}>.${name}`, variable: null, key: { ...inner, default: null } }]
      : [],
  );
  return [row, ...each];
}

const HEAD = ['| key | takes | default | meaning | variable |', '|---|---|---|---|---|'];

function sectionOf({ path }: Row): string {
  const parts = path.split('.');
  return parts.length === 1 ? 'Process' : `\`${parts.slice(0, -1).join('.')}\``;
}

function line({ path, variable, key }: Row): string {
  const takes = key.type === 'secret' ? 'a path to a file with the secret' : key.expected;
  const none =
    key.default === null || isNamed(key) || (Array.isArray(key.default) && key.default.length === 0);
  const value = none
    ? '–'
    : `\`${stringify(showValue(key.default, key), { collectionStyle: 'flow' }).trim()}\``;
  const plain = variable === null ? '–' : `\`${variable}\``;
  const variables = key.type === 'secret' ? `${plain}, \`${variable}_FILE\`` : plain;
  return `| \`${fileNameOf(path, key)}\` | ${takes} | ${value} | ${key.help} | ${variables} |`;
}
