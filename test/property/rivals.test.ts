/** Restarts, repeats, losses and records out of order are the everyday of one process: never a sign of two. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signsBy } from '../../agent/core/rivals.ts';
import { newSequence, noteSequence } from '../../agent/core/sequence.ts';

const T0 = 1_772_409_600_000;

interface Sent {
  readonly boot: string;
  readonly seq: number;
  readonly timeMs: number;
}

/** One life of a process: how many flushes, how many records each, the time between them and the pause before. */
const life = fc.record({
  flushes: fc.integer({ min: 1, max: 120 }),
  records: fc.integer({ min: 1, max: 5 }),
  everyMs: fc.integer({ min: 1, max: 20_000 }),
  pauseMs: fc.integer({ min: 1, max: 60_000 }),
});

function recordsOf(
  lives: readonly { flushes: number; records: number; everyMs: number; pauseMs: number }[],
): Sent[] {
  let timeMs = T0;
  return lives.flatMap(({ flushes, records, everyMs, pauseMs }, i) => {
    timeMs += pauseMs;
    return Array.from({ length: flushes * records }, (_, seq) => {
      if (seq % records === 0) timeMs += everyMs;
      return { boot: `boot-${i}`, seq, timeMs };
    });
  });
}

/** What happens to each record on its way: it is lost, held up by some places, and comes again some places later. */
const fate = fc.record({
  lost: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  heldUp: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
  ),
  again: fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 2 }),
});

test('one process never gives a sign', () => {
  fc.assert(
    fc.property(
      fc.array(life, { minLength: 1, maxLength: 6 }),
      fc.array(fate, { minLength: 1, maxLength: 50 }),
      (lives, fates) => {
        const arrivals = recordsOf(lives).flatMap((record, i) => {
          const { lost, heldUp, again } = fates[i % fates.length]!;
          return lost ? [] : [heldUp, ...again].map((later) => ({ at: i + later, record }));
        });
        arrivals.sort((a, b) => a.at - b.at);
        const sequence = newSequence('boot-0');
        for (const { record } of arrivals) {
          noteSequence(sequence, record.boot, record.seq, record.timeMs);
          expect(signsBy(sequence.rivals, Number.MAX_SAFE_INTEGER)).toBeNull();
          expect(sequence.rivals?.signs ?? []).toEqual([]);
        }
      },
    ),
    { numRuns: 200 },
  );
});
