/** Where to begin reading, for every pair of what is stored and what the log says. */
import { describe, expect, test } from 'vitest';
import { END_UNKNOWN, type LogIdentity, type SourceRecord } from '../../../agent/flow/ports.ts';
import {
  fingerprint,
  formatFingerprint,
  judgeStart,
  parseFingerprint,
  parseLost,
} from '../../../agent/flow/start.ts';

const LAST = { position: 99n, hash: '0123456789abcdef' };
const header = (next: bigint | null, facts: Record<string, string> = {}) => ({
  epoch: 1n,
  next,
  facts: new Map(Object.entries({ last: formatFingerprint(LAST), ...facts })),
});
const log = (given: Partial<LogIdentity>): LogIdentity => ({
  clusterId: null,
  topicId: null,
  low: 0n,
  end: 200n,
  ...given,
});
const NAMED = { cluster: 'c', topic: 't' };
const named = (given: Partial<LogIdentity>): LogIdentity => log({ clusterId: 'c', topicId: 't', ...given });

const CASES = [
  [
    'nothing stored: the lowest position',
    { header: header(null), log: log({ low: 7n }) },
    { kind: 'new', next: 7n },
  ],
  ['stored: goes on there', { header: header(100n), log: log({}) }, { kind: 'resumed', next: 100n }],
  [
    'stored at the very end: goes on there',
    { header: header(200n), log: log({}) },
    { kind: 'resumed', next: 200n },
  ],
  [
    'stored at the lowest: nothing is lost',
    { header: header(100n), log: log({ low: 100n }) },
    { kind: 'resumed', next: 100n },
  ],
  [
    'retention passed by: goes on at the lowest',
    { header: header(100n), log: log({ low: 101n }) },
    { kind: 'expired', next: 101n },
  ],
  [
    'another topic id: cold',
    { header: header(100n, NAMED), log: named({ topicId: 'u', low: 3n }) },
    { kind: 'recreated', next: 3n },
  ],
  [
    'another cluster: cold',
    { header: header(100n, NAMED), log: named({ clusterId: 'd' }) },
    { kind: 'recreated', next: 0n },
  ],
  [
    'the same log ends before: keeps the state',
    { header: header(100n, NAMED), log: named({ end: 90n }) },
    { kind: 'truncated', next: 90n },
  ],
  [
    'a log without a name ends before: cold',
    { header: header(100n), log: log({ end: 90n }) },
    { kind: 'recreated', next: 0n },
  ],
  [
    'the same log holds another last record: keeps the state',
    { header: header(100n, NAMED), log: named({}), differs: LAST },
    { kind: 'truncated', next: 100n },
  ],
  [
    'a log without a name holds another last record: cold',
    { header: header(100n), log: log({}), differs: LAST },
    { kind: 'recreated', next: 0n },
  ],
  [
    'somebody else committed since the record was compared: says nothing',
    { header: header(100n), log: log({}), differs: { ...LAST, position: 98n } },
    { kind: 'resumed', next: 100n },
  ],
] as const;

describe('start', () => {
  test.each(CASES)('%s', (_, given, expected) => {
    expect(judgeStart({ startAt: 'earliest', ...given })).toMatchObject(expected);
  });

  test('latest begins at the end, but only when nothing is stored and the end is known', () => {
    const start = (next: bigint | null, end: bigint) =>
      judgeStart({ header: header(next), log: log({ end }), startAt: 'latest' }).next;
    expect(start(null, 200n)).toBe(200n);
    expect(start(100n, 200n)).toBe(100n);
    expect(start(null, END_UNKNOWN)).toBe(0n);
  });
});

describe('fingerprint', () => {
  const record = (value: string | null, arrivedMs: number | null = 5): SourceRecord => ({
    position: 42n,
    arrivedMs,
    key: null,
    value: value === null ? null : new TextEncoder().encode(value),
    headers: new Map(),
  });

  test('tells records apart by value and by time', () => {
    const hashes = [
      record('a'),
      record('b'),
      record('a', 6),
      record('', null),
      record(null),
      record('ab'),
      record('ba'),
    ];
    expect(new Set(hashes.map((r) => fingerprint(r).hash)).size).toBe(hashes.length);
  });

  test('is the same again for the same record, and survives the store', () => {
    const taken = fingerprint(record('a'));
    expect(fingerprint(record('a'))).toEqual(taken);
    expect(parseFingerprint(formatFingerprint(taken))).toEqual(taken);
  });

  test.each([undefined, '', '5', 'x:0123456789abcdef', '5:short', `${'9'.repeat(30)}:0123456789abcdef`])(
    'read back as %s is none',
    (text) => expect(parseFingerprint(text)).toBeNull(),
  );

  test.each([
    [undefined, 0n],
    ['12', 12n],
    ['-1', 0n],
    ['1e3', 0n],
  ])('a loss read back as %s counts %s', (text, lost) => expect(parseLost(text)).toBe(lost));
});
