/** Every line of the shipped recordings of real models decodes, into the kinds they are said to hold. */
import { globSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { decode } from '../../../agent/core/decode/index.ts';
import { bytes } from './events.ts';

const FOLDER = new URL('../../../examples/recordings/', import.meta.url);
const FILES = globSync('*.jsonl.gz', { cwd: FOLDER.pathname });

it.each(FILES)('%s decodes to the last line', (file) => {
  const lines = gunzipSync(readFileSync(new URL(file, FOLDER)))
    .toString()
    .trimEnd()
    .split('\n');
  const refused = lines.flatMap((line, at) => {
    const decoded = decode(bytes(line));
    return decoded.ok ? [] : [{ line: at + 1, ...decoded.refusal }];
  });
  expect(refused).toEqual([]);
  expect(lines.length).toBeGreaterThan(100);
});

it('there are recordings of serving and of training', () => {
  expect(FILES.filter((file) => file.startsWith('training-')).length).toBeGreaterThan(0);
  expect(FILES).toContain('baseline.jsonl.gz');
});
