/** Calibrations of any series: numbers within their bounds, the same for the same ticks, and independent of units. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addTick, newBucket } from '../../agent/core/bucket.ts';
import { calibrate, calibrationCodec, seriesWidth, whiten } from '../../agent/core/calibration.ts';
import { decodeBytes, encode } from '../../agent/core/codec.ts';
import * as m from '../../agent/core/moments.ts';
import { bareTick } from '../kit/ticks.ts';

const PROMISES = (['activation_mean', 'activation_variance'] as const).map((detector, i) => ({
  detector,
  statistic: i as 0 | 1,
  nats: 12,
  promisedTicks: Math.exp(12),
}));

/** Ticks of one layer: mean and variance of each of three flushes. */
const flush = fc.record({
  requests: fc.integer({ min: 1, max: 50 }),
  mean: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  variance: fc.double({ min: 0, max: 1e6, noNaN: true }),
});
const ticks = fc.array(fc.array(flush, { minLength: 1, maxLength: 3 }), { minLength: 12, maxLength: 40 });
type Ticks = readonly (readonly { requests: number; mean: number; variance: number }[])[];

function calibrated(given: Ticks, unit = 1) {
  const bucket = newBucket(1);
  const rows = given.map((flushes, index) => {
    const scaled = flushes.map((f) => ({ ...f, mean: f.mean * unit, variance: f.variance * unit * unit }));
    const tick = bareTick(index, 1, scaled);
    addTick(bucket, tick, 'full');
    const row = new Float64Array(seriesWidth(2)).fill(tick.requests, 0, 1);
    for (const cell of [0, 1]) {
      row[1 + cell * 2] = tick.cells[cell * m.TICK_STRIDE + m.A_MEAN]!;
      row[2 + cell * 2] = Math.log(tick.cells[cell * m.TICK_STRIDE + m.V_MEAN]!);
    }
    return row;
  });
  return calibrate(bucket, { cells: 2, ticks: rows }, 0.125, PROMISES, 1)!;
}

test('a calibration of any ticks holds numbers within their bounds, and comes back from its bytes', () => {
  fc.assert(
    fc.property(ticks, (given) => {
      const calibration = calibrated(given);
      expect(calibration.phi).toHaveLength(4);
      for (const phi of calibration.phi) expect(phi >= 0 && phi <= 0.95).toBe(true);
      for (const { empiricalTicks } of calibration.runLengths) expect(empiricalTicks).toBeGreaterThan(0);
      expect(decodeBytes(calibrationCodec, encode(calibrationCodec, calibration))).toEqual(calibration);
    }),
    { numRuns: 25 },
  );
});

test('the unit of activations changes nothing', () => {
  const tame = fc.array(
    fc.array(fc.record({ requests: fc.constant(10), mean: normal(), variance: normal().map(Math.exp) }), {
      minLength: 2,
      maxLength: 3,
    }),
    { minLength: 20, maxLength: 40 },
  );
  fc.assert(
    fc.property(tame, (given) => {
      const [one, other] = [calibrated(given), calibrated(given, 1_024)];
      for (const [s, phi] of one.phi.entries()) expect(other.phi[s]).toBeCloseTo(phi, 9);
      expect(other.ranked).toEqual(one.ranked);
    }),
    { numRuns: 25 },
  );
});

/** About normal: the mean of twelve uniform numbers. */
function normal() {
  const parts = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 });
  return parts.map((values) => values.reduce((a, b) => a + b, 0) / 2);
}

test('whitening is undone by the recursion that it takes off', () => {
  const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 0.95, noNaN: true }), (given, phi) => {
      const u = whiten(Float64Array.from(given), phi);
      let before = 0;
      u.forEach((value, i) => {
        before = i === 0 ? value : phi * before + value * Math.sqrt(1 - phi * phi);
        expect(before).toBeCloseTo(given[i]!, 6);
      });
    }),
  );
});
