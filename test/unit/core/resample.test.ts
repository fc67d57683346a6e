/** Drawn ticks: what is kept of the recording, and that what is added has the size it is said to have. */
import { describe, expect, it } from 'vitest';
import { createChance } from '../../../agent/core/chance.ts';
import * as m from '../../../agent/core/moments.ts';
import { createResampler, type Drawing, scatterOf } from '../../../agent/core/resample.ts';
import type { TickSeries } from '../../../agent/core/series.ts';
import type { TickSummary } from '../../../agent/core/tick.ts';
import { DAY_MS } from '../../../agent/core/time.ts';
import { createGaussian } from '../../kit/events.ts';
import { bareTick, TICK_MS } from '../../kit/ticks.ts';

const gaussian = createGaussian(1);

/** Requests number the ticks, so that a drawn one tells which it was. */
const seriesOf = (count: number, first = 1): TickSeries => ({
  environment: 'default',
  model: 'm',
  version: 'v1',
  role: 'stable',
  checkpoint: null,
  layers: ['a', 'b'],
  tickMs: TICK_MS,
  ticks: Array.from({ length: count }, (_, i) => {
    const [mean, variance] = [gaussian(), Math.exp(0.1 * gaussian())];
    return bareTick(i, 2, [
      { source: 'pod-0', requests: first + i, mean, variance },
      { source: 'pod-1', requests: first + i, mean: mean + 1, variance },
    ]);
  }),
});
const PLAIN: Drawing = { blockTicks: 6, autocorrelation: 0, dailyAmplitude: 0, other: null };
const SERIES = seriesOf(90);

function draw(count: number, drawing: Partial<Drawing>, series = SERIES, seed = 1): TickSummary[] {
  const next = createResampler(series, { ...PLAIN, ...drawing }, createChance(seed), 8_640);
  return Array.from({ length: count }, next);
}

const drawnOf = (tick: TickSummary): number => tick.requests / 2 - 1;
/** Standard deviations that a cell was moved by, from its mean and from its variance. */
function levelsOf(tick: TickSummary, cell: number): [number, number] {
  const at = cell * m.TICK_STRIDE;
  const from = SERIES.ticks[drawnOf(tick)]!.cells;
  const { mean, logVariance } = scatterOf(SERIES);
  return [
    (tick.cells[at + m.A_MEAN]! - from[at + m.A_MEAN]!) / mean[cell]!,
    Math.log(tick.cells[at + m.V_MEAN]! / from[at + m.V_MEAN]!) / logVariance[cell]!,
  ];
}

describe('drawn ticks', () => {
  it('follow each other in time from the first index on', () => {
    draw(20, {}).forEach(({ index, startMs, endMs }, i) => {
      expect([index, startMs, endMs]).toEqual([8_640 + i, (8_640 + i) * TICK_MS, (8_641 + i) * TICK_MS]);
    });
  });

  it('come in blocks that hang together, from everywhere in the recording', () => {
    const drawn = draw(6_000, {}).map(drawnOf);
    for (let i = 0; i < drawn.length; i++) if (i % 6 !== 0) expect(drawn[i]).toBe(drawn[i - 1]! + 1);
    expect(new Set(drawn).size).toBe(90);
  });

  it('are the same for the same seed', () => {
    expect(draw(50, {}).map(drawnOf)).toEqual(draw(50, {}).map(drawnOf));
    expect(draw(50, {}).map(drawnOf)).not.toEqual(draw(50, {}, SERIES, 2).map(drawnOf));
  });

  it('hold all ticks where a block is longer than the recording', () => {
    expect(draw(10, { blockTicks: 50 }, seriesOf(5)).map(drawnOf)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  });

  it('carry a level that wanders: one deviation, autocorrelated, the same in every cell and source', () => {
    const ticks = draw(20_000, { autocorrelation: 0.6 });
    const levels = ticks.map((tick) => levelsOf(tick, 0));
    const xs = levels.map(([x]) => x);
    const square = xs.reduce((sum, x) => sum + x * x, 0) / xs.length;
    const product = xs.slice(1).reduce((sum, x, i) => sum + x * xs[i]!, 0) / xs.length;
    expect(square).toBeGreaterThan(0.93);
    expect(square).toBeLessThan(1.07);
    expect(product / square).toBeCloseTo(0.6, 1);
    for (const tick of ticks.slice(0, 50)) {
      const [x, v] = levelsOf(tick, 0);
      expect(v).toBeCloseTo(x, 9);
      expect(levelsOf(tick, 3)[0]).toBeCloseTo(x, 9);
      const from = SERIES.ticks[drawnOf(tick)]!;
      const moved = (source: number): number =>
        tick.sources[source]!.tick.cells[m.A_MEAN]! - from.sources[source]!.tick.cells[m.A_MEAN]!;
      expect(moved(1)).toBeCloseTo(moved(0), 12);
      expect(moved(0)).toBeCloseTo(x * scatterOf(SERIES).mean[0]!, 12);
    }
  });

  it('carry a day: nothing at midnight, the amplitude at six, its negative at eighteen', () => {
    const perDay = DAY_MS / TICK_MS;
    const ticks = draw(perDay, { dailyAmplitude: 2 });
    const at = (hour: number): number => levelsOf(ticks[(hour / 24) * perDay]!, 1)[0];
    expect([at(0), at(6), at(18)].map((x) => x.toFixed(6))).toEqual(['0.000000', '2.000000', '-2.000000']);
  });

  it('come from another recording by its share of the hour', () => {
    const other = seriesOf(90, 1_001);
    const perDay = DAY_MS / TICK_MS;
    const ticks = draw(perDay * 3, { blockTicks: 1, other });
    const share = (hour: number): number => {
      const near = ticks.filter(({ index }) => Math.abs((index % perDay) / 360 - hour) < 1);
      return near.filter((tick) => drawnOf(tick) < 500).length / near.length;
    };
    expect(share(6)).toBeCloseTo(0.9, 1);
    expect(share(18)).toBeCloseTo(0.1, 1);
    expect(share(12)).toBeCloseTo(0.5, 1);
  });

  it('leave the recording as it was', () => {
    const before = structuredClone(SERIES.ticks);
    draw(500, { autocorrelation: 0.6, dailyAmplitude: 1 });
    expect(SERIES.ticks).toEqual(before);
  });
});
