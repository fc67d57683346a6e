import { LIMITS } from '../../core/limits.ts';
import type { SourceRecord } from '../../flow/ports.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();
/** One byte more than a message may have: decode refuses the line by its length, and the rest of it is never kept. */
const LINE_BYTES = LIMITS.messageBytes + 1;

export interface LineSplitter {
  /** Complete lines of this chunk, as views on it; only a line that began in an earlier chunk is a copy. */
  push(chunk: Uint8Array): SourceRecord[];
  /** The last line when no newline ends it. */
  end(): SourceRecord[];
  /** Lines passed so far, blank ones counted: the position of the next one. */
  lines(): number;
}

/** Cuts chunks into records, one a line; the position is the line number from 0. Lines before `start` are skipped. */
export function createLineSplitter(start: number): LineSplitter {
  let line = 0;
  let carried: Uint8Array[] = [];
  let carriedBytes = 0;

  function carry(part: Uint8Array): void {
    const kept = part.subarray(0, LINE_BYTES - carriedBytes);
    if (kept.length === 0) return;
    // A copy: the chunk belongs to the reader of the batch before, and a small view would hold all of it.
    carried.push(kept.slice());
    carriedBytes += kept.length;
  }

  function complete(part: Uint8Array): Uint8Array {
    if (carriedBytes === 0) return part.length > LINE_BYTES ? part.subarray(0, LINE_BYTES) : part;
    carry(part);
    const whole = Buffer.concat(carried);
    carried = [];
    carriedBytes = 0;
    return whole;
  }

  function take(part: Uint8Array, into: SourceRecord[]): void {
    const number = line++;
    const value = trim(complete(part), number === 0);
    if (number < start || value.length === 0) return;
    into.push({ position: BigInt(number), arrivedMs: null, key: null, value, headers: NO_HEADERS });
  }

  return {
    push(chunk) {
      const records: SourceRecord[] = [];
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        take(chunk.subarray(from, at), records);
        from = at + 1;
      }
      if (from < chunk.length) carry(chunk.subarray(from));
      return records;
    },
    end() {
      const records: SourceRecord[] = [];
      if (carriedBytes > 0) take(new Uint8Array(0), records);
      return records;
    },
    lines: () => line,
  };
}

/** Without the carriage return of Windows, the byte order mark of its editors, and whole if nothing but blanks. */
function trim(line: Uint8Array, first: boolean): Uint8Array {
  let from = 0;
  let to = line.length;
  if (first && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) from = 3;
  if (to > from && line[to - 1] === RETURN) to--;
  if (to === from || (line[from]! <= SPACE && isBlank(line, from, to))) return line.subarray(0, 0);
  return from === 0 && to === line.length ? line : line.subarray(from, to);
}

function isBlank(line: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (line[at] !== SPACE && line[at] !== 0x09) return false;
  return true;
}
