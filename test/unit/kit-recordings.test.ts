/** The shipped recordings are what their README and labels say, and the script that cut them keeps its promises. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { cut } from '../../examples/cut.ts';
import labels from '../../examples/recordings/labels.json' with { type: 'json' };
import { PROJECT } from '../kit/services/paths.ts';

const FOLDER = join(PROJECT, 'examples/recordings');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl.gz'));
const BYTES_MAX = 4 * 1024 * 1024;

interface Line {
  kind: string;
  time: string;
  window_ms: number;
  source: string;
  boot: string;
  seq: number;
}

const linesOf = (file: string): string[] =>
  gunzipSync(readFileSync(join(FOLDER, file)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
const eventsOf = (file: string): Line[] => linesOf(file).map((line) => JSON.parse(line) as Line);

test('every recording is labelled and told of in the README', () => {
  const labelled = [...labels.serving, ...labels.training].map(({ file }) => file);
  expect(labelled.sort()).toEqual([...FILES].sort());
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  for (const file of FILES) expect(readme).toContain(`\`${file}\``);
});

test('together they stay small', () => {
  const bytes = FILES.reduce((sum, file) => sum + statSync(join(FOLDER, file)).size, 0);
  expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
});

test.each(FILES)('%s has no gap and no repeat in any sender', (file) => {
  const next = new Map<string, number>();
  for (const { source, boot, seq } of eventsOf(file)) {
    const sender = `${source}/${boot}`;
    expect(seq).toBe(next.get(sender) ?? 0);
    next.set(sender, seq + 1);
  }
});

test('the baseline is long enough to learn from', () => {
  const flushes = eventsOf('baseline.jsonl.gz').filter(({ kind }) => kind === 'activations');
  const ticks = new Set(
    flushes.map(({ time, window_ms }) => Math.floor((Date.parse(time) - window_ms / 2) / 10_000)),
  );
  expect(flushes.length).toBeGreaterThanOrEqual(600);
  expect(ticks.size).toBe(60);
});

test.each(labels.serving.filter(({ onset }) => onset !== null))(
  '$file shows 90 s without and 150 s with the fault',
  ({ file, onset, sources }) => {
    const events = eventsOf(file);
    const onsetMs = Date.parse(onset ?? '');
    const seconds = events.map(({ time }) => (Date.parse(time) - onsetMs) / 1_000);
    expect(Math.round(Math.min(...seconds))).toBe(-89);
    expect(Math.round(Math.max(...seconds))).toBe(150);
    const seen = new Set(events.map(({ source }) => source));
    for (const source of sources) expect(seen).toContain(source);
  },
);

test('the deployment is in the recording that is about one', () => {
  expect(eventsOf('deploy-epsilon.jsonl.gz').filter(({ kind }) => kind === 'deployment')).toHaveLength(1);
});

test('a cut takes the time range and the sources, keeps control events, and numbers anew', () => {
  const line = (second: number, source: string, seq: number, kind = 'activations') =>
    `{"v":1,"kind":"${kind}","time":"2026-01-01T00:00:0${second}.000Z","window_ms":1000,"source":"${source}","boot":"b","seq":${seq},"mean":1.50}`;
  const lines = [
    line(1, 'a', 7),
    line(1, 'b', 4),
    line(2, 'a', 8, 'channels'),
    line(2, 'deployer', 3, 'deployment'),
    line(3, 'a', 9),
    line(4, 'a', 10),
    line(5, 'a', 11),
  ];
  expect(cut(lines, { sources: ['a'], without: ['channels'], fromS: 1, toS: 4 })).toEqual([
    line(2, 'deployer', 0, 'deployment'),
    line(3, 'a', 0),
    line(4, 'a', 1),
  ]);
});
