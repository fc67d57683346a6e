/** What every command line keeps: exit codes, where things are said, and no stack traces. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const MAIN = join(import.meta.dirname, '../../../agent/main.ts');

const WRONG: [sentence: string, words: string[], message: RegExp][] = [
  ['a command that is none', ['replya'], /unknown command 'replya' \(Did you mean replay\?\)/],
  ['an option that is none', ['replay', '--baselin', 'x', 'y'], /unknown option '--baselin'.*--baseline/],
  ['a file too few', ['replay'], /missing required argument 'file'/],
  ['an argument too many', ['config', 'schema', 'x'], /too many arguments/],
  ['a group alone', ['baseline'], /baseline needs one of pin, unpin, relearn, show, export/],
  ['a model too few', ['baseline', 'unpin', '--version', 'v1'], /required option '-m, --model <name>'/],
  [
    'a time that is none',
    ['baseline', 'relearn', '-m', 'x', '--version', 'v1', '--since', 'now'],
    /RFC 3339/,
  ],
  ['a speed that is none', ['produce', 'x', '--speed', '0'], /a number above 0/],
  ['a rebase that is none', ['produce', 'x', '--rebase', 'then'], /It must be "now"/],
  [
    'a span without unit',
    ['maintenance', 'start', '-m', 'x', '--reason', 'x', '--for', '2'],
    /with its unit/,
  ],
  [
    'a pin of nothing',
    ['baseline', 'pin', '-m', 'x', '--version', 'v1'],
    /needs --since and --until, or --data/,
  ],
  ['reading standard input twice', ['produce', '-', '--rebase', 'now'], /can be read once only/],
];

describe('a command line is refused for', () => {
  it.each(WRONG)('%s', async (_, words, message) => {
    const { code, out, err } = await runLine(words);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/\n {2}normwatch .*--help shows what it takes\n$/);
    expectTold('usage', err);
  });
});

describe('the program', () => {
  it('helps and fails when it is told nothing', async () => {
    const { code, out, err } = await runLine([]);
    expect({ code, err }).toEqual({ code: 2, err: '' });
    expect(out).toMatch(/^Usage: normwatch/);
  });

  it('helps and succeeds when it is asked to, and tells its version', async () => {
    expect(await runLine(['replay', '--help'])).toMatchObject({ code: 0, err: '' });
    const { version } = JSON.parse(readFileSync(join(MAIN, '../../package.json'), 'utf8'));
    expect(await runLine(['--version'])).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
  });

  it('tells a failure as a process: on stderr, without a stack, with its exit code', async () => {
    const run = promisify(execFile)(process.execPath, [MAIN, 'replay', '/nowhere/a.jsonl']);
    const failed = await run.catch((error) => error);
    expect(failed.code).toBe(2);
    expectTold('file_missing', failed.stderr);
  });

  it('adds stack and cause when asked by NORMWATCH_DEBUG=1', async () => {
    const { err } = await runLine(['replay', '/nowhere/a.jsonl'], { environment: { NORMWATCH_DEBUG: '1' } });
    expect(err).toMatch(/^ +at /m);
    expect(err).toMatch(/caused by Error: ENOENT/);
  });

  it('says what is unexpected as such, not as a stack', async () => {
    // A working folder that is no text is what no command expects.
    const { code, err } = await runLine(['config', 'print'], {
      folder: 7 as unknown as string,
      environment: { NORMWATCH_KAFKA_TLS_CA: 'x' },
    });
    expect(code).toBe(2);
    expectTold('internal', err);
  });

  it('needs a configuration where it talks to an installation', async () => {
    for (const words of [['doctor'], ['incident', 'list'], ['produce', 'x'], ['config', 'check']]) {
      const { code, err } = await runLine(words);
      expect(code).toBe(2);
      expectTold('config_required', err);
    }
  });

  it('tells every problem of a configuration at once', async (t) => {
    const folder = await tempDir(t);
    const { code, err } = await runLine(['doctor'], {
      folder,
      environment: { NORMWATCH_KAFKA_BROKERS: 'x', NORMWATCH_STORE_TYPE: 'etcd' },
    });
    expect(code).toBe(2);
    expect(err.match(/^normwatch: /gm)).toHaveLength(2);
    expectTold('config_value', err);
  });
});
