/** What a stream knows of its hours after clean days of made-up shifts. */
import { type Hours, learnHour, newHours } from '../../agent/core/hours.ts';
import { DAY, HOUR, T0 } from './events.ts';

/** Six cells of two statistics: the layers of the detector suite. */
const STATISTICS = 12;

export interface HourOf {
  readonly day: number;
  /** Of the day, 0 to 23. */
  readonly hour: number;
  readonly statistic: number;
}

/** Ticks of an hour, one every six minutes, in each of `days` days before the hour `untilHour` of the next. */
export function hoursOf(
  shiftOf: (at: HourOf) => number,
  { days = 5, untilHour = 1, statistics = STATISTICS } = {},
): Hours {
  const hours = newHours(statistics);
  for (let at = 0; at < days * 24 + untilHour; at++) {
    const [day, hour] = [Math.floor(at / 24), at % 24];
    for (let tick = 0; tick < TICKS; tick++)
      learnHour(hours, DAY_MS + at * HOUR + tick * TICK_MS, TICK_MS, (statistic) =>
        shiftOf({ day, hour, statistic }),
      );
  }
  return hours;
}

const TICKS = 10;
const TICK_MS = HOUR / TICKS;
/** A midnight. */
const DAY_MS = Math.floor(T0 / DAY) * DAY;
