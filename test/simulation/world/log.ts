import type { LogIdentity, SourceRecord } from '../../../agent/flow/ports.ts';

/** A record and the id that the oracle minted for it. */
export interface LogRecord extends SourceRecord {
  readonly id: number;
}

export interface Fetched {
  readonly records: readonly LogRecord[];
  readonly next: bigint;
  readonly end: bigint;
}

/** One partition of a broker: positions only rise, with gaps; what is old goes; it can be cut or created again. */
export interface PartitionLog {
  readonly records: readonly LogRecord[];
  readonly low: bigint;
  readonly end: bigint;
  /** Moves when the log is created again. A client that still fetches from the old one gets an error. */
  readonly incarnation: number;
  append(id: number, atMs: number, gap: number): LogRecord;
  /** Retention: everything before `low` is gone. */
  expire(low: bigint): void;
  /** An unclean election: everything from `end` on is gone. */
  truncate(end: bigint): void;
  recreate(): void;
  fetch(position: bigint, recordsMax: number): Fetched | 'out_of_range';
  identify(): LogIdentity;
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** `isNamed`: the client can tell the topic's id (kafkajs cannot). */
export function createPartitionLog(isNamed: boolean): PartitionLog {
  let incarnation = 1;
  let records: LogRecord[] = [];
  let low = 0n;
  let end = 0n;
  return {
    get records() {
      return records;
    },
    get low() {
      return low;
    },
    get end() {
      return end;
    },
    get incarnation() {
      return incarnation;
    },
    append(id, atMs, gap) {
      const record: LogRecord = {
        id,
        position: end + BigInt(gap),
        arrivedMs: atMs,
        key: null,
        value: new TextEncoder().encode(JSON.stringify({ id })),
        headers: NO_HEADERS,
      };
      records.push(record);
      end = record.position + 1n;
      return record;
    },
    expire(to) {
      low = to;
      records = records.filter((record) => record.position >= to);
    },
    truncate(to) {
      end = to;
      records = records.filter((record) => record.position < to);
    },
    recreate() {
      incarnation += 1;
      records = [];
      low = 0n;
      end = 0n;
    },
    fetch(position, recordsMax) {
      if (position < low || position > end) return 'out_of_range';
      const found = records.filter((record) => record.position >= position).slice(0, recordsMax);
      const last = found.at(-1);
      return { records: found, next: last === undefined ? end : last.position + 1n, end };
    },
    identify: () => ({ clusterId: 'c', topicId: isNamed ? `topic-${incarnation}` : null, low, end }),
  };
}
