/** `docs/reference/errors.md`, written from the table of errors. */
import { ERRORS } from './errors.ts';

export function errorsReference(): string {
  const rows = Object.values(ERRORS).sort((a, b) => (a.code < b.code ? -1 : 1));
  return [
    '<!-- generated from agent/errors.ts by npm run generate -->',
    '# Errors',
    '',
    'A failure is told on standard error as `normwatch: <what is wrong, with file, line and field> [code]`, and the way',
    'out in the line below. Exit codes: 0 good, 1 the answer is no, 2 usage, configuration or environment. With',
    '`NORMWATCH_DEBUG=1` the stack and the cause follow.',
    '',
    '| code | exit | when |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.code} | ${row.exit} | ${row.when} |`),
    '',
  ].join('\n');
}
