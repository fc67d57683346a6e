/**
 * Signs that two processes send under one source name: what a restart, a repeat or a record out of order cannot do. Kept
 * beside the sequence of the source, which counts as if there were one process.
 */
import { type Codec, f64, list, str, struct } from './codec.ts';

/** Signs count for this long, one in ten seconds: processes that hand over to each other overlap for less than a minute. */
const WINDOW_MS = 300_000;
const SPACING_MS = 10_000;
const SIGNS_MAX = WINDOW_MS / SPACING_MS;
/** An older process seen so lately is taken to be there still. */
const ALIVE_MS = 60_000;
const BOOTS_MAX = 4;
/** Without boots, a number this little above where an earlier count ended belongs to that count. */
const TRACK_GAP_MAX = 64;

export interface Rivals {
  /** Boots heard of late, and the event time each began; 0 where it was not noted. */
  boots: string[];
  sinceMs: number[];
  /** Where a count without boots had come to when another one began; −1 for none. */
  trackHigh: number;
  /** Event times of signs, oldest first. */
  signs: number[];
}

export const rivalsCodec: Codec<Rivals> = struct<Rivals>({
  boots: list(str),
  sinceMs: list(f64),
  trackHigh: f64,
  signs: list(f64),
});

export const newRivals = (): Rivals => ({ boots: [], sinceMs: [], trackHigh: -1, signs: [] });

/**
 * A record of another boot than the last. An older process that goes on after the newest has begun is a sign; its
 * stragglers are older than the newest one's first record.
 */
export function noteBoot(rivals: Rivals, current: string, boot: string, timeMs: number): void {
  if (!rivals.boots.includes(current)) addBoot(rivals, current, 0);
  if (!rivals.boots.includes(boot)) addBoot(rivals, boot, timeMs);
  const newestMs = Math.max(...rivals.sinceMs);
  const isOlder = rivals.sinceMs[rivals.boots.indexOf(boot)]! < newestMs;
  // The newest one again says nothing by itself: it may have been taken for ended because of a straggler.
  const livesOn = timeMs - (rivals.signs.at(-1) ?? Number.NEGATIVE_INFINITY) <= ALIVE_MS;
  if (isOlder ? timeMs > newestMs : livesOn) noteSign(rivals, timeMs);
}

function addBoot(rivals: Rivals, boot: string, sinceMs: number): void {
  rivals.boots.push(boot);
  rivals.sinceMs.push(sinceMs);
  if (rivals.boots.length <= BOOTS_MAX) return;
  rivals.boots.shift();
  rivals.sinceMs.shift();
}

/** True when a number far above the running count goes on where an earlier count ended. */
export const isOtherTrack = (rivals: Rivals, high: number, seq: number): boolean =>
  rivals.trackHigh >= 0 &&
  seq > high + TRACK_GAP_MAX &&
  seq > rivals.trackHigh &&
  seq <= rivals.trackHigh + TRACK_GAP_MAX;

export function noteSign(rivals: Rivals, timeMs: number): void {
  const last = rivals.signs.at(-1);
  // Signs far ahead are those of a clock that has been set right since.
  if (last !== undefined && last > timeMs + WINDOW_MS) rivals.signs.length = 0;
  else if (last !== undefined && timeMs < last + SPACING_MS) return;
  rivals.signs.push(timeMs);
  if (rivals.signs.length > SIGNS_MAX) rivals.signs.shift();
}

/** Signs of the five minutes up to `nowMs`, whatever has come since, and when the first of them was; null without any. */
export function signsBy(rivals: Rivals | null, nowMs: number): { count: number; sinceMs: number } | null {
  if (rivals === null) return null;
  const recent = rivals.signs.filter((timeMs) => timeMs > nowMs - WINDOW_MS && timeMs <= nowMs);
  return recent.length === 0 ? null : { count: recent.length, sinceMs: recent[0]! };
}
