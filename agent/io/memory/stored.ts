/**
 * What all stores have in common: the rule of a commit, the caps, and the reading of values that come back from
 * outside. The rule stands here once for memory and disk; Redis has to say it in Lua (`redis/scripts.ts`), and the
 * contract suite holds the two to the same answers.
 */
import { failure, type NormwatchError } from '../../errors.ts';
import type { CommitRequest } from '../../flow/ports.ts';

export type StoreKind = 'memory' | 'disk' | 'redis';

/** What is stored cannot be what this program wrote: asking again would not mend it. */
export const unfit = (store: StoreKind, detail: string): NormwatchError =>
  failure('store_unfit', { store, detail });

export interface StoreLimits {
  /** Most bytes of one field; it also bounds the facts of the header. */
  readonly fieldBytesMax: number;
  readonly fieldsMax: number;
  /** Most bytes of all fields of a partition together, names included. */
  readonly partitionBytesMax: number;
}

export const STORE_LIMITS: StoreLimits = {
  fieldBytesMax: 16 * 1024 * 1024,
  fieldsMax: 100_000,
  partitionBytesMax: 128 * 1024 * 1024,
};

export interface StoredPosition {
  readonly epoch: bigint;
  readonly next: bigint | null;
  readonly commitId: string;
}

/** `repeat`: this very commit is the last one written, its reply was lost. */
export function judgeCommit(stored: StoredPosition, request: CommitRequest): 'write' | 'repeat' | 'refuse' {
  if (stored.commitId === request.commitId && stored.next === request.next) return 'repeat';
  return stored.epoch === request.epoch && stored.next === request.expected ? 'write' : 'refuse';
}

/** Refuses what no store could give back: a mistake of the caller, so it throws a RangeError and is never retried. */
export function checkCommit(request: CommitRequest, limits: StoreLimits): void {
  const bad = (what: string): never => {
    throw new RangeError(`commit refused: ${what}`);
  };
  if (request.commitId === '') bad('commitId is empty');
  if (request.epoch < 0n || request.next < 0n || (request.expected ?? 0n) < 0n) bad('a position is negative');
  if (request.set.size > limits.fieldsMax) bad(`more than ${limits.fieldsMax} fields`);
  for (const [name, value] of request.set) {
    if (name === '' || !name.isWellFormed()) bad('a field name is empty or no valid Unicode');
    if (value.byteLength > limits.fieldBytesMax)
      bad(`field "${name}" has ${value.byteLength} bytes, at most ${limits.fieldBytesMax} are kept`);
  }
}

const DECIMAL = /^(0|[1-9][0-9]{0,18})$/;

/** Reads a position that was stored as text; numbers would lose exactness above 2^53. */
export function parsePosition(store: StoreKind, what: string, text: string): bigint {
  if (!DECIMAL.test(text)) throw unfit(store, `the stored ${what} is no whole number`);
  return BigInt(text);
}

export const encodeFacts = (facts: ReadonlyMap<string, string>): string => JSON.stringify([...facts]);

export function decodeFacts(store: StoreKind, text: string): Map<string, string> {
  let pairs: unknown;
  try {
    pairs = JSON.parse(text);
  } catch {
    throw unfit(store, 'the stored facts are no JSON');
  }
  const isFact = (pair: unknown): pair is [string, string] =>
    Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string';
  if (!Array.isArray(pairs) || !pairs.every(isFact))
    throw unfit(store, 'the stored facts are no list of pairs');
  return new Map(pairs);
}

/** Adds up what a partition holds while it is read, and stops the reading at the caps. */
export function sizeGuard(
  store: StoreKind,
  partition: string,
  limits: StoreLimits,
): (name: string, bytes: number) => void {
  let fields = 0;
  let total = 0;
  return (name, bytes) => {
    fields += 1;
    total += name.length + bytes;
    if (bytes > limits.fieldBytesMax || total > limits.partitionBytesMax || fields > limits.fieldsMax)
      throw unfit(store, `what is stored for ${partition} is larger than any state this program writes`);
  };
}
