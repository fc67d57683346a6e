/**
 * Event time of one stream. The watermark is the median of the last times of its live sources, so that neither a pod
 * an hour ahead nor one that lags can move it. Nothing here looks at the agent's clock.
 */
import { bool, type Codec, f64, map, struct } from './codec.ts';

/** A source further off the watermark than this (or than three of its flushes) is skewed and not folded. */
export const SKEW_MS = 60_000;
const INTERVAL_MS_MAX = 3_600_000;
/** This many records in a row and live source, all far from the watermark: the stream has moved, not one clock. */
const MOVED_RUN = 3;

export interface SourceClock {
  lastMs: number;
  /** Time between its flushes, smoothed. */
  intervalMs: number;
  /** Last closed tick that held data of it; −1 for none. */
  lastTick: number;
  /** Said `stopping`, moved to another version, or was left behind when the stream moved on. */
  gone: boolean;
  /** Its last record was too far ahead. */
  skewed: boolean;
}

export interface StreamClock {
  sources: Map<string, SourceClock>;
  /** Records in a row far ahead of (behind) the watermark. */
  aheadRun: number;
  behindRun: number;
}

export const sourceClockCodec: Codec<SourceClock> = struct<SourceClock>({
  lastMs: f64,
  intervalMs: f64,
  lastTick: f64,
  gone: bool,
  skewed: bool,
});

export const streamClockCodec: Codec<StreamClock> = struct<StreamClock>({
  sources: map(sourceClockCodec),
  aheadRun: f64,
  behindRun: f64,
});

export const newStreamClock = (): StreamClock => ({ sources: new Map(), aheadRun: 0, behindRun: 0 });

/** Median (the lower one) of the last times of live sources; of all sources when none is live; null without any. */
export function watermarkOf(clock: StreamClock): number | null {
  let times: number[] = [];
  for (const source of clock.sources.values()) if (!source.gone) times.push(source.lastMs);
  if (times.length === 0) times = [...clock.sources.values()].map((source) => source.lastMs);
  if (times.length === 0) return null;
  times.sort((a, b) => a - b);
  return times[(times.length - 1) >> 1]!;
}

export type TimeVerdict = 'good' | 'skewed' | 'moved_back';

/**
 * Notes the time of one record. `skewed` records are not folded into ticks. `moved_back`: the whole stream went back
 * (a log produced again, a clock set right): the caller reopens time from here.
 */
export function noteTime(
  clock: StreamClock,
  name: string,
  timeMs: number,
  arrivedMs: number | null,
): TimeVerdict {
  const watermarkMs = watermarkOf(clock);
  let source = clock.sources.get(name);
  if (source === undefined) {
    source = { lastMs: timeMs, intervalMs: 0, lastTick: -1, gone: false, skewed: false };
    clock.sources.set(name, source);
  }
  if (arrivedMs !== null && timeMs > arrivedMs + SKEW_MS) return skew(source);
  const tolerance = Math.max(SKEW_MS, 3 * source.intervalMs);
  const gapMs = Math.min(INTERVAL_MS_MAX, Math.abs(timeMs - source.lastMs));
  if (watermarkMs !== null && timeMs > watermarkMs + tolerance) {
    source.intervalMs = smooth(source.intervalMs, gapMs);
    if (++clock.aheadRun < MOVED_RUN * liveCount(clock)) return skew(source);
    leaveBehind(clock, watermarkMs + tolerance);
  } else if (watermarkMs !== null && timeMs < watermarkMs - tolerance) {
    clock.aheadRun = 0;
    if (++clock.behindRun < MOVED_RUN * liveCount(clock)) return 'good';
    for (const other of clock.sources.values()) other.gone = true;
    accept(clock, source, timeMs);
    return 'moved_back';
  } else if (gapMs > 0) {
    source.intervalMs = smooth(source.intervalMs, gapMs);
  }
  accept(clock, source, Math.max(source.lastMs, timeMs));
  return 'good';
}

function skew(source: SourceClock): TimeVerdict {
  source.skewed = true;
  return 'skewed';
}

function accept(clock: StreamClock, source: SourceClock, lastMs: number): void {
  source.lastMs = lastMs;
  source.gone = false;
  source.skewed = false;
  clock.aheadRun = 0;
  clock.behindRun = 0;
}

/** All records of late come from sources far ahead, so the others have ended. */
function leaveBehind(clock: StreamClock, beforeMs: number): void {
  for (const source of clock.sources.values()) if (source.lastMs <= beforeMs) source.gone = true;
}

function liveCount(clock: StreamClock): number {
  let count = 0;
  for (const source of clock.sources.values()) if (!source.gone) count++;
  return Math.max(1, count);
}

const smooth = (old: number, gapMs: number): number => (old === 0 ? gapMs : (old + gapMs) / 2);
