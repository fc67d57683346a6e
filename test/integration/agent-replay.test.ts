/**
 * Recordings as they come from a disk that filled up, a proxy that cut, a tool that writes NaN: every line that cannot
 * be used is named with file, line and reason, the rest is used, and the summary says so. By the program as a process.
 */
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { spawnAgent } from '../kit/agent.ts';
import { countSent } from '../kit/oracle.ts';
import type { Owner } from '../kit/owner.ts';
import { recordingLines } from '../kit/recording.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { BYTE_GARBAGE, JSON_GARBAGE, jsonLines, RECORDINGS, trafficOf } from '../kit/traffic.ts';

const BASELINE = join(RECORDINGS, 'baseline.jsonl.gz');
const SEED = 46;
const PEAK_BYTES_MAX = 400e6;

/** Makes a process tell the peak of its own memory as its last words. */
const TELL_PEAK = 'process.on("exit",()=>process._rawDebug("peak "+process.resourceUsage().maxRSS*1024))';

async function replay(t: Owner, files: readonly string[], stdin?: Buffer) {
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELL_PEAK)}` };
  const args = ['replay', '--baseline', BASELINE, ...files];
  const process = await spawnAgent(t, args, env, stdin === undefined ? {} : { stdin });
  const { code } = await process.exited;
  const [, stderr = process.stderr(), peak = 'unknown'] =
    /^([\s\S]*)peak (\d+)\n$/.exec(process.stderr()) ?? [];
  const told = stderr.split('\n').filter((line) => line !== '');
  const findings = process
    .stdout()
    .split('\n')
    .filter((line) => line !== '');
  return { code, findings: findings.map((line) => JSON.parse(line)), told, peakBytes: Number(peak) };
}

const LINES = recordingLines('deploy-epsilon');
const EVENT = JSON.parse(LINES[0] ?? '');
const edited = (change: object): string => JSON.stringify({ ...EVENT, ...change });

/** A line, and how it is told after the file's name and the line's number. */
const BAD_LINES: Readonly<Record<string, { line: string | Buffer; told: string }>> = {
  'a line cut off': { line: JSON.stringify(EVENT).slice(0, 500), told: 'not_json ' },
  'binary garbage': { line: Buffer.of(0x00, 0xff, 0x80, 0xc3, 0x28, 0x1b, 0x07), told: 'not_utf8 ' },
  'NaN as a word': { line: JSON.stringify(EVENT).replace('"mean":[', '"mean":[NaN,'), told: 'not_json ' },
  'a number in quotes': { line: edited({ requests: '4' }), told: 'bad_field requests ' },
  'a list for a word': { line: edited({ model: ['m'] }), told: 'bad_field model ' },
  'a column of words': {
    line: edited({ input: { ...EVENT.input, mean: EVENT.input.mean.map(() => 'NaN') } }),
    told: 'bad_column input.mean[0] ',
  },
  'a time beyond any clock': { line: edited({ time: '2226-03-02T00:00:00.000Z' }), told: 'bad_time time ' },
  'a time in words': { line: edited({ time: 'yesterday' }), told: 'bad_time time ' },
  'a kind nobody knows': { line: edited({ kind: 'telepathy' }), told: 'unknown_kind kind ' },
  'a version to come': { line: edited({ v: 9 }), told: 'bad_version v ' },
  'a list for an event': { line: '[]', told: 'not_object ' },
  'more than a megabyte': { line: edited({ labels: { a: 'x'.repeat(2 ** 20) } }), told: 'too_large ' },
};

test('every bad line is named with its place and reason, and the incident is found among them', async (t) => {
  const file = join(await tempDir(t), 'damaged.jsonl');
  const lines: (string | Buffer)[] = [...LINES];
  const bad = Object.values(BAD_LINES);
  bad.forEach(({ line }, i) => void lines.splice(i * 100 + 50, 0, line));
  await writeFile(file, Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])));
  const { code, findings, told } = await replay(t, [file]);

  expect(code).toBe(0);
  const named = told.filter((line) => line.startsWith(`${file}:`) && !line.startsWith(`${file}: `));
  expect(named.map((line, i) => line.slice(0, `${file}:${i * 100 + 51}: ${bad[i]?.told}`.length))).toEqual(
    bad.map(({ told: way }, i) => `${file}:${i * 100 + 51}: ${way}`),
  );
  const byReason =
    'bad_column 1, bad_field 2, bad_time 2, bad_version 1, not_json 2, not_object 1, not_utf8 1, too_large 1, unknown_kind 1';
  const account = `${LINES.length} events, 12 refused (${byReason}), 0 duplicates, 0 missing, 0 late`;
  expect(told).toContain(`${file}: ${account}, 1 incident`);
  expect(findings.map(({ event, layers }) => [event, layers[0]])).toEqual([
    ['opened', 'encoder.layer.2.output.LayerNorm'],
  ]);
});

test('repeats, gaps and garbage at random: the summary has the counts of the oracle', async (t) => {
  const sent = trafficOf({
    seed: SEED,
    models: { a: 'one-bad-pod', b: 'fp16-overflow' },
    garbage: 0.05,
    garbageOf: [...JSON_GARBAGE, ...BYTE_GARBAGE],
  });
  const counts = countSent(sent);
  const sum = (part: Readonly<Record<string, number>>) =>
    Object.values(part).reduce((all, one) => all + one, 0);
  // An empty line is none to a file, where an empty message is a refused record.
  const { empty = 0, ...refused } = counts.refused;
  expect(empty, 'the traffic has empty lines').toBeGreaterThan(0);
  const { code, told } = await replay(t, ['-'], jsonLines(sent));
  expect(code).toBe(0);
  const reasons = Object.entries(refused).map(([reason, count]) => `${reason} ${count}`);
  expect(told, `seed ${SEED}`).toContain(
    `-: ${sum(counts.events) + sum(counts.duplicates)} events, ${sum(refused)} refused (${reasons.join(', ')}), ` +
      `${sum(counts.duplicates)} duplicates, ${sum(counts.missing)} missing, 0 late, 2 incidents`,
  );
});

test('a source far ahead in time is left out and counted, and the incident is found on time', async (t) => {
  const file = join(await tempDir(t), 'ahead.jsonl');
  const ahead = edited({ time: '2036-03-02T00:00:00.000Z', source: 'pod-9' });
  await writeFile(file, [...LINES.slice(0, 100), ahead, ...LINES.slice(100)].join('\n'));
  const { code, findings, told } = await replay(t, [file]);
  expect(code).toBe(0);
  expect(told).toContain(
    `${file}: ${LINES.length + 1} events, 0 refused, 0 duplicates, 0 missing, 1 late, 1 incident`,
  );
  expect(findings.map(({ event, time }) => [event, time])).toEqual([['opened', '2026-03-02T00:05:10.000Z']]);
});

test('a line of 100 MB is refused in little memory, and the rest is used', async (t) => {
  const file = join(await tempDir(t), 'long.jsonl');
  const out = createWriteStream(file);
  out.write(`${LINES.slice(0, 700).join('\n')}\n{"v":1,"kind":"`);
  const megabyte = Buffer.alloc(2 ** 20, 'x');
  for (let i = 0; i < 100; i++) out.write(megabyte);
  out.end(`"}\n${LINES.slice(700).join('\n')}\n`);
  await finished(out);
  const { code, findings, told, peakBytes } = await replay(t, [file]);
  expect(code).toBe(0);
  expect(told.filter((line) => line.startsWith(`${file}:701: too_large `))).toHaveLength(1);
  expect(told).toContain(
    `${file}: ${LINES.length} events, 1 refused (too_large 1), 0 duplicates, 0 missing, 0 late, 1 incident`,
  );
  expect(findings).toHaveLength(1);
  expect(peakBytes).toBeGreaterThan(20e6);
  expect(peakBytes).toBeLessThan(PEAK_BYTES_MAX);
});

test('files that break off, hold nothing or are not there: what can be used is, and the exit says the rest', async (t) => {
  const folder = await tempDir(t);
  const whole = await readFile(join(RECORDINGS, 'deploy-epsilon.jsonl.gz'));
  const [cut, empty, missing, good] = ['cut.jsonl.gz', 'empty.jsonl', 'missing.jsonl', 'good.jsonl.gz'].map(
    (name) => join(folder, name),
  ) as [string, string, string, string];
  await writeFile(cut, whole.subarray(0, whole.length * 0.9));
  await writeFile(empty, '');
  await writeFile(good, whole);
  const { code, findings, told } = await replay(t, [cut, empty, missing, good]);

  expect(code).toBe(2);
  expect(findings.map(({ event, file }) => [event, file])).toEqual([
    ['opened', cut],
    ['opened', good],
  ]);
  const nothing = '0 events, 0 refused, 0 duplicates, 0 missing, 0 late, 0 incidents';
  expect(told).toContain(`${empty}: ${nothing}`);
  expect(told).toContain(
    `${good}: ${LINES.length} events, 0 refused, 0 duplicates, 0 missing, 0 late, 1 incident`,
  );
  // The gzip ends within a line: all before it is used.
  const summary = told.find((line) => line.startsWith(`${cut}: `)) ?? '';
  const used = Number(/^.*: (\d+) events, 1 refused \(not_json 1\)/.exec(summary)?.[1]);
  expect(used).toBeGreaterThan(LINES.length / 2);
  expect(told.filter((line) => line.startsWith(`${cut}:${used + 1}: not_json `))).toHaveLength(1);
  expect(told).toContain(`normwatch: ${cut}: cannot be read: unexpected end of file [NW103]`);
  expect(told).toContain(`normwatch: ${missing}: there is no such file [NW102]`);
});
