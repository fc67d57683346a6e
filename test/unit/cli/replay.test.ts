/** `replay`: what it finds in the shipped recordings, and what it makes of lines that are none. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';
import { recordingLines } from '../../kit/recording.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const RECORDINGS = join(import.meta.dirname, '../../../examples/recordings');
const shipped = (name: string): string => join(RECORDINGS, `${name}.jsonl.gz`);
const BASELINE = ['--baseline', shipped('baseline')];

const linesOf = (text: string): Record<string, unknown>[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

describe('replay', () => {
  it('finds the bad deployment after its onset, and names the file', async () => {
    const { code, out, err } = await runLine(['replay', ...BASELINE, shipped('deploy-epsilon')]);
    const [first] = linesOf(out);
    expect(code).toBe(0);
    expect(first).toMatchObject({ event: 'opened', version: 'v2', file: shipped('deploy-epsilon') });
    expect(Date.parse(String(first?.time))).toBeGreaterThanOrEqual(Date.parse('2026-03-02T00:05:00Z'));
    expect(err).toMatch(/^total: .*1 incident in \d+\.\d s \([\d,]+ events\/s\)$/m);
  });

  it('finds nothing where there is nothing', async () => {
    const { code, out, err } = await runLine(['replay', ...BASELINE, shipped('healthy')]);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toMatch(
      /healthy\.jsonl\.gz: \d+ events, 0 refused, 0 duplicates, 0 missing, 0 late, 0 incidents/,
    );
  });

  it('folds each file in a state of its own, so that the same file twice holds no duplicates', async () => {
    const file = shipped('fp16-overflow');
    const once = await runLine(['replay', ...BASELINE, file]);
    const twice = await runLine(['replay', ...BASELINE, file, file]);
    expect(linesOf(once.out).length).toBeGreaterThan(0);
    expect(twice.out).toBe(once.out + once.out);
    expect(twice.err).not.toMatch(/[1-9]\d* duplicates/);
  });

  it('needs no baseline for what is broken by itself', async () => {
    const { out } = await runLine(['replay', shipped('fp16-overflow')]);
    expect(linesOf(out)[0]).toMatchObject({ event: 'opened', severity: 'page' });
  });

  it('reads standard input, compressed or not, and writes findings to a file', async (t) => {
    const findings = join(await tempDir(t), 'findings.jsonl');
    const stdin = gunzipSync(readFileSync(shipped('fp16-overflow')));
    const { code, out } = await runLine(['replay', '-', '--findings', findings], { stdin });
    const compressed = await runLine(['replay', '-'], { stdin: readFileSync(shipped('fp16-overflow')) });
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(linesOf(readFileSync(findings, 'utf8'))[0]).toMatchObject({ event: 'opened', file: '-' });
    expect(compressed.out).toBe(readFileSync(findings, 'utf8'));
  });

  it('takes fold and budget from a configuration, and tells what is wrong with it', async (t) => {
    const folder = await tempDir(t);
    const config = join(folder, 'c.yaml');
    writeFileSync(
      config,
      'kafka: { brokers: [a:1] }\nstore: { type: memory }\nfold: { calibration: { ticks: 100000 } }\n',
    );
    const { err } = await runLine(['replay', '-c', config, ...BASELINE, shipped('healthy')]);
    expect(err).toMatch(/baseline\.jsonl\.gz: baseline, /);
    writeFileSync(config, 'fold: { tick: 10 }\n');
    const failed = await runLine(['replay', '-c', config, shipped('healthy')]);
    expect(failed.code).toBe(2);
    expectTold('config_value', failed.err);
  });
});

describe('replay of a recording that is broken', () => {
  const good = recordingLines('healthy').slice(0, 50);
  const event = JSON.parse(good[0] ?? '{}');
  const broken: [reason: string, line: string | Uint8Array][] = [
    ['not_json', (good[0] ?? '').slice(0, 300)],
    ['not_json', '{"v":1,"time":NaN}'],
    ['not_utf8', Uint8Array.of(0xc3, 0x28, 0xff, 0x00)],
    ['too_large', `{"v":1,"x":"${'x'.repeat(2_000_000)}"}`],
    ['not_object', '[1,2,3]'],
    ['unknown_kind', JSON.stringify({ ...event, kind: 'weather', seq: 1e6 })],
    ['bad_field', JSON.stringify({ ...event, requests: 'three', seq: 1e6 })],
    ['bad_time', JSON.stringify({ ...event, time: 'yesterday', seq: 1e6 })],
  ];

  it('names each refused line with file, line and reason, and uses the rest', async (t) => {
    const file = join(await tempDir(t), 'broken.jsonl');
    const lines = [
      ...broken.map(([, line]) => Buffer.from(line as string)),
      ...good.map((line) => Buffer.from(line)),
    ];
    writeFileSync(file, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    const { code, err } = await runLine(['replay', file]);
    expect(code).toBe(0);
    for (const [i, [reason]] of broken.entries()) expect(err).toContain(`${file}:${i + 1}: ${reason} `);
    expect(err).toContain(`${file}: 50 events, 8 refused (`);
    expect(err).toContain('not_json 2');
  });

  it('names twenty refused lines and counts the others', async () => {
    const { code, err } = await runLine(['replay', '-'], { stdin: 'garbage\n'.repeat(1000) });
    expect(code).toBe(0);
    expect(err.match(/^stdin:\d+: not_json/gm)).toHaveLength(20);
    expect(err).toContain('stdin: … and 980 more\n');
    expect(err).toContain('-: 0 events, 1000 refused (not_json 1000)');
  });

  it('keeps every byte of a line out of the terminal that could drive it', async () => {
    const { err } = await runLine(['replay', '-'], {
      stdin: '{"kind":"\u001b[2J","model":"\u0007"}\n\u001b]0;owned\u0007\n',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through
    expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });

  it('takes an empty file for what it is', async () => {
    const { code, err } = await runLine(['replay', '-'], { stdin: '' });
    expect(code).toBe(0);
    expect(err).toMatch(/^-: 0 events, 0 refused/);
  });

  it('uses what a file that breaks off still holds, goes on with the others, and then says so', async (t) => {
    const cut = join(await tempDir(t), 'cut.jsonl.gz');
    writeFileSync(cut, readFileSync(shipped('healthy')).subarray(0, 100_000));
    const { code, err } = await runLine(['replay', cut, shipped('healthy')]);
    expect(code).toBe(2);
    expect(err).toMatch(/cut\.jsonl\.gz: [1-9]\d* events/);
    expect(err).toMatch(/healthy\.jsonl\.gz: [1-9]\d* events/);
    expectTold('file_unreadable', err);
  });

  it('stops at a baseline that is not there', async () => {
    const { code, out, err } = await runLine(['replay', '-b', '/nowhere', shipped('fp16-overflow')]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expectTold('file_missing', err);
  });

  it('warns when there is nothing to learn from a baseline', async () => {
    const { code, err } = await runLine(['replay', '-b', '-', shipped('healthy')], { stdin: '' });
    expect(code).toBe(0);
    expect(err).toContain('-: warning: nothing to learn a reference from\n');
  });

  it('refuses an output it cannot write before it begins', async () => {
    const { code, err } = await runLine(['replay', shipped('healthy'), '-o', '/nowhere/findings.jsonl']);
    expect(code).toBe(2);
    expectTold('file_unwritable', err);
    expect(err).not.toContain('events');
  });
});

describe('progress', () => {
  it('is shown on a terminal only, and taken away', async () => {
    const words = ['replay', shipped('healthy')];
    expect((await runLine(words)).err).not.toContain('\r');
    const { err } = await runLine(words, { errIsTerminal: true });
    expect(err.startsWith(`\r\u001b[K${shipped('healthy')}: `)).toBe(true);
    expect(err.lastIndexOf('\r\u001b[K')).toBeLessThan(err.indexOf('total: '));
  });
});
