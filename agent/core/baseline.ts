/**
 * What a serving stream has learnt of itself.
 *
 * While `calibrating`, ticks enter at once, into the learning bucket and the rolling windows. Once that is enough, ticks
 * wait (30 min by default) before they enter, so that a fault seen late has not been learnt yet. If an incident opens,
 * what waits from its onset on is set aside; the ticks of an open incident follow it. Accepting the incident starts the
 * new baseline from what was set aside, resolving it drops that.
 *
 * Buckets cascade: 10 minutes, 4 hours, 1 day. Each tick lies in one bucket, a window is a sum of buckets, so a week
 * costs at most 26 buckets whatever the traffic, and what a tick changes is one of them.
 */
import {
  addTick,
  type Bucket,
  mergeBuckets,
  mergeDetail,
  moveBucket,
  moveDetail,
  newBucket,
} from './bucket.ts';
import { CodecError } from './codec.ts';
import type { Settings } from './settings.ts';
import type { TickSummary } from './tick.ts';
import { tryTick } from './trial.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WAITING_SPAN_MS = 10 * MINUTE_MS;

/** Width of the buckets of each level, and the age (before the newest) up to which they stay on it. */
const LEVELS = [
  { spanMs: 10 * MINUTE_MS, keepMs: HOUR_MS },
  { spanMs: 4 * HOUR_MS, keepMs: DAY_MS },
  { spanMs: DAY_MS, keepMs: 7 * DAY_MS },
] as const;

/** Histograms and outputs are large, so the rolling window keeps them as two halves of a day. */
const DETAIL_SPAN_MS = 12 * HOUR_MS;

export const RANGES = { '10m': 10 * MINUTE_MS, '1h': HOUR_MS, '24h': DAY_MS, '7d': 7 * DAY_MS } as const;
export type Range = keyof typeof RANGES;

export interface Baseline {
  /** The bucket being learnt; kept afterwards only as the model's reference. Null once complete or not needed. */
  learning: Bucket | null;
  /** The newest ticks of learning, until it is seen that they scatter like the others; and all ticks in order. */
  trial: Bucket | null;
  series: Float64Array[];
  waiting: Bucket[];
  /** One list a level, oldest first. */
  rolling: Bucket[][];
  /** Histograms and outputs: the half-day before, and the current one. */
  detail: Bucket[];
  /** Ticks of the open incident, from its onset on. */
  setAside: Bucket | null;
  /** Sums of rolling and detail that were asked for since these last changed; no part of the state. */
  windows: Map<Range, Bucket>;
}

export function newBaseline(layerCount: number, learns: boolean): Baseline {
  return {
    learning: learns ? newBucket(layerCount) : null,
    trial: null,
    series: [],
    waiting: [],
    rolling: LEVELS.map(() => []),
    detail: [],
    setAside: null,
    windows: new Map(),
  };
}

export const isEnough = (bucket: Bucket, settings: Settings): boolean =>
  bucket.ticks >= settings.calibration.ticks && bucket.flushes >= settings.calibration.flushes;

/**
 * One closed tick of a stream without an open incident. Returns the buckets that have waited long enough and were learnt,
 * each once.
 */
export function learnTick(b: Baseline, tick: TickSummary, layerCount: number, settings: Settings): Bucket[] {
  if (b.learning !== null) {
    tryTick(b, tick, layerCount, settings);
    enterTick(b, tick, layerCount);
    return [];
  }
  addTick(slotFor(b.waiting, tick.startMs, WAITING_SPAN_MS, layerCount), tick, 'full');
  const dueMs = tick.endMs - settings.rollingDelayMs;
  const entered: Bucket[] = [];
  while (b.waiting.length > 0 && b.waiting[0]!.toMs <= dueMs) {
    const bucket = b.waiting.shift()!;
    enterBucket(b, bucket, layerCount);
    entered.push(bucket);
  }
  return entered;
}

/** One closed tick of a stream with an open incident. */
export function setTickAside(b: Baseline, tick: TickSummary, layerCount: number): void {
  b.setAside ??= newBucket(layerCount);
  addTick(b.setAside, tick, 'full');
}

/** An incident opened: what waits from its onset on is not learnt. */
export function setWaitingAside(b: Baseline, onsetMs: number, layerCount: number): void {
  const aside = b.setAside ?? newBucket(layerCount);
  b.setAside = aside;
  const kept: Bucket[] = [];
  for (const bucket of b.waiting) {
    if (bucket.toMs > onsetMs) mergeBuckets(aside, bucket);
    else kept.push(bucket);
  }
  b.waiting = [];
  for (const bucket of kept) enterBucket(b, bucket, layerCount);
}

/** The incident is over: its ticks are forgotten. */
export function dropSetAside(b: Baseline): void {
  b.setAside = null;
}

/** This is the new normal: begin again from what was set aside (or from nothing). */
export function relearn(b: Baseline, layerCount: number): void {
  b.learning = b.setAside ?? newBucket(layerCount);
  b.trial = null;
  b.series = [];
  b.setAside = null;
  b.waiting = [];
  b.rolling = LEVELS.map(() => []);
  b.detail = [];
  b.windows.clear();
  if (b.learning.ticks > 0) enterBucket(b, copyOf(b.learning, layerCount), layerCount);
}

/**
 * Moments of the last `range` before the newest tick that has entered. Null when nothing has. Summed once for all ticks
 * between two changes, so it belongs to the baseline: to be read only.
 */
export function rollingWindow(b: Baseline, range: Range, layerCount: number): Bucket | null {
  const known = b.windows.get(range);
  if (known !== undefined) return known;
  const newestMs = newestOf(b);
  if (newestMs === null) return null;
  const window = newBucket(layerCount);
  for (const level of b.rolling) {
    for (const bucket of level) if (bucket.toMs > newestMs - RANGES[range]) mergeBuckets(window, bucket);
  }
  if (RANGES[range] >= DAY_MS) for (const bucket of b.detail) mergeDetail(window, bucket);
  b.windows.set(range, window);
  return window;
}

/** Whole buckets between two times, for a reference of a time range. Null when there are none. */
export function bucketsBetween(
  b: Baseline,
  sinceMs: number,
  untilMs: number,
  layerCount: number,
): Bucket | null {
  const sum = newBucket(layerCount);
  const all = [...b.rolling.flat(), ...b.waiting];
  for (const bucket of all) if (bucket.fromMs >= sinceMs && bucket.toMs <= untilMs) mergeBuckets(sum, bucket);
  if (sum.ticks === 0) return null;
  for (const bucket of b.detail)
    if (bucket.toMs > sinceMs && bucket.fromMs < untilMs) mergeDetail(sum, bucket);
  return sum;
}

/** Every bucket by a name that follows from its place, as it is stored: `waiting-SLOT`, `LEVEL-SLOT` … */
export function namedBuckets(b: Baseline): Map<string, Bucket> {
  const named = new Map<string, Bucket>();
  const slot = (bucket: Bucket, spanMs: number): number => Math.floor(bucket.fromMs / spanMs);
  if (b.learning !== null) named.set('learning', b.learning);
  if (b.trial !== null) named.set('trial', b.trial);
  if (b.setAside !== null) named.set('aside', b.setAside);
  for (const bucket of b.waiting) named.set(`waiting-${slot(bucket, WAITING_SPAN_MS)}`, bucket);
  for (const bucket of b.detail) named.set(`detail-${slot(bucket, DETAIL_SPAN_MS)}`, bucket);
  LEVELS.forEach(({ spanMs }, level) => {
    for (const bucket of b.rolling[level]!) named.set(`${level}-${slot(bucket, spanMs)}`, bucket);
  });
  return named;
}

/** The inverse of `namedBuckets`; names of no known place are refused by throwing CodecError. */
export function baselineOf(named: ReadonlyMap<string, Bucket>): Baseline {
  const b = newBaseline(0, false);
  const lists = new Map<string, Bucket[]>([
    ['waiting', b.waiting],
    ['detail', b.detail],
    ...b.rolling.map((list, level) => [String(level), list] as const),
  ]);
  for (const [name, bucket] of [...named].sort(([, one], [, other]) => one.fromMs - other.fromMs)) {
    const list = lists.get(name.split('-')[0]!);
    if (name === 'learning') b.learning = bucket;
    else if (name === 'trial') b.trial = bucket;
    else if (name === 'aside') b.setAside = bucket;
    else if (list !== undefined) list.push(bucket);
    else throw new CodecError(`no such bucket: ${name}`);
  }
  return b;
}

/** Time was taken back to `fromMs`: what was learnt of later is no past any more. */
export function forgetFrom(b: Baseline, fromMs: number): void {
  const isPast = (bucket: Bucket): boolean => bucket.toMs <= fromMs;
  b.waiting = b.waiting.filter(isPast);
  b.rolling = b.rolling.map((level) => level.filter(isPast));
  b.detail = b.detail.filter((bucket) => bucket.fromMs < fromMs);
  b.windows.clear();
}

/** All under other layers. */
export function moveBaseline(b: Baseline, places: Int32Array, layerCount: number): void {
  b.series = [];
  const all = [b.learning, b.trial, b.setAside, ...b.waiting, ...b.rolling.flat()];
  for (const bucket of all) if (bucket !== null) moveBucket(bucket, places, layerCount);
  for (const bucket of b.detail) moveDetail(bucket, places, layerCount);
  b.windows.clear();
}

function enterTick(b: Baseline, tick: TickSummary, layerCount: number): void {
  b.windows.clear();
  addTick(slotFor(b.rolling[0]!, tick.startMs, LEVELS[0].spanMs, layerCount), tick, 'moments');
  const detail = newBucket(0);
  addTick(detail, tick, 'detail');
  keepDetail(b, detail);
  cascade(b, layerCount);
}

function enterBucket(b: Baseline, bucket: Bucket, layerCount: number): void {
  b.windows.clear();
  keepDetail(b, bucket);
  const moments = { ...bucket, histograms: [], outputs: new Map(), sums: new Map() };
  const slot = slotFor(b.rolling[0]!, bucket.fromMs, LEVELS[0].spanMs, layerCount);
  mergeBuckets(slot, moments);
  cascade(b, layerCount);
}

/** The bucket of a list (in order of time) that holds `atMs`; made where there is none. */
function slotFor(buckets: Bucket[], atMs: number, spanMs: number, layerCount: number): Bucket {
  const slot = Math.floor(atMs / spanMs);
  for (let i = buckets.length - 1; i >= 0; i--) {
    const at = Math.floor(buckets[i]!.fromMs / spanMs);
    if (at === slot) return buckets[i]!;
    if (at < slot) return insertBucket(buckets, i + 1, layerCount);
  }
  return insertBucket(buckets, 0, layerCount);
}

function insertBucket(buckets: Bucket[], at: number, layerCount: number): Bucket {
  const bucket = newBucket(layerCount);
  buckets.splice(at, 0, bucket);
  return bucket;
}

/** Moves what is too old for its level one level up, and forgets what is older than the last. */
function cascade(b: Baseline, layerCount: number): void {
  const newestMs = newestOf(b);
  if (newestMs === null) return;
  LEVELS.forEach((level, i) => {
    const buckets = b.rolling[i]!;
    const next = LEVELS[i + 1];
    while (buckets.length > 0 && buckets[0]!.toMs <= newestMs - level.keepMs) {
      const old = buckets.shift()!;
      if (next !== undefined)
        mergeBuckets(slotFor(b.rolling[i + 1]!, old.fromMs, next.spanMs, layerCount), old);
    }
  });
}

function newestOf(b: Baseline): number | null {
  let newestMs: number | null = null;
  for (const level of b.rolling) {
    const last = level.at(-1);
    if (last !== undefined && (newestMs === null || last.toMs > newestMs)) newestMs = last.toMs;
  }
  return newestMs;
}

function keepDetail(b: Baseline, from: Bucket): void {
  const half = Math.floor(from.fromMs / DETAIL_SPAN_MS);
  let current = b.detail.at(-1);
  if (current === undefined || Math.floor(current.fromMs / DETAIL_SPAN_MS) < half) {
    current = newBucket(0);
    b.detail.push(current);
    if (b.detail.length > 2) b.detail.shift();
  }
  current.fromMs = Math.min(current.fromMs, from.fromMs);
  current.toMs = Math.max(current.toMs, from.toMs);
  mergeDetail(current, from);
}

function copyOf(bucket: Bucket, layerCount: number): Bucket {
  const copy = newBucket(layerCount);
  mergeBuckets(copy, bucket);
  return copy;
}
