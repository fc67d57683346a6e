/**
 * What a stream knows of the hours of its day, statistic by statistic: the usual deviation of each hour from the
 * baseline, and how far hours scatter around it. Ten minutes of calibration cannot know nights; this is how they are learnt.
 * Hours with a fault teach nothing. Only the shape of the day is taken off, never its level: a level that has moved stays
 * a shift.
 */

import { type Codec, CodecError, f64, floats32, struct } from './codec.ts';
import { HOUR_MS } from './time.ts';

const HOURS = 24;
/** Row of a statistic: 24 usual deviations; sum of this hour; mean square deviation of hours, as seen and after the shape. */
const SUM = 24;
const SEEN = 25;
const LEFT = 26;
export const HOUR_STRIDE = 27;
/** Hours of which less than this share was clean teach nothing. */
const SHARE_MIN = 0.1;
/** Days in which an hour is known before it is taken off, and the most that its mean looks back on. */
const DAYS_MIN = 2;
const DAYS_MEMORY = 7;
/** Hours that the scatter looks back on. */
const HOURS_MEMORY = 7 * HOURS;
/** No hour is usually further off; its square still fits. Request standard deviations. */
const SHIFT_MAX = 1e6;
/** A least effect holds this many standard deviations of hours, once a day is known. */
const FLOOR_SIGMAS = 3;

export interface Hours {
  /** Hour of event time being summed, since 1970; −1 before the first. */
  hour: number;
  ticks: number;
  /** Hours learnt in all, and with their shape taken off. */
  known: number;
  shaped: number;
  /** Days on which each hour of the day was learnt. */
  days: Float32Array;
  /** HOUR_STRIDE numbers a statistic, in request standard deviations of the baseline. */
  rows: Float32Array;
}

const storedCodec: Codec<Hours> = struct<Hours>({
  hour: f64,
  ticks: f64,
  known: f64,
  shaped: f64,
  days: floats32,
  rows: floats32,
});

/** Throws CodecError on what is no day: a baseline may come from outside. */
export const hoursCodec: Codec<Hours> = {
  write: storedCodec.write,
  read(r) {
    const hours = storedCodec.read(r);
    const { hour, ticks, known, shaped, days, rows } = hours;
    const isSound =
      days.length === HOURS &&
      [hour, ticks, known, shaped].every(Number.isFinite) &&
      days.every(Number.isFinite) &&
      rows.every(Number.isFinite);
    if (!isSound) throw new CodecError('hours do not add up');
    return hours;
  },
};

export const newHours = (statistics: number): Hours => ({
  hour: -1,
  ticks: 0,
  known: 0,
  shaped: 0,
  days: new Float32Array(HOURS),
  rows: new Float32Array(statistics * HOUR_STRIDE),
});

/** Usual deviation of one statistic at a time, request standard deviations; 0 while unknown. */
export function usualShift(h: Hours, statistic: number, timeMs: number): number {
  const hour = Math.floor(timeMs / HOUR_MS) % HOURS;
  return h.days[hour]! < DAYS_MIN ? 0 : h.rows[statistic * HOUR_STRIDE + hour]! - levelOf(h, statistic);
}

/** Mean of the hours that are known. */
function levelOf(h: Hours, statistic: number): number {
  let sum = 0;
  let count = 0;
  for (let hour = 0; hour < HOURS; hour++) {
    if (h.days[hour]! < DAYS_MIN) continue;
    sum += h.rows[statistic * HOUR_STRIDE + hour]!;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/** What hours alone make of a statistic, request standard deviations: no smaller shift counts. 0 in the first day. */
export function hourFloor(h: Hours, statistic: number): number {
  if (h.known < HOURS) return 0;
  const square = h.rows[statistic * HOUR_STRIDE + (h.shaped < HOURS ? SEEN : LEFT)]!;
  return FLOOR_SIGMAS * Math.sqrt(square);
}

/** One clean tick; `shiftOf` gives a statistic's deviation from the baseline in request sigmas, NaN = not measured. */
export function learnHour(
  h: Hours,
  timeMs: number,
  tickMs: number,
  shiftOf: (statistic: number) => number,
): void {
  const hour = Math.floor(timeMs / HOUR_MS);
  if (hour !== h.hour) {
    if (h.ticks >= (SHARE_MIN * HOUR_MS) / tickMs) closeHour(h);
    forgetHour(h);
    h.hour = hour;
  }
  h.ticks++;
  const statistics = h.rows.length / HOUR_STRIDE;
  for (let statistic = 0; statistic < statistics; statistic++) {
    const shift = shiftOf(statistic);
    if (!Number.isFinite(shift)) continue;
    const at = statistic * HOUR_STRIDE + SUM;
    h.rows[at] = h.rows[at]! + Math.max(-SHIFT_MAX, Math.min(SHIFT_MAX, shift));
  }
}

/** A fault began in this hour: what it has so far teaches nothing. */
export function forgetHour(h: Hours): void {
  h.ticks = 0;
  for (let at = SUM; at < h.rows.length; at += HOUR_STRIDE) h.rows[at] = 0;
}

function closeHour(h: Hours): void {
  const { rows, days } = h;
  const hour = h.hour % HOURS;
  const day = Math.min(days[hour]! + 1, DAYS_MEMORY);
  const isShaped = days[hour]! >= DAYS_MIN;
  const known = Math.min(h.known + 1, HOURS_MEMORY);
  const shaped = Math.min(h.shaped + 1, HOURS_MEMORY);
  for (let at = 0; at < rows.length; at += HOUR_STRIDE) {
    const shift = rows[at + SUM]! / h.ticks;
    rows[at + SEEN] = rows[at + SEEN]! + (shift * shift - rows[at + SEEN]!) / known;
    if (isShaped) {
      const rest = shift - (rows[at + hour]! - levelOf(h, at / HOUR_STRIDE));
      rows[at + LEFT] = rows[at + LEFT]! + (rest * rest - rows[at + LEFT]!) / shaped;
    }
    rows[at + hour] = rows[at + hour]! + (shift - rows[at + hour]!) / day;
  }
  days[hour] = days[hour]! + 1;
  h.known++;
  if (isShaped) h.shaped++;
}

/** The same under other layers: two statistics a cell, two cells a layer. */
export function moveHours(h: Hours, places: Int32Array, layerCount: number): void {
  const width = 4 * HOUR_STRIDE;
  const moved = new Float32Array(layerCount * width);
  places.forEach((to, layer) => {
    if (to >= 0) moved.set(h.rows.subarray(layer * width, (layer + 1) * width), to * width);
  });
  h.rows = moved;
}
