/** Times against the platform's own calendar. */
import { describe, expect, it } from 'vitest';
import { formatTime, parseTime, TIME_PATTERN } from '../../../agent/core/time.ts';

describe('parseTime', () => {
  it.each([
    '1970-01-01T00:00:00.000Z',
    '2000-02-29T23:59:59.999Z',
    '2024-02-29T12:00:00Z',
    '2026-03-02T00:00:01.5Z',
    '2026-03-02T00:00:01.05Z',
    '2100-03-01T00:00:00.000Z',
    '2026-03-02T00:30:00.000+01:00',
    '2026-12-31T23:30:00.000-12:45',
    '1900-03-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    '0000-01-01T00:00:00.000Z',
  ])('reads %s as the platform does', (text) => {
    expect(parseTime(text)).toBe(Date.parse(text));
  });

  it('cuts a finer fraction to milliseconds', () => {
    expect(parseTime('2026-03-02T00:00:01.123999999Z')).toBe(Date.UTC(2026, 2, 2, 0, 0, 1, 123));
  });

  it.each([
    '',
    '2026-03-02',
    '2026-03-02T00:00:00',
    '2026-03-02 00:00:00Z',
    '2026-03-02t00:00:00z',
    '2026-3-2T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-03-00T00:00:00Z',
    '2026-03-02T24:00:00Z',
    '2026-03-02T00:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-03-02T00:00:00.Z',
    '2026-03-02T00:00:00.1234567890Z',
    '2026-03-02T00:00:00,5Z',
    '2026-03-02T00:00:00+1:00',
    '2026-03-02T00:00:00+24:00',
    '2026-03-02T00:00:00+0100',
    '2026-03-02T00:00:00+01:60',
    '2026-03-02T00:00:00Z ',
    ' 2026-03-02T00:00:00Z',
    '+2026-03-02T00:00:00Z',
    '2026-03-02T00:00:00ZZ',
    '２026-03-02T00:00:00Z',
    '2026-03-02T00:00:00.000Z\n',
  ])('refuses %j', (text) => {
    expect(parseTime(text)).toBeNaN();
  });
});

describe('formatTime', () => {
  it('writes every day from 1999 to 2101 as the platform does, and reads it back', () => {
    for (let ms = Date.UTC(1999, 0, 1, 23, 59, 59, 7); ms < Date.UTC(2101, 0, 2); ms += 86_400_000) {
      const text = formatTime(ms);
      if (text !== new Date(ms).toISOString() || parseTime(text) !== ms)
        expect(text).toBe(new Date(ms).toISOString());
    }
  });

  it.each([0, -1, 59_999, 3_599_999, 86_399_999, -86_400_000])('writes %d as the platform does', (ms) => {
    expect(formatTime(ms)).toBe(new Date(ms).toISOString());
  });

  it('cuts a fraction of a millisecond', () => {
    expect(formatTime(1.9)).toBe('1970-01-01T00:00:00.001Z');
  });
});

it('the pattern of the schema takes what parseTime takes', () => {
  const pattern = new RegExp(TIME_PATTERN, 'u');
  expect(pattern.test('2026-03-02T00:30:00.000+01:00')).toBe(true);
  expect(pattern.test('2026-03-02T00:30:00')).toBe(false);
});
