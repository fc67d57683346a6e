/** Label values come from whoever may write telemetry: short, clean, and still telling names apart. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LABEL_CHARS_MAX } from '../../../agent/catalog.ts';
import { cleanLabel } from '../../../agent/flow/exposition/label.ts';

test.each([
  ['encoder.layer.2.output.LayerNorm', 'encoder.layer.2.output.LayerNorm'],
  ['Schicht „übergroß“ 層', 'Schicht „übergroß“ 層'],
  ['a\nb\u0000c\u007fd\u0085e\u2028f', 'a_b_c_d_e_f'],
  ['\u202eevil\ufeff', '_evil_'],
  ['x'.repeat(LABEL_CHARS_MAX), 'x'.repeat(LABEL_CHARS_MAX)],
  ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
])('%j becomes %j', (value, expected) => {
  expect(cleanLabel(value)).toBe(expected);
});

test('whatever comes is well formed, without control characters and no longer than the cap', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (value) => {
      const label = cleanLabel(value);
      expect(label.length).toBeLessThanOrEqual(LABEL_CHARS_MAX);
      expect(label.isWellFormed()).toBe(true);
      expect(label).not.toMatch(/\p{Cc}/u);
      expect(cleanLabel(label)).toBe(label);
    }),
  );
});

test('long names with one beginning stay two', () => {
  const prefix = 'p'.repeat(200);
  const labels = new Set(Array.from({ length: 2_000 }, (_, i) => cleanLabel(`${prefix}.${i}`)));
  expect(labels.size).toBe(2_000);
});
