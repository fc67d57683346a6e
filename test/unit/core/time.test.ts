/** Times against the engine's own calendar; what `parseTime` refuses is in the tests of decode. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTime, parseTime } from '../../../agent/core/time.ts';

const MIN = Date.UTC(1970, 0, 1);
const MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

describe('time', () => {
  it('is written as the engine writes it', () => {
    fc.assert(
      fc.property(fc.integer({ min: MIN, max: MAX }), (ms) => {
        expect(formatTime(ms)).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 2_000 },
    );
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: MIN, max: MAX }), (ms) => {
        expect(parseTime(formatTime(ms))).toBe(ms);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '2000-02-29T23:59:59.999Z',
    '2100-02-28T23:59:59.999Z',
    '2100-03-01T00:00:00.000Z',
    '1999-12-31T23:59:59.999Z',
    '2024-12-31T00:00:00.000Z',
  ])('%s is the same moment here and in the engine', (text) => {
    expect(parseTime(text)).toBe(Date.parse(text));
    expect(formatTime(Date.parse(text))).toBe(text);
  });

  it('with a fraction of a millisecond is written without it', () => {
    expect(formatTime(1.9)).toBe('1970-01-01T00:00:00.001Z');
  });
});
