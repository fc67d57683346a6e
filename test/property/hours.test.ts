/** Hours whatever the shifts: a level is never taken off, what is taken off has none, and no number is lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBytes, encode } from '../../agent/core/codec.ts';
import {
  forgetHour,
  hourFloor,
  hoursCodec,
  learnHour,
  newHours,
  usualShift,
} from '../../agent/core/hours.ts';
import { hoursOf } from '../kit/hours.ts';

const HOUR = 3_600_000;
const shift = fc.double({ min: -20, max: 20, noNaN: true });
const profile = fc.array(shift, { minLength: 24, maxLength: 24 });
const everyHour = (of: (atMs: number) => void) => {
  for (let hour = 0; hour < 24; hour++) of(50 * 24 * HOUR + hour * HOUR);
};

test('of a constant shift nothing is usual, and it is its own floor', () => {
  fc.assert(
    fc.property(shift, fc.integer({ min: 1, max: 10 }), (level, days) => {
      const hours = hoursOf(() => level, { days, statistics: 1 });
      everyHour((atMs) => expect(usualShift(hours, 0, atMs)).toBeCloseTo(0, 4));
      if (days < 4) expect(hourFloor(hours, 0)).toBeCloseTo(3 * Math.abs(level), 3);
    }),
    { numRuns: 40 },
  );
});

test('what is usual is the profile less its level, and whatever level is added changes nothing', () => {
  fc.assert(
    fc.property(profile, shift, (shape, level) => {
      const mean = shape.reduce((a, b) => a + b, 0) / 24;
      const plain = hoursOf(({ hour }) => shape[hour]!, { days: 3, statistics: 1 });
      const lifted = hoursOf(({ hour }) => shape[hour]! + level, { days: 3, statistics: 1 });
      let sum = 0;
      everyHour((atMs) => {
        const usual = usualShift(plain, 0, atMs);
        sum += usual;
        expect(usual).toBeCloseTo(shape[(atMs / HOUR) % 24]! - mean, 3);
        expect(usualShift(lifted, 0, atMs)).toBeCloseTo(usual, 3);
      });
      expect(sum).toBeCloseTo(0, 3);
    }),
    { numRuns: 40 },
  );
});

test('a day that repeats leaves no scatter but its level once its shape is known', () => {
  fc.assert(
    fc.property(profile, (shape) => {
      const hours = hoursOf(({ hour }) => shape[hour]!, { days: 4, statistics: 1 });
      const mean = shape.reduce((a, b) => a + b, 0) / 24;
      expect(hourFloor(hours, 0)).toBeCloseTo(3 * Math.abs(mean), 2);
    }),
    { numRuns: 40 },
  );
});

test('ticks, gaps and faults in any order leave numbers, and come back from their bytes', () => {
  const step = fc.record({
    skipMs: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 30 * HOUR })),
    shift: fc.double({ noDefaultInfinity: false }),
    fault: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const hours = newHours(2);
      let atMs = 50 * 24 * HOUR;
      for (const one of steps) {
        atMs += one.skipMs;
        if (one.fault) forgetHour(hours);
        else for (let i = 0; i < 40; i++) learnHour(hours, atMs + i, 10_000, (s) => one.shift * (1 - 2 * s));
      }
      for (const statistic of [0, 1]) {
        expect(Number.isFinite(hourFloor(hours, statistic))).toBe(true);
        everyHour((time) => expect(Number.isFinite(usualShift(hours, statistic, time))).toBe(true));
      }
      expect(decodeBytes(hoursCodec, encode(hoursCodec, hours))).toEqual(hours);
    }),
  );
});
