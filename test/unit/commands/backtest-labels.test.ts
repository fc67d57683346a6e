/** Labels as they are written by hand: both ways to give an onset, and each mistake told with its line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Label, readLabels } from '../../../agent/commands/backtest-labels.ts';
import type { Owner } from '../../kit/owner.ts';
import { provokes } from '../../kit/provoke.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const GOOD = { file: 'a.jsonl', cause: 'unknown', onset_s: 300, severity: 'page' };

async function write(t: Owner, content: unknown): Promise<string> {
  const file = join(await tempDir(t), 'labels.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 1));
  return file;
}

describe('labels', () => {
  it('are read with paths beside the file of labels', async (t) => {
    const file = await write(t, {
      serving: [
        {
          ...GOOD,
          file: 'serving/a.jsonl.gz',
          all_sources: true,
          layers: 'all',
          baseline: 'serving/b.jsonl.gz',
        },
        {
          ...GOOD,
          sources: ['pod-2'],
          layers: ['x'],
          acceptable: ['ticket', 'page'],
          detectability: 'clear',
        },
      ],
    });
    const folder = join(file, '..');
    expect(readLabels(file)).toEqual<Label[]>([
      {
        file: 'serving/a.jsonl.gz',
        path: join(folder, 'serving/a.jsonl.gz'),
        where: `${file}:3`,
        kind: 'serving',
        cause: 'unknown',
        onset: { at: 'offset', seconds: 300, startMs: null },
        layers: 'all',
        sources: 'all',
        acceptable: ['page'],
        scenario: '',
        detectability: '',
        epsilon: null,
        baseline: join(folder, 'serving/b.jsonl.gz'),
      },
      {
        file: 'a.jsonl',
        path: join(folder, 'a.jsonl'),
        where: `${file}:12`,
        kind: 'serving',
        cause: 'unknown',
        onset: { at: 'offset', seconds: 300, startMs: null },
        layers: ['x'],
        sources: ['pod-2'],
        acceptable: ['ticket', 'page'],
        scenario: '',
        detectability: 'clear',
        epsilon: null,
        baseline: null,
      },
    ]);
  });

  const START = Date.parse('2026-03-02T00:00:00Z');
  const onsets: [does: string, entry: object, onset: Label['onset']][] = [
    [
      'a time',
      { onset: '2026-03-02T00:05:00Z', onset_s: undefined },
      { at: 'time', timeMs: START + 300_000 },
    ],
    ['no time', { onset: null, onset_s: undefined, severity: 'none' }, { at: 'never' }],
    ['no seconds', { onset_s: null, severity: ['none', 'ticket'] }, { at: 'never' }],
    [
      'seconds from a start',
      { start: '2026-03-02T00:00:00Z' },
      { at: 'offset', seconds: 300, startMs: START },
    ],
  ];
  it.for(onsets)('take an onset from %s', async ([, entry, onset], t) => {
    const file = await write(t, { serving: [{ ...GOOD, ...entry }] });
    expect(readLabels(file)[0]?.onset).toEqual(onset);
  });

  const steps: [does: string, entry: object, onset: Label['onset']][] = [
    ['where the data shows it', { onset_step: 0, evidence_step: 138 }, { at: 'step', step: 138 }],
    ['where its cause begins', { onset_step: 150 }, { at: 'step', step: 150 }],
    ['nowhere', { onset_step: null, severity: 'none' }, { at: 'never' }],
  ];
  it.for(steps)('of training take the step %s', async ([, entry, onset], t) => {
    const file = await write(t, { training: [{ ...GOOD, onset_s: undefined, ...entry }] });
    expect(readLabels(file)[0]).toMatchObject({ kind: 'training', onset });
  });

  it('take a start for all entries, and an epsilon where the cause is one', async (t) => {
    const entry = { ...GOOD, cause: 'epsilon_mismatch', value: 0.05 };
    const file = await write(t, {
      start: '2026-03-02T00:00:00Z',
      serving: [entry, { ...entry, value: 'some' }],
    });
    expect(readLabels(file).map(({ onset, epsilon }) => [onset, epsilon])).toEqual([
      [{ at: 'offset', seconds: 300, startMs: START }, 0.05],
      [{ at: 'offset', seconds: 300, startMs: START }, null],
    ]);
  });
});

const wrong: [what: string, content: unknown, line: number, detail: RegExp][] = [
  ['is no JSON', '{"serving": [\n{"file": }', 2, /^it is not JSON/],
  ['is no object', '[]', 1, /must be an object/],
  ['has no list', { serving: {} }, 2, /^"serving" must be a list of objects, not \{\}$/],
  ['names no file', { serving: [{ ...GOOD, file: undefined }] }, 3, /^"file" is missing/],
  ['names a file by a number', { serving: [{ ...GOOD, file: 7 }] }, 4, /^"file" must be a text, not 7$/],
  ['names no cause', { serving: [{ ...GOOD, cause: null }] }, 5, /^"cause" must be a text, not null$/],
  ['has no onset', { serving: [{ ...GOOD, onset_s: undefined }] }, 3, /^"onset_s" is missing: seconds/],
  [
    'has an onset in words',
    { serving: [{ ...GOOD, onset_s: 'late' }] },
    6,
    /^"onset_s" must be a number .*"late"$/,
  ],
  ['has a time that is none', { serving: [{ ...GOOD, onset: 'noon' }] }, 8, /^"onset" must be a time/],
  ['has no step', { training: [{ ...GOOD }] }, 3, /^"onset_step" is missing/],
  ['has no severity', { serving: [{ ...GOOD, severity: undefined }] }, 3, /^"severity" is missing/],
  [
    'has an unknown severity',
    { serving: [{ ...GOOD, severity: ['loud'] }] },
    7,
    /^"severity" must be one or a list/,
  ],
  [
    'has a fault without onset',
    { serving: [{ ...GOOD, onset_s: null }] },
    3,
    /^"onset_s" is missing: the severity says/,
  ],
  [
    'has layers by number',
    { serving: [{ ...GOOD, layers: [1] }] },
    8,
    /^"layers" must be "all" or a list of names/,
  ],
];

describe('a file of labels that', () => {
  it.for(wrong)('%s is refused', async ([, content, line, detail], t) => {
    const file = await write(t, content);
    const { message } = await provokes('labels_wrong', () => readLabels(file));
    expect(message).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')}:${line}: `));
    expect(message.slice(`${file}:${line}: `.length)).toMatch(detail);
  });

  it('has several mistakes tells them all', async (t) => {
    const file = await write(t, {
      serving: [
        { ...GOOD, file: 1 },
        { ...GOOD, onset_s: 'x' },
      ],
    });
    await expect(async () => readLabels(file)).rejects.toMatchObject({ errors: [{}, {}] });
  });

  it('is not there is told', async (t) => {
    await provokes('file_missing', () => readLabels(join('/nowhere', 'labels.json')));
    const folder = await tempDir(t);
    await provokes('file_unreadable', () => readLabels(folder));
  });
});
