/**
 * Pairs of input and outcome to read: one file each, `input` as it came (an object, or text where it is no JSON).
 * UPDATE_GOLDEN=1 writes the outcomes anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, KINDS } from '../../../agent/core/decode/index.ts';
import { bytes, headers } from '../../unit/decode/events.ts';

interface Pair {
  readonly input: unknown;
  readonly headers?: Record<string, string>;
  readonly outcome?: unknown;
}

const FOLDER = new URL('./', import.meta.url);
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

const read = (file: string): Pair => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));

function outcomeOf(pair: Pair): unknown {
  const decoded = decode(bytes(pair.input), headers(pair.headers ?? {}));
  if (decoded.ok) return { event: decoded.event };
  const { refusal } = decoded;
  // What is wrong with the JSON is told in the words of the parser, which are not ours to keep.
  return { refusal: refusal.reason === 'not_json' ? { ...refusal, detail: '*' } : refusal };
}

describe('decode', () => {
  it.each(FILES)('%s', (file) => {
    const { outcome, ...given } = read(file);
    const now = JSON.parse(JSON.stringify(outcomeOf(given)));
    if (process.env.UPDATE_GOLDEN === '1') {
      writeFileSync(new URL(file, FOLDER), `${JSON.stringify({ ...given, outcome: now }, null, 2)}\n`);
    } else {
      expect(now).toEqual(outcome);
    }
  });

  it('has a pair for every kind', () => {
    expect(KINDS.map(({ kind }) => `${kind}.json`).filter((file) => !FILES.includes(file))).toEqual([]);
  });
});
