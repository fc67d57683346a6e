import { END_UNKNOWN, type LogIdentity, type SourceRecord, type StoredHeader } from './ports.ts';

/**
 * Where to begin reading a partition, from what is stored and what the log says of itself. Pure: the table of this
 * file decides, the worker acts. What must never happen here is a silent reset.
 */
export type Start = StartNew | StartKnown;
interface StartNew {
  readonly kind: 'new';
  readonly next: bigint;
}
interface StartKnown {
  /**
   * `resumed`: go on. `expired`: the log dropped records before they were read. `truncated`: the same log lost records
   * that were counted; the state keeps them. `recreated`: another log under the same name, or one that cannot be told
   * from it; the state is of no use.
   */
  readonly kind: 'resumed' | 'expired' | 'truncated' | 'recreated';
  readonly next: bigint;
  readonly stored: bigint;
}

export interface Fingerprint {
  readonly position: bigint;
  readonly hash: string;
}

/** Names of the facts that the flow keeps in a partition's header. */
export const FACTS = {
  clusterId: 'cluster',
  topicId: 'topic',
  /** Fingerprint of the last folded record. */
  last: 'last',
  /** Positions that the log dropped before they were read, since the state began. */
  lost: 'lost',
  configHash: 'config',
} as const;

export interface JudgeOptions {
  readonly header: StoredHeader;
  readonly log: LogIdentity;
  readonly startAt: 'earliest' | 'latest';
  /** The log was seen to hold another record where this fingerprint was taken. */
  readonly differs?: Fingerprint | null;
}

export function judgeStart({ header, log, startAt, differs = null }: JudgeOptions): Start {
  const stored = header.next;
  if (stored === null) {
    const isLatest = startAt === 'latest' && log.end !== END_UNKNOWN;
    return { kind: 'new', next: isLatest ? log.end : log.low };
  }
  const rewritten = differs !== null && header.facts.get(FACTS.last) === formatFingerprint(differs);
  const same = sameLog(
    {
      clusterId: header.facts.get(FACTS.clusterId) ?? null,
      topicId: header.facts.get(FACTS.topicId) ?? null,
    },
    log,
  );
  if (same === 'no') return { kind: 'recreated', next: log.low, stored };
  if (stored > log.end || rewritten) {
    if (same === 'unknown') return { kind: 'recreated', next: log.low, stored };
    return { kind: 'truncated', next: min(stored, log.end), stored };
  }
  if (stored < log.low) return { kind: 'expired', next: log.low, stored };
  return { kind: 'resumed', next: stored, stored };
}

export type LogName = Pick<LogIdentity, 'clusterId' | 'topicId'>;

/** A log that cannot name itself (a file, a client without topic ids) is recognized by its records alone. */
export function sameLog(known: LogName, log: LogName): 'yes' | 'no' | 'unknown' {
  if (known.clusterId !== null && log.clusterId !== null && known.clusterId !== log.clusterId) return 'no';
  if (known.topicId === null || log.topicId === null) return 'unknown';
  return known.topicId === log.topicId ? 'yes' : 'no';
}

const min = (a: bigint, b: bigint): bigint => (b < a ? b : a);

/** Two 32-bit FNV-1a lanes over value and time: for telling records apart, not against an adversary. */
export function fingerprint(record: SourceRecord): Fingerprint {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  const mix = (byte: number): void => {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x5bd1e995) ^ (b >>> 15);
  };
  const value = record.value ?? new Uint8Array(0);
  for (let i = 0; i < value.length; i += 1) mix(value[i]!);
  for (const char of String(record.arrivedMs)) mix(char.charCodeAt(0));
  const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
  return { position: record.position, hash: hex(a) + hex(b) };
}

export const formatFingerprint = ({ position, hash }: Fingerprint): string => `${position}:${hash}`;

export function parseFingerprint(text: string | undefined): Fingerprint | null {
  const match = /^(\d{1,20}):([0-9a-f]{16})$/.exec(text ?? '');
  return match === null ? null : { position: BigInt(match[1]!), hash: match[2]! };
}

export function parseLost(text: string | undefined): bigint {
  return /^\d{1,20}$/.test(text ?? '') ? BigInt(text!) : 0n;
}
