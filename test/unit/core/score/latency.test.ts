/** Durations in fixed bins, quantiles of them, and the rank of a tick among those of a baseline. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDurations,
  BINS,
  binOf,
  binStart,
  countAbove,
  enterPlace,
  medianPlace,
  mergePlaces,
  PLACES_STRIDE,
  placeShare,
  quantileLog2,
  totalOf,
} from '../../../../agent/core/score/latency.ts';
import { createGaussian } from '../../../kit/events.ts';
import { secondsHistogram } from '../../../kit/latency.ts';

const binsOf = (...wires: Parameters<typeof addDurations>[2][]): Float64Array => {
  const row = new Float64Array(BINS);
  for (const wire of wires) addDurations(row, 0, wire);
  return row;
};
const filled = (row: Float64Array): [number, number][] =>
  [...row].flatMap((count, bin) => (count === 0 ? [] : [[bin, count] as [number, number]]));

describe('bins of durations', () => {
  it('begin at 2^-20 s, four to an octave, each with its upper end', () => {
    expect(binStart(0)).toBe(-20);
    expect(binOf(-20 + 0.25)).toBe(0);
    expect(binOf(-20 + 0.2501)).toBe(1);
    expect(binOf(-40)).toBe(0);
    expect(binOf(12)).toBe(127);
    expect(binOf(40)).toBe(127);
  });

  it('take the buckets of the same width one by one, and finer ones by four', () => {
    const same = { scale: 2, zero_count: 0, positive: { offset: -80, counts: [1, 2, 0, 3] } };
    expect(filled(binsOf(same))).toEqual([
      [0, 1],
      [1, 2],
      [3, 3],
    ]);
    const finer = { scale: 4, zero_count: 0, positive: { offset: -321, counts: [1, 1, 1, 1, 1, 1] } };
    expect(filled(binsOf(finer))).toEqual([
      [0, 5],
      [1, 1],
    ]);
  });

  it('split coarser buckets evenly, and keep what lies beyond in the first and the last', () => {
    const coarser = { scale: 1, zero_count: 0, positive: { offset: -40, counts: [4] } };
    expect(filled(binsOf(coarser))).toEqual([
      [0, 2],
      [1, 2],
    ]);
    const wide = { scale: -6, zero_count: 0, positive: { offset: -1, counts: [256, 256] } };
    const row = binsOf(wide);
    expect(row[0]).toBe(256 - 80 + 1);
    expect(row[79]).toBe(1);
    expect(row[127]).toBe(256 - 48 + 1);
    expect(totalOf(row, 0)).toBe(512);
    const beyond = { scale: -2, zero_count: 3, positive: { offset: -200, counts: [5] } };
    expect(filled(binsOf(beyond))).toEqual([[0, 8]]);
  });

  it('hold as many durations as were sent, whatever the scale', () => {
    const wires = fc.record({
      scale: fc.integer({ min: -10, max: 20 }),
      zero_count: fc.nat(100),
      offset: fc.integer({ min: -5_000, max: 5_000 }),
      counts: fc.array(fc.nat(1_000), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(wires, ({ scale, zero_count, offset, counts }) => {
        const row = new Float64Array(BINS);
        const sent = zero_count + counts.reduce((sum, one) => sum + one, 0);
        expect(addDurations(row, 0, { scale, zero_count, positive: { offset, counts } })).toBe(sent);
        expect(totalOf(row, 0)).toBeCloseTo(sent, 6);
        expect(row.every((count) => count >= 0)).toBe(true);
      }),
    );
  });

  it('know quantiles to a bin, and what lies above', () => {
    const gaussian = createGaussian(3);
    const seconds = Array.from({ length: 5_000 }, () => 0.01 * Math.exp(0.5 * gaussian())).sort(
      (a, b) => a - b,
    );
    const row = binsOf(secondsHistogram(seconds));
    for (const share of [0.01, 0.5, 0.9, 0.99]) {
      const exact = Math.log2(seconds[Math.floor(share * 5_000)]!);
      expect(Math.abs(quantileLog2(row, 0, share)! - exact), String(share)).toBeLessThan(0.26);
      expect(countAbove(row, 0, quantileLog2(row, 0, share)!)).toBeCloseTo((1 - share) * 5_000, 6);
    }
    expect(quantileLog2(new Float64Array(BINS), 0, 0.5)).toBeNull();
    expect(countAbove(row, 0, -30)).toBe(5_000);
    expect(countAbove(row, 0, 30)).toBe(0);
  });
});

describe('places of ticks', () => {
  const placesOf = (values: readonly number[]): Float64Array => {
    const row = new Float64Array(PLACES_STRIDE);
    for (const value of values) enterPlace(row, 0, value);
    return row;
  };

  it('give a rank that counts the value itself and its whole bin', () => {
    const row = placesOf([0, 0.5, 1, 1.5]);
    expect(row[0]).toBe(4);
    expect(placeShare(row, 0, -9)).toBe(1);
    expect(placeShare(row, 0, 0.1)).toBe(1);
    expect(placeShare(row, 0, 0.2)).toBe(4 / 5);
    expect(placeShare(row, 0, 1.6)).toBe(2 / 5);
  });

  it('fall off beyond all ticks, the slower the heavier their tail', () => {
    const bulk = new Array<number>(54).fill(0);
    const narrow = placesOf([...bulk, 1, 1, 1, 1, 1, 1]);
    const wide = placesOf([...bulk, 0.25, 0.4, 0.55, 0.7, 0.85, 1]);
    expect(placeShare(narrow, 0, 1)).toBe(7 / 61);
    expect(placeShare(narrow, 0, 1.2)).toBeLessThan(1 / 61);
    expect(placeShare(wide, 0, 2)).toBeGreaterThan(20 * placeShare(narrow, 0, 2));
    for (let value = -1; value < 5; value += 0.05)
      expect(placeShare(wide, 0, value + 0.05)).toBeLessThanOrEqual(placeShare(wide, 0, value));
  });

  it('give ranks that are no smaller than chance makes them', () => {
    const gaussian = createGaussian(9);
    let below = 0;
    for (let round = 0; round < 400; round++) {
      const row = placesOf(Array.from({ length: 60 }, gaussian));
      if (placeShare(row, 0, gaussian()) <= 0.05) below++;
    }
    expect(below).toBeLessThan(400 * 0.05 + 3 * Math.sqrt(400 * 0.05 * 0.95));
  });

  it('keep what lies beyond in the first and the last bin', () => {
    const row = placesOf([0, -50, 50]);
    expect(row[0]).toBe(3);
    expect(placeShare(row, 0, 60)).toBe(2 / 4);
    expect(medianPlace(row, 0)).toBeCloseTo(0.0625, 10);
    expect(medianPlace(new Float64Array(PLACES_STRIDE), 0)).toBeNaN();
    expect(placeShare(new Float64Array(PLACES_STRIDE), 0, 0)).toBe(1);
  });

  it('are the same added up as entered one by one, as long as they fit', () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, values, (some, others) => {
        const sum = placesOf(some);
        mergePlaces(sum, placesOf(others), 0);
        for (let value = -3; value < 3; value += 0.2)
          expect(placeShare(sum, 0, value)).toBeCloseTo(
            placeShare(placesOf([...some, ...others]), 0, value),
            12,
          );
      }),
    );
    const none = placesOf([]);
    mergePlaces(none, placesOf([3]), 0);
    expect([...none]).toEqual([...placesOf([3])]);
  });
});
