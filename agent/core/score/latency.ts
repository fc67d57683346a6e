/**
 * Durations: histograms of calls in fixed bins, and the places of a baseline's ticks, among which a tick is ranked.
 *
 * Durations are compared as logarithms to base 2, so that twice as slow weighs the same everywhere. Bins of calls nest
 * into the buckets of exponential histograms of scale 2 and finer; coarser buckets are split evenly.
 */
import type { Histogram as WireHistogram } from '../decode/event.ts';

/** A quarter octave each, from 2^-20 s (1 µs) to 2^12 s (an hour); what lies beyond is in the first and the last. */
export const BINS = 128;
const BINS_PER_OCTAVE = 4;
const BINS_SCALE = 2;
const FIRST_OCTAVE = -20;

/** Least and greatest duration of a bin, as logarithms; the greatest belongs to it. */
export const binStart = (bin: number): number => FIRST_OCTAVE + bin / BINS_PER_OCTAVE;

export const binOf = (log2Seconds: number): number =>
  clamp(Math.ceil((log2Seconds - FIRST_OCTAVE) * BINS_PER_OCTAVE) - 1, BINS);

const clamp = (bin: number, bins: number): number => Math.max(0, Math.min(bins - 1, bin));

/** Adds a histogram of seconds as sent to the bins at `at`. Returns how many durations that were. */
export function addDurations(row: Float64Array, at: number, wire: WireHistogram): number {
  const { scale, positive } = wire;
  let total = wire.zero_count;
  row[at] = row[at]! + wire.zero_count;
  if (positive === undefined) return total;
  const width = 2 ** (BINS_SCALE - scale);
  for (let i = 0; i < positive.counts.length; i++) {
    const count = positive.counts[i]!;
    if (count === 0) continue;
    total += count;
    const start = (positive.offset + i) * width - FIRST_OCTAVE * BINS_PER_OCTAVE;
    if (width <= 1) {
      const bin = clamp(Math.floor(start), BINS);
      row[at + bin] = row[at + bin]! + count;
    } else splitCount(row, at, start, width, count);
  }
  return total;
}

/** A bucket of several bins, which may reach beyond the first and the last. */
function splitCount(row: Float64Array, at: number, start: number, width: number, count: number): void {
  const each = count / width;
  const end = start + width;
  for (let bin = Math.max(0, start); bin < Math.min(BINS, end); bin++) row[at + bin] = row[at + bin]! + each;
  const last = at + BINS - 1;
  row[at] = row[at]! + each * Math.max(0, Math.min(end, 0) - start);
  row[last] = row[last]! + each * Math.max(0, end - Math.max(start, BINS));
}

export function totalOf(row: Float64Array, at: number): number {
  let total = 0;
  for (let bin = 0; bin < BINS; bin++) total += row[at + bin]!;
  return total;
}

/** Logarithm of a quantile, even within its bin; null where there are no durations. */
export function quantileLog2(row: Float64Array, at: number, share: number): number | null {
  const total = totalOf(row, at);
  if (!(total > 0)) return null;
  let left = share * total;
  for (let bin = 0; bin < BINS; bin++) {
    const count = row[at + bin]!;
    if (count > 0 && left <= count) return binStart(bin + left / count);
    left -= count;
  }
  return binStart(BINS);
}

/** Durations above one given as a logarithm; its own bin counts in part. */
export function countAbove(row: Float64Array, at: number, log2Seconds: number): number {
  const place = (log2Seconds - FIRST_OCTAVE) * BINS_PER_OCTAVE;
  let above = 0;
  for (let bin = Math.max(0, Math.floor(place)); bin < BINS; bin++) {
    above += row[at + bin]! * Math.min(1, bin + 1 - place);
  }
  return above;
}

/**
 * Places of ticks: how many there were, the place of the first of 54 bins of an eighth of an octave, and their counts.
 * What lies beyond is in the first and the last.
 */
const PLACES = 54;
const PLACES_PER_OCTAVE = 8;
export const PLACES_STRIDE = PLACES + 2;
/** Octaves below the first tick: a service that starts cold is slow at first. */
const OCTAVES_BELOW = 4;

/** `lowest`: where the first bin begins; by default below the first value. */
export function enterPlace(row: Float64Array, at: number, value: number, lowest = Number.NaN): void {
  const place = Math.floor(value * PLACES_PER_OCTAVE);
  if (row[at] === 0) {
    row[at + 1] = Number.isNaN(lowest)
      ? place - OCTAVES_BELOW * PLACES_PER_OCTAVE
      : lowest * PLACES_PER_OCTAVE;
  }
  addPlace(row, at, place, 1);
}

function addPlace(row: Float64Array, at: number, place: number, ticks: number): void {
  const bin = at + 2 + clamp(place - row[at + 1]!, PLACES);
  row[at] = row[at]! + ticks;
  row[bin] = row[bin]! + ticks;
}

export function mergePlaces(into: Float64Array, from: Float64Array, at: number): void {
  if (from[at] === 0) return;
  if (into[at] === 0) into[at + 1] = from[at + 1]!;
  for (let bin = 0; bin < PLACES; bin++) {
    const ticks = from[at + 2 + bin]!;
    if (ticks > 0) addPlace(into, at, from[at + 1]! + bin, ticks);
  }
}

/** The median tick, even within its bin. Of no ticks, NaN. */
export function medianPlace(row: Float64Array, at: number): number {
  let left = row[at]! / 2;
  for (let bin = 0; bin < PLACES; bin++) {
    const ticks = row[at + 2 + bin]!;
    if (ticks > 0 && left <= ticks) return (row[at + 1]! + bin + left / ticks) / PLACES_PER_OCTAVE;
    left -= ticks;
  }
  return Number.NaN;
}

/**
 * Share of ticks at or beyond a value, itself counted: a conformal p-value (Vovk, Gammerman, Shafer, "Algorithmic Learning
 * in a Random World", 2005, ch. 2), never below what the ticks say, since the value's own bin counts whole. Beyond all
 * ticks it falls like the exponential with the mean excess of the outer tenth (Hill, "A simple general approach to
 * inference about the tail of a distribution", 1975: exponential in the logarithm), so that one far out needs fewer ticks.
 */
export function placeShare(row: Float64Array, at: number, value: number): number {
  const ticks = row[at]!;
  const place = value * PLACES_PER_OCTAVE - row[at + 1]!;
  let bin = clamp(Math.floor(place), PLACES);
  let beyond = 0;
  for (let above = bin; above < PLACES; above++) beyond += row[at + 2 + above]!;
  if (beyond > 0) return Math.min(1, (beyond + 1) / (ticks + 1));
  while (bin >= 0 && row[at + 2 + bin] === 0) bin--;
  if (bin < 0) return 1;
  return Math.exp(-(place - bin - 1) / tailExcess(row, at, bin)) / (ticks + 1);
}

/** Mean excess of the outer tenth of the ticks, in bins, at least one. */
function tailExcess(row: Float64Array, at: number, top: number): number {
  const wanted = Math.max(2, row[at]! / 10);
  let ticks = 0;
  let sum = 0;
  let bin = top;
  for (; bin >= 0 && ticks < wanted; bin--) {
    ticks += row[at + 2 + bin]!;
    sum += row[at + 2 + bin]! * (bin + 0.5);
  }
  return Math.max(1, ticks === 0 ? 1 : sum / ticks - (bin + 1));
}
