/**
 * Learning that survives a few absurd ticks. The newest ticks are kept apart until it is seen that they scatter like the
 * ones before; of the two, the one that scatters absurdly more is forgotten.
 */
import type { Baseline } from './baseline.ts';
import * as k from './bucket.ts';
import { type Series, seriesWidth } from './calibration.ts';
import * as m from './moments.ts';
import type { Settings } from './settings.ts';
import type { TickSummary } from './tick.ts';

/** Parts that a calibration is tried in, each of some flushes: of few, scatter is anything. */
const PARTS = 6;
const PART_FLUSHES_MIN = 12;
const FREEDOM_MIN = 8;
/** Variance of one part over that of the others from which it is absurd: five times the deviation. */
const ABSURD = 25;
/** Ticks of the series, and numbers of a tick: more is not needed to see how ticks hang together. */
const SERIES_TICKS_MAX = 120;
const SERIES_WIDTH_MAX = 8_193;

export function tryTick(b: Baseline, tick: TickSummary, layerCount: number, settings: Settings): void {
  b.trial ??= k.newBucket(layerCount);
  k.addTick(b.trial, tick, 'full');
  const row = seriesRow(tick);
  if (row.length <= SERIES_WIDTH_MAX) b.series.push(row);
  if (b.series.length > SERIES_TICKS_MAX) b.series.shift();
  const { ticks, flushes } = settings.calibration;
  const isWhole =
    b.trial.ticks >= Math.floor(ticks / PARTS) &&
    b.trial.flushes >= Math.min(PART_FLUSHES_MIN, flushes / PARTS);
  if (isWhole) endTrial(b);
}

/** Takes what is on trial into the learning bucket, or forgets it, or begins with it anew. */
export function endTrial(b: Baseline): void {
  const { learning, trial } = b;
  if (learning === null || trial === null) return;
  b.trial = null;
  learning.changed = true;
  if (isAbsurd(trial, learning)) {
    b.series.length = Math.max(0, b.series.length - trial.ticks);
  } else if (isAbsurd(learning, trial)) {
    b.learning = trial;
    b.series = b.series.slice(-trial.ticks);
  } else {
    k.mergeBuckets(learning, trial);
  }
}

/** The ticks in order, for a calibration. */
export const seriesOf = (b: Baseline): Series => ({
  cells: b.series.length === 0 ? 0 : (b.series[0]!.length - 1) / 2,
  ticks: b.series,
});

function seriesRow(tick: TickSummary): Float64Array {
  const cells = tick.cells.length / m.TICK_STRIDE;
  const row = new Float64Array(seriesWidth(cells)).fill(Number.NaN);
  row[0] = tick.requests;
  for (let cell = 0; cell < cells; cell++) {
    const at = cell * m.TICK_STRIDE;
    if (tick.cells[at + m.FLUSHES] === 0) continue;
    row[1 + cell * 2] = tick.cells[at + m.A_MEAN]!;
    const variance = tick.cells[at + m.V_MEAN]!;
    if (variance > 0) row[2 + cell * 2] = Math.log(variance);
  }
  return row;
}

/** Scatter of one request in any cell, between ticks and within. */
function isAbsurd(bucket: k.Bucket, other: k.Bucket): boolean {
  for (let at = 0; at < bucket.cells.length; at += k.BUCKET_STRIDE) {
    for (const mean of [k.B_A_MEAN, k.B_V_MEAN]) {
      const one = scatter(bucket.cells, at, mean);
      const two = scatter(other.cells, at, mean);
      // What is constant up to its digits has no scatter that could be compared.
      const digits = (1e-5 * other.cells[at + mean]!) ** 2;
      if (one > ABSURD * Math.max(two, digits)) return true;
    }
  }
  return false;
}

function scatter(cells: Float64Array, at: number, mean: number): number {
  const freedom = cells[at + k.B_FLUSHES]! - 1;
  return freedom < FREEDOM_MIN ? Number.NaN : (cells[at + mean + 1]! + cells[at + mean + 2]!) / freedom;
}
