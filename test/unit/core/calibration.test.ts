/** What the ticks of a baseline say of the detectors: autocorrelation, tails, run lengths, and what is raised. */
import { describe, expect, it } from 'vitest';
import { addTick, newBucket } from '../../../agent/core/bucket.ts';
import {
  type Calibration,
  calibrate,
  calibrationCodec,
  type Promised,
  seriesWidth,
  whiten,
} from '../../../agent/core/calibration.ts';
import { CodecError, decodeBytes, encode } from '../../../agent/core/codec.ts';
import * as m from '../../../agent/core/moments.ts';
import { createGaussian } from '../../kit/events.ts';
import { bareTick } from '../../kit/ticks.ts';

const LAYERS = 6;
const CELLS = LAYERS * 2;
/** A ticket a week with three tenths of the budget. */
const TICKET_NATS = Math.log((7 * 86_400) / 10 / 0.3);
const PROMISES: Promised[] = (['activation_mean', 'activation_variance'] as const).map((detector, i) => ({
  detector,
  statistic: i as 0 | 1,
  nats: TICKET_NATS,
  promisedTicks: Math.exp(TICKET_NATS),
}));

/** What all flushes of a tick share, per cell, in deviations of one request. Twelve flushes of ten requests a tick. */
type Noise = (tick: number, cell: number) => number;

function baselineOf(noise: Noise, { ticks = 60, seed = 1 } = {}) {
  const gaussian = createGaussian(seed);
  const bucket = newBucket(LAYERS);
  const rows: Float64Array[] = [];
  for (let index = 0; index < ticks; index++) {
    const shared = Float64Array.from({ length: CELLS }, (_, cell) => noise(index, cell));
    const flushes = Array.from({ length: 12 }, () => ({
      requests: 10,
      mean: (cell: number) => shared[cell]! + gaussian() / Math.sqrt(10),
      variance: () => 4 * Math.exp((0.1 * gaussian()) / Math.sqrt(10)),
    }));
    const tick = bareTick(index, LAYERS, flushes);
    addTick(bucket, tick, 'full');
    const row = new Float64Array(seriesWidth(CELLS));
    row[0] = tick.requests;
    for (let cell = 0; cell < CELLS; cell++) {
      row[1 + cell * 2] = tick.cells[cell * m.TICK_STRIDE + m.A_MEAN]!;
      row[2 + cell * 2] = Math.log(tick.cells[cell * m.TICK_STRIDE + m.V_MEAN]!);
    }
    rows.push(row);
  }
  return { bucket, series: { cells: CELLS, ticks: rows } };
}

function calibrated(noise: Noise, given: { ticks?: number; seed?: number } = {}): Calibration {
  const { bucket, series } = baselineOf(noise, given);
  return calibrate(bucket, series, 0.125, PROMISES, given.seed ?? 1)!;
}

/** Each cell by itself: x ← ρ·x + √(1 − ρ²)·n, of this standard deviation. */
function autoregressive(rho: number, deviation: number, seed: number): Noise {
  const gaussian = createGaussian(seed);
  const x = Float64Array.from({ length: CELLS }, () => deviation * gaussian());
  return (_, cell) => {
    x[cell] = rho * x[cell]! + Math.sqrt(1 - rho * rho) * deviation * gaussian();
    return x[cell]!;
  };
}

/** Student's t of two degrees of freedom. */
function heavy(seed: number): Noise {
  const gaussian = createGaussian(seed);
  return () => (0.3 * gaussian()) / Math.sqrt((gaussian() ** 2 + gaussian() ** 2) / 2);
}
const NONE: Noise = () => 0;
const means = (c: Calibration): number[] => [...c.phi].filter((_, s) => s % 2 === 0);
const medianOf = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;
const SEEDS = [1, 2, 3];
const QUIET = calibrated(NONE);

describe('autocorrelation', () => {
  it.each(SEEDS)('of independent ticks is next to none (seed %d)', (seed) => {
    const { phi, raises } = calibrated(NONE, { seed });
    expect(Math.max(...phi)).toBeLessThanOrEqual(0.1);
    expect(raises).toEqual(new Map());
  });

  it.each(SEEDS)('of 0.6 is found within 0.2, and not where it is not (seed %d)', (seed) => {
    const c = calibrated(autoregressive(0.6, 1, seed + 50), { ticks: 120, seed });
    expect(Math.abs(medianOf(means(c)) - 0.6)).toBeLessThan(0.2);
    for (const phi of means(c)) expect(Math.abs(phi - 0.6)).toBeLessThan(0.35);
    const variances = [...c.phi].filter((_, s) => s % 2 === 1);
    for (const phi of variances) expect(phi).toBeLessThan(medianOf(means(c)));
  });

  it('of alternating ticks is not taken off: it makes no false alarms', () => {
    const c = calibrated((tick) => (tick % 2 === 0 ? 0.3 : -0.3));
    expect(Math.max(...means(c))).toBe(0);
  });

  it('taken off leaves independent residuals of the same variance', () => {
    const gaussian = createGaussian(9);
    let x = 0;
    const r = Float64Array.from({ length: 20_000 }, () => {
      x = 0.7 * x + Math.sqrt(1 - 0.49) * gaussian();
      return x;
    });
    const u = whiten(r, 0.7);
    const product = u.reduce((sum, value, i) => sum + (i === 0 ? 0 : value * u[i - 1]!), 0) / u.length;
    expect(product).toBeCloseTo(0, 1);
    expect(u.reduce((sum, value) => sum + value * value, 0) / u.length).toBeCloseTo(1, 1);
    expect([...whiten(Float64Array.of(1, Number.NaN, 2), 0.5)]).toEqual([1, Number.NaN, 2]);
  });
});

describe('tails', () => {
  it.each(SEEDS)('that are heavy are judged by ranks, normal ones are not (seed %d)', (seed) => {
    const c = calibrated(heavy(seed + 70), { ticks: 120, seed });
    const ofMeans = c.ranked.filter((s) => s % 2 === 0);
    expect(ofMeans.length).toBeGreaterThan(CELLS / 2);
    expect(c.ranked.length - ofMeans.length).toBeLessThanOrEqual(1);
    expect(calibrated(NONE, { ticks: 120, seed }).ranked.length).toBeLessThanOrEqual(1);
  });

  it('are kept as residuals in order, no more than 64 of them', () => {
    const c = calibrated(heavy(70), { ticks: 120 });
    expect([...c.samples.keys()].map(Number)).toEqual(c.ranked);
    for (const sample of c.samples.values()) {
      expect(sample).toHaveLength(64);
      expect([...sample]).toEqual([...sample].sort((a, b) => a - b));
    }
  });
});

describe('the promised run length', () => {
  it('holds on quiet ticks, so nothing is raised', () => {
    const { runLengths, raises, ticks } = QUIET;
    expect(ticks).toBe(60);
    expect(runLengths.map(({ detector }) => detector)).toEqual(['activation_mean', 'activation_variance']);
    for (const run of runLengths) {
      expect(run.empiricalTicks).toBeGreaterThan(run.promisedTicks);
      expect(run.promisedTicks).toBeCloseTo(Math.exp(TICKET_NATS), 3);
      expect(run.ticks).toBeGreaterThan(2_000);
    }
    expect(raises.size).toBe(0);
  });

  it('holds on bursts, whose statistics are ranked', () => {
    // Every forty ticks all cells move for four: no autocorrelation of one tick explains that.
    const c = calibrated((tick) => (tick % 40 < 4 ? 1 : 0), { ticks: 120 });
    expect(c.ranked.length).toBeGreaterThan(0);
    expect(c.runLengths[0]!.empiricalTicks).toBeGreaterThan(c.runLengths[0]!.promisedTicks);
    expect(c.raises.size).toBe(0);
  });

  it('that the evidence asked for does not keep raises the threshold by as much', () => {
    const { bucket, series } = baselineOf(NONE, { ticks: 120 });
    const [promise] = PROMISES;
    const bold = { ...promise!, nats: 3, promisedTicks: 1e9 };
    const c = calibrate(bucket, series, 0, [bold], 1)!;
    const [run] = c.runLengths;
    expect(run!.empiricalTicks).toBeLessThan(1e9);
    expect(c.raises.get(bold.detector)).toBeCloseTo(Math.log(1e9 / run!.empiricalTicks), 9);
  });
});

describe('a calibration', () => {
  it('is the same for the same ticks and seed, and draws others with another', () => {
    const bursts: Noise = (tick) => (tick % 40 < 4 ? 0.6 : 0);
    const { bucket, series } = baselineOf(bursts, { ticks: 120 });
    const [one, again, other] = [7, 7, 8].map((seed) => calibrate(bucket, series, 0.125, PROMISES, seed)!);
    expect(again).toEqual(one);
    expect(other!.runLengths).not.toEqual(one!.runLengths);
    expect([other!.phi, other!.samples]).toEqual([one!.phi, one!.samples]);
  });

  it('of too few ticks is none', () => {
    const { bucket, series } = baselineOf(NONE, { ticks: 11 });
    expect(calibrate(bucket, series, 0.125, PROMISES, 1)).toBeNull();
  });

  it('passes over what was not measured', () => {
    const { bucket, series } = baselineOf(NONE);
    for (const row of series.ticks) row.fill(Number.NaN, 1 + 6, 1 + 8);
    series.ticks[7]!.fill(Number.NaN, 1);
    const c = calibrate(bucket, series, 0.125, PROMISES, 1)!;
    expect([...c.phi].every(Number.isFinite)).toBe(true);
    expect(c.runLengths.every(({ empiricalTicks }) => Number.isFinite(empiricalTicks))).toBe(true);
  });

  it('comes back from its bytes', () => {
    const c = calibrated(heavy(70), { ticks: 120 });
    expect(decodeBytes(calibrationCodec, encode(calibrationCodec, c))).toEqual(c);
  });

  it.each([
    ['an autocorrelation of 1', { phi: Float64Array.of(1) }],
    ['an autocorrelation that is no number', { phi: Float64Array.of(Number.NaN) }],
    ['a raise downwards', { raises: new Map([['activation_mean', -1]]) }],
    ['a raise without end', { raises: new Map([['activation_mean', Number.POSITIVE_INFINITY]]) }],
    ['a sample of two', { samples: new Map([['0', Float64Array.of(1, 2)]]) }],
    ['a sample out of order', { samples: new Map([['0', Float64Array.of(3, 2, 1)]]) }],
    ['a sample with a hole', { samples: new Map([['0', Float64Array.of(1, Number.NaN, 3)]]) }],
    ['an endless sample', { samples: new Map([['0', new Float64Array(65)]]) }],
  ])('with %s is refused', (_, given) => {
    const bytes = encode(calibrationCodec, { ...QUIET, ...given });
    expect(() => decodeBytes(calibrationCodec, bytes)).toThrow(CodecError);
  });
});
