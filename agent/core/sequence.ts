/**
 * Duplicates and gaps by (source, boot, seq). Kept within environment/model, across versions, roles, runs and kinds,
 * since a rollout keeps `boot` and goes on in `seq`. Signs of a second process under the name are noted beside.
 */
import { type Codec, f64, floats, nullable, str, struct } from './codec.ts';
import { isOtherTrack, newRivals, noteBoot, noteSign, type Rivals, rivalsCodec } from './rivals.ts';

/** Below the high mark, this many numbers are remembered one by one; older ones are taken for duplicates. */
export const SEQUENCE_WINDOW = 256;
/** Without `boot`: a number lower by this much, with a later time, is a restart. */
const RESTART_DROP = 1_000;
const WORD_BITS = 32;
const WORDS = SEQUENCE_WINDOW / WORD_BITS;
/** Times of the last numbers are remembered, so that another record of the same number is told from a repeat. */
const TIMES = 8;
/** A number that lies this far back may share its time with none of the last: one moment sends fewer records. */
const BURST = 64;

export interface Sequence {
  boot: string | null;
  high: number;
  highTimeMs: number;
  /** Ring of bits by seq mod SEQUENCE_WINDOW: seen or not, for the last SEQUENCE_WINDOW numbers up to `high`. */
  seen: Float64Array;
  /** The boot before this one, so that its stragglers are not taken for a restart. */
  previousBoot: string | null;
  /** Times of the last numbers, by seq mod TIMES; 0 = not known. */
  times: Float64Array;
  /** Signs of a second process; null while there was never anything to note. */
  rivals: Rivals | null;
}

export const sequenceCodec: Codec<Sequence> = struct<Sequence>({
  boot: nullable(str),
  high: f64,
  highTimeMs: f64,
  seen: floats,
  previousBoot: nullable(str),
  times: floats,
  rivals: nullable(rivalsCodec),
});

export function newSequence(boot: string | null): Sequence {
  return {
    boot,
    high: -1,
    highTimeMs: 0,
    seen: new Float64Array(WORDS),
    previousBoot: null,
    times: new Float64Array(TIMES),
    rivals: null,
  };
}

/** What one number says: `missing` numbers were skipped (negative: an earlier gap is filled). */
export type SequenceVerdict =
  | { readonly duplicate: true }
  | { readonly duplicate: false; readonly missing: number };

const DUPLICATE: SequenceVerdict = { duplicate: true };
const IN_ORDER: SequenceVerdict = { duplicate: false, missing: 0 };
const FILLS_GAP: SequenceVerdict = { duplicate: false, missing: -1 };

/** Notes one number; changes `s`. */
export function noteSequence(s: Sequence, boot: string | null, seq: number, timeMs: number): SequenceVerdict {
  noteRivals(s, boot, seq, timeMs);
  if (boot !== s.boot && s.high >= 0) {
    if (boot !== null && boot === s.previousBoot && timeMs <= s.highTimeMs) return DUPLICATE;
    restart(s, boot);
  } else if (boot === null && seq <= s.high - RESTART_DROP && timeMs > s.highTimeMs) {
    const high = s.high;
    restart(s, null);
    s.rivals ??= newRivals();
    s.rivals.trackHigh = high;
  }
  s.boot = boot;
  if (seq === s.high + 1) return advance(s, seq, timeMs, IN_ORDER);
  if (seq > s.high) {
    // The first boot ever seen of a source may have begun long before the log does: that is no loss.
    const unknownStart = s.high < 0 && s.previousBoot === null;
    const missing = unknownStart ? 0 : seq - s.high - 1;
    const from = Math.max(s.high + 1, seq - SEQUENCE_WINDOW + 1);
    for (let skipped = from; skipped < seq; skipped++) mark(s, skipped, unknownStart);
    return advance(s, seq, timeMs, missing === 0 ? IN_ORDER : { duplicate: false, missing });
  }
  if (seq <= s.high - SEQUENCE_WINDOW || isSeen(s, seq)) return DUPLICATE;
  mark(s, seq, true);
  if (seq > s.high - TIMES) s.times[seq % TIMES] = timeMs;
  return FILLS_GAP;
}

/** What the verdict cannot tell: whether one process alone can have sent all this. Changes nothing but the signs. */
function noteRivals(s: Sequence, boot: string | null, seq: number, timeMs: number): void {
  if (s.high < 0) return;
  if (boot !== s.boot) {
    s.rivals ??= newRivals();
    noteBoot(s.rivals, s.boot ?? '', boot ?? '', timeMs);
  } else if (contradicts(s, seq, timeMs)) {
    s.rivals ??= newRivals();
    noteSign(s.rivals, timeMs);
  }
}

/** Another record under a number, or a number far back at a time when later ones had been sent already. */
function contradicts(s: Sequence, seq: number, timeMs: number): boolean {
  if (seq > s.high) return s.boot === null && s.rivals !== null && isOtherTrack(s.rivals, s.high, seq);
  if (seq > s.high - TIMES) {
    const known = s.times[seq % TIMES]!;
    return known > 0 && known !== timeMs && isSeen(s, seq);
  }
  // Without boots a fall this deep is a restart, which is none.
  if (s.boot === null && seq <= s.high - RESTART_DROP && timeMs > s.highTimeMs) return false;
  return seq <= s.high - BURST ? timeMs >= s.highTimeMs : timeMs > s.highTimeMs;
}

function advance(s: Sequence, seq: number, timeMs: number, verdict: SequenceVerdict): SequenceVerdict {
  // Numbers in between are not known.
  for (let skipped = Math.max(s.high + 1, seq - TIMES + 1); skipped < seq; skipped++)
    s.times[skipped % TIMES] = 0;
  mark(s, seq, true);
  s.high = seq;
  s.times[seq % TIMES] = timeMs;
  if (timeMs > s.highTimeMs) s.highTimeMs = timeMs;
  return verdict;
}

function restart(s: Sequence, boot: string | null): void {
  s.previousBoot = s.boot ?? '';
  s.boot = boot;
  s.high = -1;
  s.seen.fill(0);
  s.times.fill(0);
}

function mark(s: Sequence, seq: number, seen: boolean): void {
  const bit = seq % SEQUENCE_WINDOW;
  const at = Math.floor(bit / WORD_BITS);
  const flag = 1 << (bit % WORD_BITS);
  s.seen[at] = seen ? (s.seen[at]! | flag) >>> 0 : (s.seen[at]! & ~flag) >>> 0;
}

function isSeen(s: Sequence, seq: number): boolean {
  const bit = seq % SEQUENCE_WINDOW;
  return (s.seen[Math.floor(bit / WORD_BITS)]! & (1 << (bit % WORD_BITS))) !== 0;
}
