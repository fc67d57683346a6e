/** A list is recalled only if it is equal to one that passed. */
import { describe, expect, it } from 'vitest';
import { createRecall } from '../../../agent/core/decode/recall.ts';

const names = (n: number) => Array.from({ length: n }, (_, i) => `layer ${String(i).padStart(3, '0')}`);

describe('recall', () => {
  it('finds the very list it kept, which nobody can change any more', () => {
    const recall = createRecall();
    const kept = names(13);
    recall.keep(kept);
    expect(recall.find(names(13))).toBe(kept);
    expect(Object.isFrozen(kept)).toBe(true);
  });

  it('does not find a list of the same slot that is shorter, longer or different', () => {
    const recall = createRecall();
    recall.keep(names(13));
    // Slots repeat every 64 names.
    expect(recall.find(names(77))).toBeNull();
    expect(recall.find(names(12))).toBeNull();
    expect(recall.find(names(13).with(5, 'layer xxx'))).toBeNull();
    recall.keep(names(77));
    expect(recall.find(names(13))).toBeNull();
  });

  it.each([null, 'abc', { length: 1, 0: 'a' }, [], [null], [''], [[]]])('finds nothing for %j', (value) => {
    const recall = createRecall();
    recall.keep(['a']);
    expect(recall.find(value)).toBeNull();
  });

  it('does not keep lists that would hold much memory', () => {
    const recall = createRecall();
    recall.keep(names(513));
    expect(recall.find(names(513))).toBeNull();
  });
});
