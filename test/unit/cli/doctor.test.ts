/** What `doctor` makes of what it is told; what it asks is for the integration tests. */
import { describe, expect, it } from 'vitest';
import { checkTopic, judgeClock } from '../../../agent/commands/doctor.ts';

const DAY_MS = 86_400_000;
const GOOD = {
  partitions: 8,
  replicas: 3,
  retentionMs: 7 * DAY_MS,
  config: new Map([['cleanup.policy', 'delete']]),
};
const levels = (verdicts: readonly { level: string; subject: string }[]) =>
  verdicts.filter(({ level }) => level !== 'ok').map(({ level, subject }) => `${level} ${subject}`);

describe('a topic', () => {
  it.each([
    ['is good with copies, a week and no compaction', {}, []],
    ['is good when kept for ever', { retentionMs: null }, []],
    ['with one copy is worth a warning', { replicas: 1 }, ['warn topic']],
    ['kept for less than a week is worth a warning', { retentionMs: 7 * DAY_MS - 1 }, ['warn retention']],
    [
      'that compacts cannot work',
      { config: new Map([['cleanup.policy', 'compact,delete']]) },
      ['FAIL topic'],
    ],
    ['that takes small messages only', { config: new Map([['max.message.bytes', '1000']]) }, ['warn topic']],
  ])('%s', (_, change, expected) => {
    expect(levels(checkTopic('t', { ...GOOD, ...change }, true))).toEqual(expected);
  });

  it('of findings may be short-lived and compacted', () => {
    const findings = { ...GOOD, retentionMs: DAY_MS, config: new Map([['cleanup.policy', 'compact']]) };
    expect(levels(checkTopic('t', findings, false))).toEqual([]);
  });
});

describe('a clock', () => {
  it.each([
    [0, 5, 'ok'],
    [900, 0, 'ok'],
    [-1500, 10, 'warn'],
    [1500, 1000, 'ok'],
    [40_000, 10, 'FAIL'],
    [-40_000, 10, 'FAIL'],
  ])('that is %d ms ahead, known to %d ms, is %s', (aheadMs, uncertainMs, level) => {
    expect(judgeClock('Redis', aheadMs, uncertainMs)).toMatchObject({ level, subject: 'clocks' });
  });
});
