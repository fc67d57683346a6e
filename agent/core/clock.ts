/**
 * Event time of one stream. The watermark is the median of the last times of its live sources, so that neither a pod
 * an hour ahead nor one that lags can move it. Nothing here looks at the agent's clock.
 */
import { type Codec, f64, map, struct, word } from './codec.ts';

/** A source further off the watermark than this (or than three of its flushes) is skewed and not folded. */
export const SKEW_MS = 60_000;
const INTERVAL_MS_MAX = 3_600_000;
/** This many records in a row and source, all far from the watermark: the stream has moved, not one clock. */
const MOVED_RUN = 3;
/** Sources of one stream. Beyond, a new one takes the place of one that is gone or was not heard for `PLACE_MS`. */
export const SOURCES_MAX = 1_024;
const PLACE_MS = 600_000;
/** A source not heard for this long is no longer missed. */
const MISSED_MS = 86_400_000;

/**
 * `live` sources make the watermark. `skewed`: the last record was too far off. `left`: silent when the stream moved on.
 * `gone`: said `stopping`, moved to another version, or belongs to a time that was taken back.
 */
const STATUSES = ['live', 'skewed', 'left', 'gone'] as const;

export interface SourceClock {
  status: (typeof STATUSES)[number];
  lastMs: number;
  /** Time of its last record, also when it was not folded. */
  heardMs: number;
  /** Time between its flushes, smoothed. */
  intervalMs: number;
  /** Last closed tick that held data of it; −1 for none. */
  lastTick: number;
  /** Records in a row that were skewed, and how far ahead of the stream the last of them was (negative: behind). */
  skewRun: number;
  skewMs: number;
}

export interface StreamClock {
  sources: Map<string, SourceClock>;
  /** Records in a row far ahead of (behind) the watermark. */
  aheadRun: number;
  behindRun: number;
}

const sourceClockCodec: Codec<SourceClock> = struct<SourceClock>({
  status: word(STATUSES),
  lastMs: f64,
  heardMs: f64,
  intervalMs: f64,
  lastTick: f64,
  skewRun: f64,
  skewMs: f64,
});

export const streamClockCodec: Codec<StreamClock> = struct<StreamClock>({
  sources: map(sourceClockCodec),
  aheadRun: f64,
  behindRun: f64,
});

export const newStreamClock = (): StreamClock => ({ sources: new Map(), aheadRun: 0, behindRun: 0 });

/** Median (the lower one) of the last times of live sources; of all sources when none is live; null without any. */
export function watermarkOf(clock: StreamClock): number | null {
  const { sources } = clock;
  if (sources.size === 0) return null;
  let times = new Float64Array(sources.size);
  let live = 0;
  for (const source of sources.values()) if (source.status === 'live') times[live++] = source.lastMs;
  if (live > 0) times = times.subarray(0, live);
  else for (const source of sources.values()) times[live++] = source.lastMs;
  times.sort();
  return times[(live - 1) >> 1]!;
}

/**
 * `skewed`: not to be folded. `crowded`: no place for one more source. `moved_back`: the whole stream went back (a log
 * produced again, a clock set right), so the caller reopens time from here.
 */
export type TimeVerdict = 'good' | 'skewed' | 'crowded' | 'moved_back';

/** Notes the time of one record. */
export function noteTime(
  clock: StreamClock,
  name: string,
  timeMs: number,
  arrivedMs: number | null,
): TimeVerdict {
  const watermarkMs = watermarkOf(clock);
  let source = clock.sources.get(name);
  if (source === undefined) {
    if (!makePlace(clock, watermarkMs)) return 'crowded';
    source = {
      status: 'live',
      lastMs: timeMs,
      heardMs: timeMs,
      intervalMs: 0,
      lastTick: -1,
      skewRun: 0,
      skewMs: 0,
    };
    clock.sources.set(name, source);
  }
  const toleranceMs = Math.max(SKEW_MS, 3 * source.intervalMs);
  noteInterval(source, timeMs);
  if (arrivedMs !== null && timeMs > arrivedMs + SKEW_MS) return skew(source, timeMs - arrivedMs);
  if (watermarkMs !== null && timeMs > watermarkMs + toleranceMs) {
    if (++clock.aheadRun < MOVED_RUN * senderCount(clock)) return skew(source, timeMs - watermarkMs);
    leaveBehind(clock, watermarkMs + toleranceMs);
  } else if (watermarkMs !== null && timeMs < watermarkMs - toleranceMs) {
    clock.aheadRun = 0;
    skew(source, timeMs - watermarkMs);
    // Too late for any open tick; which one it missed is for the caller to say.
    if (++clock.behindRun < MOVED_RUN * senderCount(clock)) return 'good';
    for (const other of clock.sources.values()) other.status = 'gone';
    accept(clock, source, timeMs);
    return 'moved_back';
  }
  // What a source said before it was found off, or before the stream moved back, is no time of the stream.
  accept(clock, source, source.status === 'live' ? Math.max(source.lastMs, timeMs) : timeMs);
  return 'good';
}

/** Sources not heard for a day before the watermark are forgotten: pods come and go under new names. */
export function forgetSilent(clock: StreamClock, watermarkMs: number): void {
  for (const [name, source] of clock.sources)
    if (source.heardMs < watermarkMs - MISSED_MS) clock.sources.delete(name);
}

/**
 * By its own records alone, folded or not. A single gap makes it at most half as long again: neither a clock that jumped
 * nor a pause may widen the tolerance by which the source is judged.
 */
function noteInterval(source: SourceClock, timeMs: number): void {
  const gapMs = Math.min(INTERVAL_MS_MAX, Math.abs(timeMs - source.heardMs));
  source.heardMs = timeMs;
  if (gapMs === 0) return;
  const old = source.intervalMs;
  source.intervalMs = old === 0 ? gapMs : (old + Math.min(gapMs, 2 * old)) / 2;
}

function skew(source: SourceClock, skewMs: number): TimeVerdict {
  source.status = 'skewed';
  source.skewRun++;
  source.skewMs = skewMs;
  return 'skewed';
}

/** So many skewed records in a row are a clock, fewer a straggler. */
export const SKEWED_RECORDS = 3;

/** How far a source's clock is off the stream; null while it is not, or while the source sends no more. */
export function skewOf(source: SourceClock, nowMs: number): number | null {
  if (source.status !== 'skewed' || source.skewRun < SKEWED_RECORDS) return null;
  const quietMs = nowMs - (source.heardMs - source.skewMs);
  return quietMs > Math.max(SKEW_MS, 3 * source.intervalMs) ? null : source.skewMs;
}

function accept(clock: StreamClock, source: SourceClock, lastMs: number): void {
  source.lastMs = lastMs;
  source.status = 'live';
  source.skewRun = 0;
  source.skewMs = 0;
  clock.aheadRun = 0;
  clock.behindRun = 0;
}

/** All records of late come from sources far ahead, so the others have ended. */
function leaveBehind(clock: StreamClock, beforeMs: number): void {
  for (const source of clock.sources.values())
    if (source.status !== 'gone' && source.lastMs <= beforeMs) source.status = 'left';
}

/** Sources that may still send. */
function senderCount(clock: StreamClock): number {
  let count = 0;
  for (const { status } of clock.sources.values()) if (status === 'live' || status === 'skewed') count++;
  return Math.max(1, count);
}

/** False when there is no place for one more source. */
function makePlace(clock: StreamClock, watermarkMs: number | null): boolean {
  if (clock.sources.size < SOURCES_MAX || watermarkMs === null) return true;
  let oldest: [string, SourceClock] | null = null;
  for (const entry of clock.sources) {
    if (entry[1].status === 'gone') oldest = entry;
    else if (oldest === null || (oldest[1].status !== 'gone' && entry[1].heardMs < oldest[1].heardMs))
      oldest = entry;
  }
  if (oldest === null || (oldest[1].status !== 'gone' && oldest[1].heardMs >= watermarkMs - PLACE_MS))
    return false;
  clock.sources.delete(oldest[0]);
  return true;
}
