/**
 * What commands say, to read: one file a case, first the command line, then its exit code, stdout and stderr. Times that
 * differ from run to run are blanked. UPDATE_GOLDEN=1 writes the files anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LineOptions, runLine } from '../../kit/command-line.ts';
import { storedInstallation } from '../../kit/stored.ts';

const FOLDER = import.meta.dirname;
const PROJECT = join(FOLDER, '../../..');
const RECORDINGS = 'examples/recordings';
const NOW_MS = Date.parse('2026-03-02T12:00:00Z');

type Case = readonly [name: string, words: readonly string[], options?: LineOptions | undefined];

const CASES: readonly Case[] = [
  ['help', ['--help']],
  ['help-incident', ['incident', '--help']],
  ['help-baseline-show', ['baseline', 'show', '--help']],
  ['usage', ['replay', '--basline', 'x']],
  ['config-check-good', ['config', 'check', 'test/golden/cli/good.yaml']],
  ['config-check-bad', ['config', 'check', 'test/golden/cli/bad.yaml']],
  [
    'config-print',
    ['config', 'print', 'test/golden/cli/good.yaml'],
    { environment: { NORMWATCH_STORE_REDIS_PASSWORD: 'hunter2', NORMWATCH_LOG_LEVEL: 'debug' } },
  ],
  ['replay', ['replay', '-b', `${RECORDINGS}/baseline.jsonl.gz`, `${RECORDINGS}/healthy.jsonl.gz`]],
  ['baseline-show-recording', ['baseline', 'show', `${RECORDINGS}/baseline.jsonl.gz`]],
  ['backtest', ['backtest', '-b', `${RECORDINGS}/baseline.jsonl.gz`, `${RECORDINGS}/healthy.jsonl.gz`]],
  ['replay-garbage', ['replay', '-'], { stdin: 'garbage\n{"v":2}\n\n{"v":1,"kind":"activations"}\n' }],
];

/** Cases on a store that holds the incident of `deploy-epsilon`. */
const STORED: readonly Case[] = [
  ['incident-list', ['incident', 'list', '--all']],
  ['incident-show', ['incident', 'show', '']],
  ['baseline-show', ['baseline', 'show', '--model', 'minilm-l6']],
];

async function told([, words, options]: Case, more: readonly string[] = []): Promise<string> {
  const { code, out, err } = await runLine([...words, ...more], { nowMs: NOW_MS, ...options });
  const text = `$ normwatch ${words.map((word) => (word === '' ? "''" : word)).join(' ')}\n[exit ${code}]\n`;
  const blanked = err
    .replaceAll(`${PROJECT}/`, '')
    .replace(/\d+\.\d s \([\d,]+ events\/s\)/g, '*')
    // What is wrong with JSON is told in the words of the parser.
    .replace(/:(\d+): not_json .*/g, ':$1: not_json *');
  return `${text}${out.replaceAll(`${PROJECT}/`, '')}${blanked === '' ? '' : `[stderr]\n${blanked}`}`;
}

function compare(name: string, now: string): void {
  const file = join(FOLDER, `${name}.txt`);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, now);
  expect(existsSync(file), `${name}.txt is missing: UPDATE_GOLDEN=1 writes it`).toBe(true);
  expect(now).toBe(readFileSync(file, 'utf8'));
}

describe('the command line says', () => {
  it.for(CASES)('%s', async (one) => compare(one[0], await told(one)));

  it.for(STORED)('%s', async (one, t) => {
    const { config } = await storedInstallation(t, ['deploy-epsilon']);
    compare(one[0], await told(one, ['--config', config]));
  });

  it('nothing that no case asks for', () => {
    const kept = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
    expect(kept.sort()).toEqual([...CASES, ...STORED].map(([name]) => `${name}.txt`).sort());
  });
});
