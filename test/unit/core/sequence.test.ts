/** Duplicates and gaps against an oracle that remembers every number in a set. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import { newSequence, noteSequence, SEQUENCE_WINDOW, sequenceCodec } from '../../../agent/core/sequence.ts';

/** Of one boot heard from its first number on: everything above the window is known exactly. */
function createOracle(first: 'heard from 0' | 'joined late') {
  const seen = new Set<number>();
  let high = first === 'heard from 0' ? -1 : null;
  return {
    /** Null = duplicate (or too old to tell). */
    note(seq: number): number | null {
      if (high === null) {
        high = seq;
        // What came before the log began is not missing, and cannot be new.
        for (let i = 0; i <= seq; i++) seen.add(i);
        return 0;
      }
      if (seen.has(seq) || seq <= high - SEQUENCE_WINDOW) return null;
      seen.add(seq);
      if (seq < high) return -1;
      const missing = seq - high - 1;
      high = seq;
      return missing;
    },
  };
}

const verdictOf = (s: ReturnType<typeof newSequence>, boot: string | null, seq: number, timeMs = seq) => {
  const verdict = noteSequence(s, boot, seq, timeMs);
  return verdict.duplicate ? null : verdict.missing;
};

/** Mostly forward, with repeats, swaps, and jumps around the size of the window. */
const walk = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(1) },
      { weight: 3, arbitrary: fc.integer({ min: -8, max: 8 }) },
      { weight: 1, arbitrary: fc.integer({ min: -SEQUENCE_WINDOW - 3, max: SEQUENCE_WINDOW + 40 }) },
    ),
    { minLength: 1, maxLength: 400 },
  )
  .map((steps) => {
    let at = 0;
    return steps.map((step) => {
      at = Math.max(0, at + step);
      return at;
    });
  });

describe('sequence', () => {
  it.each(['boot', null])('tells what a set of all numbers tells (boot %s)', (boot) => {
    fc.assert(
      fc.property(walk, (numbers) => {
        const oracle = createOracle('joined late');
        const sequence = newSequence(boot);
        for (const seq of numbers) expect(verdictOf(sequence, boot, seq, 0)).toBe(oracle.note(seq));
      }),
      { numRuns: 300 },
    );
  });

  it('counts, in the end, exactly the numbers that never came', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(SEQUENCE_WINDOW - 2), { minLength: 1, maxLength: 200 }),
        (numbers) => {
          const sequence = newSequence('b');
          verdictOf(sequence, 'b', 0);
          let missing = 0;
          for (const seq of numbers) missing += verdictOf(sequence, 'b', seq + 1)!;
          expect(missing).toBe(Math.max(...numbers) + 1 - numbers.length);
        },
      ),
    );
  });

  it('starts again with a new boot, whose lost beginning is missing', () => {
    const sequence = newSequence('one');
    for (const seq of [40, 41, 42]) verdictOf(sequence, 'one', seq);
    expect(verdictOf(sequence, 'two', 3, 50)).toBe(3);
    expect(verdictOf(sequence, 'two', 1, 51)).toBe(-1);
    expect(verdictOf(sequence, 'two', 1, 52)).toBeNull();
    expect(verdictOf(sequence, 'two', 42, 53)).toBe(38);
  });

  it('does not take a straggler of the boot before for a restart', () => {
    const sequence = newSequence('one');
    verdictOf(sequence, 'one', 5, 1_000);
    verdictOf(sequence, 'two', 0, 2_000);
    expect(verdictOf(sequence, 'one', 6, 1_500)).toBeNull();
    expect(verdictOf(sequence, 'two', 1, 2_100)).toBe(0);
  });

  it('takes a boot that comes back later for a restart', () => {
    const sequence = newSequence('one');
    verdictOf(sequence, 'one', 5, 1_000);
    verdictOf(sequence, 'two', 0, 2_000);
    expect(verdictOf(sequence, 'one', 0, 3_000)).toBe(0);
  });

  it.each([
    ['lower by 1,000 with a later time: a restart', 1_000, 11, 0],
    ['lower by 999 with a later time: a repeat', 999, 11, null],
    ['lower by 1,000 with an earlier time: a repeat', 1_000, 9, null],
  ])('without boots, a number %s', (_, drop, timeMs, wanted) => {
    const sequence = newSequence(null);
    verdictOf(sequence, null, 1_000, 10);
    expect(verdictOf(sequence, null, 1_000 - drop, timeMs)).toBe(wanted);
  });

  it('goes on after a restart without boots as after any other', () => {
    const sequence = newSequence(null);
    verdictOf(sequence, null, 5_000, 10);
    expect([0, 1, 1, 4].map((seq, i) => verdictOf(sequence, null, seq, 20 + i))).toEqual([0, 0, null, 2]);
  });

  it.each([
    ['the oldest number that is told apart', SEQUENCE_WINDOW - 1, -1],
    ['one before it', SEQUENCE_WINDOW, null],
  ])('%s', (_, back, wanted) => {
    const sequence = newSequence('b');
    verdictOf(sequence, 'b', 0);
    verdictOf(sequence, 'b', 1_000);
    expect(verdictOf(sequence, 'b', 1_000 - back)).toBe(wanted);
  });

  it('stays exact at the largest numbers', () => {
    const sequence = newSequence('b');
    const top = Number.MAX_SAFE_INTEGER;
    expect([top - 3, top - 1, top - 2, top, top].map((seq) => verdictOf(sequence, 'b', seq))).toEqual([
      0,
      1,
      -1,
      0,
      null,
    ]);
  });

  it('goes on from its bytes as if never stored', () => {
    fc.assert(
      fc.property(walk, fc.nat(), (numbers, cut) => {
        const straight = newSequence('b');
        let stored = newSequence('b');
        numbers.forEach((seq, i) => {
          if (i === cut % numbers.length) stored = decodeBytes(sequenceCodec, encode(sequenceCodec, stored));
          expect(verdictOf(stored, 'b', seq)).toBe(verdictOf(straight, 'b', seq));
        });
      }),
      { numRuns: 50 },
    );
  });
});
