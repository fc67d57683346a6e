/** The table of errors: complete, in one form, and each row used by the program and provoked by a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ERRORS,
  failure,
  failures,
  NormwatchError,
  RETIRED_CODES,
  systemDetail,
} from '../../agent/errors.ts';
import { errorsReference } from '../../agent/errors-reference.ts';

const ROWS = Object.entries(ERRORS);

const filesOf = (folder: string): string[] =>
  readdirSync(join(import.meta.dirname, '../..', folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
const names = (text: string, row: string): boolean => text.includes(`'${row}'`);

describe('the table of errors', () => {
  it('gives every row a code of its own, none of them a retired one', () => {
    const codes = ROWS.map(([, row]) => row.code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => RETIRED_CODES.includes(code))).toEqual([]);
    for (const code of codes) expect(code).toMatch(/^NW\d{3}$/);
  });

  it('has no row that the program does not use', () => {
    const program = filesOf('agent').join('\n');
    expect(ROWS.map(([row]) => row).filter((row) => !names(program, row))).toEqual([]);
  });

  it('has no row that no test provokes', () => {
    const tests = filesOf('test')
      .filter((text) => text.includes('kit/provoke.ts'))
      .join('\n');
    expect(ROWS.map(([row]) => row).filter((row) => !names(tests, row))).toEqual([]);
  });

  it('is told whole by the reference page', () => {
    const page = errorsReference();
    for (const [, row] of ROWS) expect(page).toContain(`\n| ${row.code} | ${row.exit} | ${row.when} |`);
  });
});

describe('a failure', () => {
  it('carries code, exit, message, way out and cause', () => {
    const cause = new Error('why');
    const made = failure('file_unreadable', { file: 'a.jsonl', detail: 'permission denied' }, cause);
    expect(made).toBeInstanceOf(NormwatchError);
    expect(made).toMatchObject({ row: 'file_unreadable', code: 'NW103', exit: 2, cause });
    expect(made.message).toBe('a.jsonl: cannot be read: permission denied');
    expect(made.wayOut).toMatch(/may read it/);
  });

  it('stays itself when it is the only one of several', () => {
    const one = failure('file_missing', { file: 'a' });
    const two = failure('file_missing', { file: 'b' });
    expect(failures([one])).toBe(one);
    expect(failures([one, two])).toMatchObject({ errors: [one, two] });
  });

  it('tells a system error without the path, which the message has already', () => {
    expect(systemDetail(new Error("ENOENT: no such file or directory, open '/x'"))).toBe(
      'no such file or directory',
    );
    expect(systemDetail(new Error('something else'))).toBe('something else');
    expect(systemDetail('text')).toBe('text');
  });
});
