/** Findings on their way out: at least once, in order, bounded, and a broken notifier is nobody else's trouble. */
import { describe, expect, test } from 'vitest';
import { createOccurrences } from '../../../agent/flow/occurrences.ts';
import { createOutbox } from '../../../agent/flow/outbox.ts';
import type { Notifier } from '../../../agent/flow/ports.ts';
import { createTestTime, createToldLog, finding } from './flow-kit.ts';

interface Sink extends Notifier {
  readonly taken: string[];
  failures: number;
}

function sinkOf(failures = 0): Sink {
  const sink: Sink = {
    taken: [],
    failures,
    async publish(findings) {
      if (sink.failures > 0) {
        sink.failures -= 1;
        throw new Error('down');
      }
      sink.taken.push(...findings.map(({ id }) => id));
    },
    close: () => Promise.resolve(),
  };
  return sink;
}

function setUp(notifiers: Record<string, Notifier>, pending?: Uint8Array) {
  const clock = createTestTime();
  const log = createToldLog();
  const occurrences = createOccurrences({ log, clock });
  const aborter = new AbortController();
  const outbox = createOutbox({
    partition: 't:0',
    notifiers,
    clock,
    occurrences,
    signal: aborter.signal,
    pending,
  });
  const passMs = (ms: number) => clock.runUntil(() => false, clock.nowMs() + ms);
  const commit = (...ids: string[]) => outbox.committed(outbox.snapshot(ids.map(finding)));
  return { outbox, occurrences, aborter, passMs, commit };
}

const idsIn = (bytes: Uint8Array | null): string[] =>
  bytes === null ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as { id: string }[]).map(({ id }) => id);

describe('findings', () => {
  test('go out after their commit, not before', async () => {
    const sink = sinkOf();
    const { outbox, passMs } = setUp({ sink });
    const snapshot = outbox.snapshot([finding('a')]);
    await passMs(1_000);
    expect(sink.taken).toEqual([]);
    outbox.committed(snapshot);
    await passMs(1_000);
    expect(sink.taken).toEqual(['a']);
  });

  test('are stored until they were taken, then no more', async () => {
    const sink = sinkOf(1);
    const { outbox, passMs, commit } = setUp({ sink });
    expect(idsIn(outbox.snapshot([finding('a')]).bytes)).toEqual(['a']);
    commit('a');
    expect(outbox.changed()).toBe(false);
    await passMs(10);
    expect(idsIn(outbox.snapshot([finding('b')]).bytes)).toEqual(['a', 'b']);
    await passMs(1_000);
    expect(outbox.changed()).toBe(true);
    const empty = outbox.snapshot([]);
    expect(empty.bytes).toBeNull();
    outbox.committed(empty);
    expect(outbox.changed()).toBe(false);
  });

  test('of a predecessor go out first', async () => {
    const sink = sinkOf();
    const pending = setUp({ sink: sinkOf(9) }).outbox.snapshot([finding('old')]).bytes!;
    const { passMs, commit } = setUp({ sink }, pending);
    commit('new');
    await passMs(1_000);
    expect(sink.taken).toEqual(['old', 'new']);
  });

  test.each(['', '{', '{"id":"a"}', '[1,null,{"id":"a"}]'])(
    'that read back as %j are none, and are cleared',
    async (text) => {
      const sink = sinkOf();
      const { outbox, passMs } = setUp({ sink }, new TextEncoder().encode(text));
      await passMs(1_000);
      expect(sink.taken).toEqual([]);
      expect(outbox.changed()).toBe(true);
    },
  );

  test('reach the other notifiers while one is down, and that one when it is back', async () => {
    const [good, bad] = [sinkOf(), sinkOf(3)];
    const { occurrences, passMs, commit } = setUp({ bad, good });
    commit('a');
    commit('b');
    await passMs(50);
    expect([good.taken, bad.taken]).toEqual([['a', 'b'], []]);
    await passMs(10_000);
    expect(bad.taken).toEqual(['a', 'b']);
    expect(occurrences.counters.errors.notifier).toBe(3);
  });

  test('that are never taken are dropped from the oldest on, counted', async () => {
    const sink = sinkOf(Number.POSITIVE_INFINITY);
    const { outbox, occurrences, passMs, commit } = setUp({ sink });
    for (let n = 0; n < 1_200; n += 1) commit(`f${n}`);
    await passMs(100);
    const stored = idsIn(outbox.snapshot([]).bytes);
    expect([stored.length, stored[0]]).toEqual([1_000, 'f200']);
    expect(occurrences.counters.occurrences.findings_dropped).toBe(200);
  });

  test('are not tried any more when the tenure is over', async () => {
    const sink = sinkOf(1);
    const { outbox, aborter, passMs, commit } = setUp({ sink });
    commit('a');
    await passMs(10);
    aborter.abort();
    await outbox.drained();
    await passMs(60_000);
    expect(sink.taken).toEqual([]);
  });

  test('are not kept where nobody takes any', () => {
    const { outbox } = setUp({});
    expect(outbox.snapshot([finding('a')]).bytes).toBeNull();
  });
});
