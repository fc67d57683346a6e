/** Null days: what counts from when on, and how streams are pooled. Ticks of an hour make weeks short. */
import { describe, expect, it } from 'vitest';
import { type NullResult, poolNullDays, runNullDays } from '../../../agent/commands/backtest-null.ts';
import type { Drawing } from '../../../agent/core/resample.ts';
import type { TickSeries } from '../../../agent/core/series.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { createGaussian, HOUR } from '../../kit/events.ts';
import { bareTick } from '../../kit/ticks.ts';

const gaussian = createGaussian(3);
const FLAT: Drawing = { blockTicks: 6, autocorrelation: 0, dailyAmplitude: 0, other: null };
const SERIES: TickSeries = {
  environment: 'default',
  model: 'm',
  version: 'v1',
  role: 'stable',
  checkpoint: null,
  layers: ['a', 'b'],
  tickMs: HOUR,
  ticks: Array.from({ length: 80 }, (_, i) => {
    const flushes = Array.from({ length: 24 }, (_, flush) => ({
      source: `pod-${flush % 2}`,
      requests: 10,
      mean: () => gaussian() / Math.sqrt(10),
      variance: () => 4 + (0.4 * gaussian()) / Math.sqrt(10),
    }));
    return bareTick(i, 2, flushes);
  }),
};
const SETTINGS = {
  ...DEFAULT_SETTINGS,
  tickMs: HOUR,
  leastEffectSigmas: 0.5,
  calibration: { ticks: 6, flushes: 100 },
};

const run = (days: number, drawing: Partial<Drawing>, told = (_: number) => {}): NullResult =>
  runNullDays(SERIES, {
    days,
    seed: 1,
    drawing: { ...FLAT, ...drawing },
    settings: SETTINGS,
    references: [],
    told,
  });

describe('null days', () => {
  it('without an alarm bound the rate by three in the time that counts', () => {
    const shares: number[] = [];
    const result = run(10, {}, (share) => shares.push(share));
    expect(result).toMatchObject({ days: 10, learning_tickets: 0, open_hours: 0, causes: {} });
    expect(result.pages).toMatchObject({ count: 0, days: 10, run_length_days: null, promised_days: 30 });
    expect(result.tickets).toMatchObject({ count: 0, days: 7, run_length_days: null, promised_days: 7 });
    expect(result.tickets.per_day_upper).toBeCloseTo(-Math.log(0.05) / 7, 9);
    expect(shares[0]).toBe(0);
  });

  it('with alarms tell how often they came, how long they lasted and what they said', () => {
    const result = run(12, { dailyAmplitude: 400 });
    const told = Object.values(result.causes).reduce((sum, count) => sum + count, 0);
    expect(told).toBeGreaterThan(0);
    expect(result.pages.count + result.tickets.count + result.learning_tickets).toBe(told);
    expect(result.open_hours).toBeGreaterThan(0);
  });

  it('of the first three give no tickets that count, and none is over before', () => {
    const result = run(2, { dailyAmplitude: 400 });
    expect(result.tickets).toMatchObject({ count: 0, days: 0, per_day_upper: null, run_length_days: null });
    expect(result.pages.days).toBe(2);
  });

  it('of several streams add up', () => {
    const alarms = (count: number, days: number, promised_days: number) => ({
      count,
      days,
      run_length_days: count === 0 ? null : days / count,
      promised_days,
      per_day_upper: 0,
    });
    const one: NullResult = {
      days: 30,
      pages: alarms(0, 30, 30),
      tickets: alarms(1, 27, 7),
      learning_tickets: 1,
      open_hours: 2,
      causes: { unknown: 2 },
    };
    const other = { ...one, pages: alarms(1, 30, 30), causes: { unknown: 1, input_shift: 1 } };
    const pooled = poolNullDays([one, other]);
    expect(pooled).toMatchObject({
      days: 60,
      learning_tickets: 2,
      open_hours: 4,
      causes: { unknown: 3, input_shift: 1 },
    });
    expect(pooled.pages).toMatchObject({ count: 1, days: 60, run_length_days: 60, promised_days: 30 });
    expect(pooled.tickets).toMatchObject({ count: 2, days: 54, run_length_days: 27 });
    // Table of Garwood, one side: 4.744 for one event.
    expect(pooled.pages.per_day_upper! * 60).toBeCloseTo(4.744, 3);
  });
});
