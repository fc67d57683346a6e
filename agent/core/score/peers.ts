/**
 * Groups of requests of the same time side by side: the sources of a tick, or a canary and its stable peers. They share
 * the traffic, so what moves it moves all of them, and what one of them has alone is its own.
 *
 * The unit is the request standard deviation of this very tick, from what flushes scatter inside each group, since a
 * change of everything also changes what requests scatter; never less than the baseline's.
 */
import type { Bucket } from '../bucket.ts';
import { layerOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import type { TickSummary } from '../tick.ts';
import { components } from './components.ts';
import { medianOf } from './median.ts';

/** A statistic is `2 × cell`: the mean, or `2 × cell + 1`: the log variance. */
export const LOG_VARIANCE = 1;

export interface Group {
  readonly name: string;
  /** Rows of a tick, `TICK_STRIDE` by cell; empty where nothing was measured. */
  readonly cells: Float64Array;
}

export interface GroupScores {
  readonly names: readonly string[];
  readonly statistics: number;
  /** By statistic and group: off the mean over all groups, request standard deviations; NaN where not measured. */
  readonly values: Float64Array;
  /** By cell and group: requests that measured it. */
  readonly requests: Float64Array;
  /** By statistic: degrees of freedom behind the unit; 0 where it is not known, so that nothing can be said. */
  readonly freedom: Float64Array;
  /** By statistic: the unit, and the baseline's mean on the scale of `values` (NaN where not known). */
  readonly unit: Float64Array;
  readonly baseline: Float64Array;
}

interface Baseline {
  readonly cells: Float64Array;
  readonly places: Int32Array;
}

/** Values carry 5 digits (token variances 4), so no scatter below that is known. */
const MEAN_RESOLUTION = 1e-5;
const LOG_VARIANCE_RESOLUTION = 1e-4;
/** Scatter of a constant 0, so that a shift of it is a large number and not infinite. */
const SCATTER_MIN = 1e-12;
/** With fewer degrees of freedom the scatter of a tick is not known. */
const FREEDOM_MIN = 8;
/** Of a unit that the baseline gives. */
const FREEDOM_MAX = 1e6;
/** Beyond so many standard deviations of its estimate the scatter has changed. */
const CHANCE_SIGMAS = 2;
/** The median of several estimates is worth this share of their mean. */
const MEDIAN_EFFICIENCY = 0.64;

/** `scatterOf`: the group whose scatter counts; −1 for all. Null when fewer than two groups have data. */
export function scoreGroups(
  all: readonly Group[],
  baseline: Baseline | null,
  scatterOf: number,
): GroupScores | null {
  const groups = all.filter(({ cells }) => cells.length > 0);
  if (groups.length < 2) return null;
  const cells = groups[0]!.cells.length / m.TICK_STRIDE;
  const count = groups.length;
  const statistics = cells * 2;
  const scores: GroupScores = {
    names: groups.map(({ name }) => name),
    statistics,
    values: new Float64Array(statistics * count).fill(Number.NaN),
    requests: new Float64Array(cells * count),
    freedom: new Float64Array(statistics),
    unit: new Float64Array(statistics),
    baseline: new Float64Array(statistics).fill(Number.NaN),
  };
  const scatter = new Float64Array(count);
  for (let statistic = 0; statistic < statistics; statistic++)
    scoreStatistic(scores, groups, statistic, baseline, scatterOf, scatter);
  return scores;
}

function scoreStatistic(
  scores: GroupScores,
  groups: readonly Group[],
  statistic: number,
  baseline: Baseline | null,
  scatterOf: number,
  scatter: Float64Array,
): void {
  const count = groups.length;
  const cell = statistic >> 1;
  const row = cell * m.TICK_STRIDE;
  const isVariance = (statistic & 1) === LOG_VARIANCE;
  const column = row + (isVariance ? m.V_MEAN : m.A_MEAN);
  const at = statistic * count;
  let weight = 0;
  let sum = 0;
  let known = 0;
  let freedom = 0;
  let measured = 0;
  let mostFlushes = 0;
  for (let i = 0; i < count; i++) {
    const { cells } = groups[i]!;
    const flushes = cells[row + m.FLUSHES]!;
    const raw = cells[column]!;
    if (!(flushes > 0) || (isVariance && !(raw > 0))) continue;
    const requests = cells[row + m.REQUESTS]!;
    const value = isVariance ? Math.log(raw) : raw;
    scores.requests[cell * count + i] = requests;
    scores.values[at + i] = value;
    weight += requests;
    sum += requests * value;
    measured++;
    if (scatterOf < 0 || scatterOf === i) mostFlushes = Math.max(mostFlushes, flushes);
  }
  if (measured < 2) return;
  for (let i = 0; i < count; i++) {
    const { cells } = groups[i]!;
    const flushes = cells[row + m.FLUSHES]!;
    // One of few flushes beside one of many knows its scatter far worse, and would make the median as bad.
    if (!(flushes > 1) || (flushes - 1) * 2 < mostFlushes - 1 || (scatterOf >= 0 && scatterOf !== i))
      continue;
    const raw = cells[column]!;
    if (isVariance && !(raw > 0)) continue;
    // Var(ln v) ≈ Var(v)/v² (delta method).
    scatter[known++] = cells[column + 1]! / (flushes - 1) / (isVariance ? raw * raw : 1);
    freedom += flushes - 1;
  }
  const mean = sum / weight;
  const base = baseline === null ? null : baselineOf(baseline, cell, isVariance);
  const own = freedom < FREEDOM_MIN ? 0 : typicalScatter(scatter, known, freedom);
  const usual = base?.scatter ?? 0;
  const unitSquared = Math.max(own, usual);
  if (unitSquared === 0 && freedom < FREEDOM_MIN) return;
  const floor = isVariance ? LOG_VARIANCE_RESOLUTION : MEAN_RESOLUTION * Math.abs(mean) + SCATTER_MIN;
  const unit = Math.sqrt(Math.max(unitSquared, floor * floor));
  // Sums of huge values overflow.
  if (!Number.isFinite(mean) || !Number.isFinite(unit)) {
    scores.values.fill(Number.NaN, at, at + count);
    return;
  }
  scores.unit[statistic] = unit;
  const ownFreedom = known > 2 ? MEDIAN_EFFICIENCY * freedom : freedom;
  // A unit that is the baseline's, or larger by chance, cannot be too small by chance.
  const isOwn = own > usual * (1 + CHANCE_SIGMAS * Math.sqrt(2 / ownFreedom));
  scores.freedom[statistic] = isOwn ? ownFreedom : FREEDOM_MAX;
  if (base !== null) scores.baseline[statistic] = (base.mean - mean) / unit;
  for (let i = 0; i < count; i++) scores.values[at + i] = (scores.values[at + i]! - mean) / unit;
}

function baselineOf({ cells, places }: Baseline, cell: number, isVariance: boolean) {
  const place = places[layerOfCell(cell)] ?? -1;
  const c = place < 0 ? null : components(cells, place * 2 + (cell & 1), isVariance ? 'variance' : 'mean');
  if (c === null) return null;
  if (!isVariance) return { mean: c.mean, scatter: c.requestVariance };
  return c.mean > 0 ? { mean: Math.log(c.mean), scatter: c.requestVariance / (c.mean * c.mean) } : null;
}

/**
 * Median over groups, so that one group with a scatter of its own does not set the unit; the mean of two. The median of
 * χ²_ν/ν is about (1 − 2/(9ν))³ (Wilson & Hilferty, 1931).
 */
function typicalScatter(scatter: Float64Array, known: number, freedom: number): number {
  const median = medianOf(scatter, known);
  return known <= 2 ? median : median / (1 - 2 / (9 * Math.max(1, freedom / known))) ** 3;
}

/** Rows of differences that are shown, by cell: of the group that is furthest out for its number of requests. */
export const D_MEAN_EFFECT = 0;
export const D_VARIANCE_EFFECT = 1;
export const D_LOG_VARIANCE_RATIO = 2;
export const DIFFERENCE_STRIDE = 3;

/** Each group against all others. `of`: the group to show; −1 for the one furthest out. NaN where not known. */
export function differencesOf(scores: GroupScores, of: number): Float64Array {
  const cells = scores.statistics / 2;
  const rows = new Float64Array(cells * DIFFERENCE_STRIDE).fill(Number.NaN);
  for (let cell = 0; cell < cells; cell++) {
    const at = cell * DIFFERENCE_STRIDE;
    rows[at + D_MEAN_EFFECT] = shownDifference(scores, cell * 2, of);
    const effect = shownDifference(scores, cell * 2 + LOG_VARIANCE, of);
    rows[at + D_VARIANCE_EFFECT] = effect;
    rows[at + D_LOG_VARIANCE_RATIO] = effect * scores.unit[cell * 2 + LOG_VARIANCE]!;
  }
  return rows;
}

function shownDifference(scores: GroupScores, statistic: number, of: number): number {
  if (scores.freedom[statistic] === 0) return Number.NaN;
  const count = scores.names.length;
  const requests = scores.requests.subarray((statistic >> 1) * count, ((statistic >> 1) + 1) * count);
  const weight = requests.reduce((a, b) => a + b, 0);
  let shown = Number.NaN;
  let most = -1;
  for (let i = 0; i < count; i++) {
    const own = requests[i]!;
    const value = scores.values[statistic * count + i]!;
    if ((of >= 0 && of !== i) || !(own > 0) || own === weight || Number.isNaN(value)) continue;
    // Values are about their weighted mean, so the others' mean is −own·value/(weight − own).
    const effect = (value * weight) / (weight - own);
    const sigmas = Math.abs(effect) * Math.sqrt((own * (weight - own)) / weight);
    if (sigmas <= most) continue;
    most = sigmas;
    shown = effect;
  }
  return shown;
}

/** The sources of a tick side by side. */
export const scorePeers = (
  tick: TickSummary,
  baseline: Bucket | null,
  places: Int32Array,
): GroupScores | null =>
  scoreGroups(
    tick.sources.map(({ source, tick: one }) => ({ name: source, cells: one.cells })),
    baseline === null ? null : { cells: baseline.cells, places },
    -1,
  );
