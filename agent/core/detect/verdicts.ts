/**
 * Verdicts of exact detectors, held from one measurement to the next: a probe runs now and then, what it showed stays true
 * meanwhile. One row per subject (a probe, a layer) and source, under a key that also names the place that is off.
 */
import { byName } from '../codec.ts';
import type { DetectorState, TickContext } from './contract.ts';

/** What was found off; `cause` is its place in the detector's list, `numbers` are the detector's own (NaN: none). */
export interface Finding {
  /** Layer and site, or whatever the detector calls it; one line, not empty. */
  readonly place: string;
  /** In forward order: the least is the origin. */
  readonly order: number;
  readonly cause: number;
  readonly confidence: number;
  readonly effect: number;
  readonly numbers: readonly number[];
}

export interface Held extends Finding {
  readonly subject: string;
  readonly source: string;
  readonly sinceMs: number;
}

const HEARD_MS = 0;
const SINCE_MS = 1;
const ORDER = 2;
const CAUSE = 3;
const CONFIDENCE = 4;
const EFFECT = 5;
const NUMBERS = 6;

/** Rows of one stream. Beyond, only those that are off are taken in. */
const ROWS_MAX = 2_048;
/** A source that is gone has no say after this long; a measurement that is never repeated not after a day. */
const GONE_MS = 600_000;
const STALE_MS = 86_400_000;

/** The parts of a key; rows of other keys are the detector's own. */
const MARK = 'verdict';
const keyOf = (subject: string, source: string, place: string): string =>
  `${MARK}\n${subject}\n${source}\n${place}`;

function partsOf(key: string): [subject: string, source: string, place: string] | null {
  const [mark, subject, source, ...place] = key.split('\n');
  return mark !== MARK || subject === undefined || source === undefined
    ? null
    : [subject, source, place.join('\n')];
}

/** What this tick showed of each subject and source; null = nothing is off. */
export function noteVerdicts(
  { named }: DetectorState,
  { tick }: TickContext,
  verdicts: readonly { subject: string; source: string; finding: Finding | null }[],
): void {
  if (verdicts.length === 0) return;
  const known = new Map<string, string>();
  for (const key of named.keys()) {
    const parts = partsOf(key);
    if (parts !== null) known.set(`${parts[0]}\n${parts[1]}`, key);
  }
  for (const { subject, source, finding } of verdicts) {
    const before = known.get(`${subject}\n${source}`);
    const row = before === undefined ? undefined : named.get(before);
    const wasOff = before !== undefined && partsOf(before)![2] !== '';
    if (before !== undefined) named.delete(before);
    else if (named.size >= ROWS_MAX && (finding === null || named.size >= 2 * ROWS_MAX)) continue;
    const sinceMs = wasOff && row !== undefined ? row[SINCE_MS]! : tick.startMs;
    const { order = 0, cause = 0, confidence = 0, effect = 0, numbers = [] } = finding ?? {};
    named.set(
      keyOf(subject, source, finding?.place ?? ''),
      Float64Array.of(tick.endMs, sinceMs, order, cause, confidence, effect, ...numbers),
    );
  }
}

export function forgetVerdicts({ named }: DetectorState, { tick, sources }: TickContext): void {
  if (named.size === 0) return;
  const here = new Set(sources.map(({ source }) => source));
  for (const [key, row] of named) {
    const parts = partsOf(key);
    if (parts === null) continue;
    const ageMs = tick.endMs - row[HEARD_MS]!;
    if (ageMs > (here.has(parts[1]) ? STALE_MS : GONE_MS)) named.delete(key);
  }
}

/**
 * The origin among all that is off (of equals the surest), and whom it is about: nobody by name when all that were
 * measured are off. Null when nothing is.
 */
export function originOfVerdicts({ named }: DetectorState): { origin: Held; sources: string[] } | null {
  let origin: Held | null = null;
  const seen = new Set<string>();
  const off = new Set<string>();
  for (const [key, row] of named) {
    const parts = partsOf(key);
    if (parts === null) continue;
    const [subject, source, place] = parts;
    seen.add(source);
    if (place === '') continue;
    off.add(source);
    const held = heldOf(subject, source, place, row);
    if (origin === null || isBefore(held, origin)) origin = held;
  }
  if (origin === null) return null;
  return { origin, sources: off.size === seen.size ? [] : [...off].sort(byName) };
}

const heldOf = (subject: string, source: string, place: string, row: Float64Array): Held => ({
  subject,
  source,
  place,
  sinceMs: row[SINCE_MS]!,
  order: row[ORDER]!,
  cause: row[CAUSE]!,
  confidence: row[CONFIDENCE]!,
  effect: row[EFFECT]!,
  numbers: [...row.subarray(NUMBERS)],
});

const isBefore = (a: Held, b: Held): boolean =>
  (a.order - b.order ||
    b.confidence - a.confidence ||
    byName(a.subject, b.subject) ||
    byName(a.source, b.source)) < 0;

/** Keys of sums with a prefix. Most ticks have none, so nothing is copied. */
export function keysWith(sums: ReadonlyMap<string, Float64Array>, prefix: string): string[] {
  const keys: string[] = [];
  for (const key of sums.keys()) if (key.startsWith(prefix)) keys.push(key);
  return keys;
}
