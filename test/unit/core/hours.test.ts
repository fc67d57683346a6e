/** What is learnt of the hours of a day: their shape, their scatter, and what is never taken off. */
import { describe, expect, it } from 'vitest';
import { CodecError, decodeBytes, encode } from '../../../agent/core/codec.ts';
import {
  forgetHour,
  HOUR_STRIDE,
  type Hours,
  hourFloor,
  hoursCodec,
  learnHour,
  moveHours,
  newHours,
  usualShift,
} from '../../../agent/core/hours.ts';
import { createGaussian, DAY, HOUR, MINUTE, T0 } from '../../kit/events.ts';
import { type HourOf, hoursOf } from '../../kit/hours.ts';

const MIDNIGHT = Math.floor(T0 / DAY) * DAY;
/** Times within an hour of some later day. */
const at = (hour: number): number => MIDNIGHT + 40 * DAY + hour * HOUR + 17 * MINUTE;
const ALL_HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** Nights half a deviation lower, on average over the day 0. */
const daily = ({ hour }: HourOf): number => Math.sin((2 * Math.PI * hour) / 24) / 2;
const days = (count: number, shiftOf: (at: HourOf) => number, untilHour = 1): Hours =>
  hoursOf(shiftOf, { days: count, untilHour, statistics: 4 });

describe('the shape of a day', () => {
  it('is taken off from the third day on, hour by hour', () => {
    const known = days(2, daily);
    for (const hour of ALL_HOURS)
      expect(usualShift(known, 0, at(hour))).toBeCloseTo(daily({ hour } as HourOf), 5);
    const younger = days(1, daily);
    for (const hour of ALL_HOURS) expect(usualShift(younger, 0, at(hour))).toBe(0);
  });

  it('of an hour that was seen once is not known yet, while its neighbours are', () => {
    // Of the second day six hours are over, and the seventh is being summed.
    const known = days(1, daily, 7);
    const taken = ALL_HOURS.filter((hour) => usualShift(known, 0, at(hour)) !== 0);
    expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is that of each statistic by itself', () => {
    const known = days(3, (of) => (of.statistic === 2 ? daily(of) : 0));
    expect(usualShift(known, 2, at(6))).toBeCloseTo(0.5, 5);
    expect(usualShift(known, 1, at(6))).toBe(0);
  });

  it('follows a day that changes, within a week', () => {
    const known = days(21, (of) => (of.day < 10 ? daily(of) : -daily(of)));
    expect(usualShift(known, 0, at(6))).toBeLessThan(-0.3);
  });

  it('is never its level: what has moved for good stays a shift', () => {
    const constant = days(6, () => 3);
    for (const hour of ALL_HOURS) expect(usualShift(constant, 0, at(hour))).toBe(0);
    const both = days(6, (of) => 3 + daily(of));
    expect(usualShift(both, 0, at(6))).toBeCloseTo(0.5, 4);
  });
});

describe('the scatter of hours', () => {
  it('is no floor in the first day, and three of its deviations after it', () => {
    const alternating = ({ hour }: HourOf): number => (hour % 2 === 0 ? 0.2 : -0.2);
    expect(hourFloor(days(0, alternating, 24), 0)).toBe(0);
    expect(hourFloor(days(1, alternating), 0)).toBeCloseTo(0.6, 5);
  });

  it('is that which is left once the shape is taken off', () => {
    const gaussian = createGaussian(3);
    const noise = Float64Array.from({ length: 15 * 24 }, () => 0.1 * gaussian());
    const regular = days(7, daily);
    expect(hourFloor(regular, 0)).toBeLessThan(0.01);
    const noisy = days(14, (of) => daily(of) + (of.statistic === 0 ? noise[of.day * 24 + of.hour]! : 0));
    expect(hourFloor(noisy, 0)).toBeGreaterThan(0.2);
    expect(hourFloor(noisy, 0)).toBeLessThan(0.45);
    expect(hourFloor(noisy, 1)).toBeLessThan(0.01);
  });

  it('is that of the last week', () => {
    const calm = days(20, ({ day, hour }) =>
      day < 2 ? (hour % 2 === 0 ? 1 : -1) * (day === 0 ? 1 : -1) : 0,
    );
    expect(hourFloor(calm, 0)).toBeLessThan(0.9);
  });
});

describe('an hour', () => {
  const learn = (hours: Hours, hour: number, ticks: number, shift: number) => {
    for (let tick = 0; tick < ticks; tick++)
      learnHour(hours, MIDNIGHT + hour * HOUR + tick * 10_000, 10_000, () => shift);
  };

  it('with a fault teaches nothing from its beginning on', () => {
    const hours = newHours(1);
    learn(hours, 0, 200, 0);
    forgetHour(hours);
    learn(hours, 1, 360, 0);
    learn(hours, 2, 360, 0);
    expect([hours.known, hours.days[0], hours.days[1]]).toEqual([1, 0, 1]);
  });

  it('teaches by its clean ticks after a fault, if they are a tenth of it', () => {
    const hours = newHours(1);
    learn(hours, 0, 300, 100);
    forgetHour(hours);
    learn(hours, 0, 36, 1);
    learn(hours, 1, 35, 1);
    learn(hours, 2, 1, 0);
    expect([hours.known, hours.days[0], hours.days[1]]).toEqual([1, 1, 0]);
    expect(hours.rows[0]).toBe(1);
  });

  it('is the mean of its ticks, without those that were not measured', () => {
    const hours = newHours(2);
    for (let tick = 0; tick < 100; tick++)
      learnHour(hours, MIDNIGHT + tick * 10_000, 10_000, (s) => (s === 1 ? Number.NaN : tick % 2));
    learn(hours, 1, 1, 0);
    expect([hours.rows[0], hours.rows[HOUR_STRIDE]]).toEqual([0.5, 0]);
  });

  it('of absurd shifts stays a number', () => {
    const hours = newHours(1);
    for (let hour = 0; hour < 80; hour++) learn(hours, hour, 100, hour % 2 === 0 ? 1e300 : -1e300);
    expect(hours.rows.every(Number.isFinite)).toBe(true);
    expect(Number.isFinite(hourFloor(hours, 0))).toBe(true);
  });
});

describe('hours of a stream', () => {
  it('move with its layers: four statistics each', () => {
    const known = hoursOf((of) => (of.statistic + 1) * daily(of), { days: 3, statistics: 8 });
    const before = [usualShift(known, 1, at(6)), usualShift(known, 6, at(6))];
    moveHours(known, Int32Array.of(2, 0), 3);
    expect(known.rows).toHaveLength(12 * HOUR_STRIDE);
    expect([usualShift(known, 9, at(6)), usualShift(known, 2, at(6))]).toEqual(before);
    expect(usualShift(known, 4, at(6))).toBe(0);
    moveHours(known, Int32Array.of(-1, 0, -1), 1);
    expect(known.rows.every((value) => value === 0)).toBe(true);
  });

  it('come back from their bytes', () => {
    const known = days(3, daily);
    expect(decodeBytes(hoursCodec, encode(hoursCodec, known))).toEqual(known);
  });

  it.each([
    ['a day of 23 hours', { days: new Float32Array(23) }],
    ['days that are no number', { days: new Float32Array(24).fill(Number.NaN) }],
    ['an endless shift', { rows: new Float32Array(HOUR_STRIDE).fill(Number.POSITIVE_INFINITY) }],
    ['an hour that is no number', { hour: Number.NaN }],
    ['endless ticks', { ticks: Number.POSITIVE_INFINITY }],
  ])('with %s are refused', (_, given) => {
    const bytes = encode(hoursCodec, { ...newHours(1), ...given });
    expect(() => decodeBytes(hoursCodec, bytes)).toThrow(CodecError);
  });
});
