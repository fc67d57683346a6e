import { parseTime } from '../core/time.ts';

/**
 * Fills in what an event lacks to be told from a repeat: `source`, `boot`, `seq`. A `seq` is counted per (source, boot,
 * key), over all kinds, and only for events that were taken: a gap in it is loss.
 *
 * The two of them together must never name two events. So where the emitter sends one without the other:
 *
 * - `boot` without `seq`: our count ends with our process, theirs goes on. The boot becomes theirs and ours.
 * - `seq` without `boot`: their count may begin again while ours goes on. A `seq` that falls while time rises is a restart
 *   of the emitter, and a new boot; one that falls with its time is a repeat.
 */
export interface Stamper {
  /** The stamped bytes, or the line as it is when nothing is missing, or nothing of it can be read. */
  stamp(line: Uint8Array): Stamped;
}

export interface Stamped {
  readonly value: Uint8Array;
  /** To be called when the event was taken. */
  keep(): void;
}

export interface StamperOptions {
  readonly source: string;
  readonly boot: string;
  /** Most (source, boot, key) counted at once; beyond it all of them start again, under a new boot. */
  readonly countsMax?: number;
}

interface Count {
  seq: number;
  timeMs: number;
  restarts: number;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const ENCODER = new TextEncoder();
const BRACE = 0x7b;

export function createStamper({ source, boot, countsMax = 4_096 }: StamperOptions): Stamper {
  const counts = new Map<string, Count>();
  let clearings = 0;

  const bootNow = (restarts: number): string =>
    [boot, ...(clearings > 0 ? [`c${clearings}`] : []), ...(restarts > 0 ? [`r${restarts}`] : [])].join('.');

  return {
    stamp(line) {
      const event = parseObject(line);
      if (event === null || isEnveloped(event)) return asItIs(line);
      const missing: Record<string, string | number> = {};
      if (event.source === undefined) missing.source = source;
      if (event.boot !== undefined && event.seq !== undefined) return insert(line, event, missing, nothing);

      // Whatever is wrong with these is decode's to refuse; then nothing is kept.
      const { environment = 'default', model, time } = event;
      const key = JSON.stringify([event.source ?? source, event.boot, environment, model]);
      // A full table is cleared before the boot is read: what is stamped now already counts under the new one.
      if (!counts.has(key) && counts.size >= countsMax) {
        counts.clear();
        clearings += 1;
      }
      const last = counts.get(key) ?? { seq: -1, timeMs: Number.NEGATIVE_INFINITY, restarts: 0 };
      const timeMs = typeof time === 'string' ? parseTime(time) : Number.NaN;
      const seq = typeof event.seq === 'number' ? event.seq : last.seq + 1;
      const isRestart = event.seq !== undefined && seq <= last.seq && timeMs > last.timeMs;
      const restarts = last.restarts + (isRestart ? 1 : 0);

      if (event.seq === undefined) missing.seq = seq;
      if (event.boot === undefined) missing.boot = bootNow(restarts);
      else if (typeof event.boot === 'string') missing.boot = `${event.boot}.${bootNow(restarts)}`;
      return insert(line, event, missing, () =>
        counts.set(key, {
          seq: isRestart ? seq : Math.max(seq, last.seq),
          timeMs: Math.max(timeMs, last.timeMs),
          restarts,
        }),
      );
    },
  };
}

const nothing = (): void => {};
const asItIs = (line: Uint8Array): Stamped => ({ value: line, keep: nothing });

type JsonObject = Record<string, unknown>;

function parseObject(line: Uint8Array): JsonObject | null {
  try {
    const value: unknown = JSON.parse(UTF8.decode(line));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : null;
  } catch {
    // No JSON: decode says what is wrong with it.
    return null;
  }
}

/** A CloudEvents envelope: it carries the event as `data`, stamped by whoever wrapped it. */
const isEnveloped = (event: JsonObject): boolean =>
  event.specversion !== undefined && event.v === undefined && event.kind === undefined;

/**
 * Writes the fields in front of the others: cheaper than writing the whole event again, and numbers stay as they were.
 * Of a key that comes twice JSON keeps the last, so a `boot` that is there has to be replaced in the object.
 */
function insert(
  line: Uint8Array,
  event: JsonObject,
  fields: Readonly<Record<string, string | number>>,
  keep: () => void,
): Stamped {
  const isEmpty = Object.keys(event).length === 0;
  if (Object.keys(fields).length === 0 || isEmpty) return { value: line, keep };
  if (event.boot !== undefined && fields.boot !== undefined)
    return { value: ENCODER.encode(JSON.stringify({ ...event, ...fields })), keep };
  const head = ENCODER.encode(`${JSON.stringify(fields).slice(0, -1)},`);
  const rest = line.subarray(line.indexOf(BRACE) + 1);
  const value = new Uint8Array(head.length + rest.length);
  value.set(head);
  value.set(rest, head.length);
  return { value, keep };
}
