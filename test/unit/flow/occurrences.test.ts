/** Telling and counting are one. */
import { describe, expect, test } from 'vitest';
import { createOccurrences, OCCURRENCES } from '../../../agent/flow/occurrences.ts';
import { createTestTime, createToldLog } from './flow-kit.ts';

function setUp(repeatMs?: number) {
  const log = createToldLog();
  const time = createTestTime();
  const timings = {
    commits: [] as number[],
    recordCommit: (s: number) => void timings.commits.push(s),
    recordFold: () => undefined,
  };
  const occurrences = createOccurrences({
    log,
    clock: time,
    timings,
    ...(repeatMs !== undefined && { repeatMs }),
  });
  const passMs = (ms: number) => time.runUntil(() => false, time.nowMs() + ms);
  return { log, time, timings, occurrences, passMs };
}

describe('an occurrence', () => {
  test('is logged with its name and counted under it and under its system', () => {
    const { log, occurrences } = setUp();
    occurrences.storeUnavailable('t:0', 'commit', new Error('no route'));
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: expect.stringContaining('no route'),
        fields: { occurrence: 'store_unavailable', partition: 't:0', operation: 'commit' },
      },
    ]);
    expect(occurrences.counters.occurrences.store_unavailable).toBe(1);
    expect(occurrences.counters.errors).toEqual({ source: 0, store: 1, notifier: 0, listener: 0 });
  });

  test('that repeats is counted each time, logged once, and later with the number left out', async () => {
    const { log, time, occurrences } = setUp(1_000);
    for (let n = 0; n < 5; n += 1) occurrences.storeUnavailable('t:0', 'commit', new Error('x'));
    expect(log.lines).toHaveLength(1);
    time.after(1_000, () => undefined);
    await time.runUntil(() => false, time.nowMs() + 1_000);
    occurrences.storeUnavailable('t:0', 'commit', new Error('x'));
    expect(log.lines).toHaveLength(2);
    expect(log.lines[1]!.fields.repeated).toBe(4);
    expect(occurrences.counters.occurrences.store_unavailable).toBe(6);
  });

  test('elsewhere is no repeat', () => {
    const { log, occurrences } = setUp();
    occurrences.storeUnavailable('t:0', 'commit', new Error('x'));
    occurrences.storeUnavailable('t:1', 'commit', new Error('x'));
    expect(log.lines).toHaveLength(2);
  });

  test('is logged each time where that is asked for', () => {
    const { log, occurrences } = setUp(0);
    const refusal = { reason: 'not_json', field: null, detail: 'no JSON' };
    for (let n = 0; n < 3; n += 1) occurrences.recordRefused('file:0', BigInt(n), refusal);
    expect(log.lines.map((line) => line.message)).toEqual(
      [0, 1, 2].map((n) => expect.stringContaining(`position ${n}`)),
    );
    expect(occurrences.counters.records.refused).toBe(3);
  });

  test('of every name counts from 0', () => {
    const { counters } = setUp().occurrences;
    expect(Object.keys(counters.occurrences).sort()).toEqual(Object.keys(OCCURRENCES).sort());
    expect(Object.values(counters.occurrences).every((count) => count === 0)).toBe(true);
  });

  test('of a commit passes its seconds on', () => {
    const { occurrences, timings } = setUp();
    occurrences.committed(250);
    expect(timings.commits).toEqual([0.25]);
  });
});
