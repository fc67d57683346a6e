import type { fetchV17, KafkaRecord, RecordsBatch } from '@platformatic/kafka';
import type { SourceRecord } from '../../flow/ports.ts';
import { addHeader, NO_HEADERS } from '../kafka/headers.ts';

const TIMESTAMP_OF_APPEND = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
/** Version and type of a control record's key: the type 0 is an abort. */
const ABORT_AT = 2;

export type FetchResponse = fetchV17.FetchResponse;
export type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

/**
 * Records from `from` on, and the position behind the answer. The client lets records of an aborted transaction
 * through when its end is in a later answer, or when a producer aborted twice; so they are left out here.
 */
export function readPartition(
  { records: batches, abortedTransactions }: FetchedPartition,
  from: bigint,
): { records: SourceRecord[]; next: bigint } {
  const aborts = [...(abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  const records: SourceRecord[] = [];
  let next = from;
  for (const batch of batches ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    if (last >= next) next = last + 1n;
    while (aborts[0] !== undefined && aborts[0].firstOffset <= last) aborting.add(aborts.shift()!.producerId);
    if ((batch.attributes & CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(ABORT_AT) === 0) aborting.delete(batch.producerId);
    } else if ((batch.attributes & TRANSACTIONAL) === 0 || !aborting.has(batch.producerId)) {
      addRecords(batch, from, records);
    }
  }
  return { records, next };
}

function addRecords(batch: RecordsBatch, from: bigint, into: SourceRecord[]): void {
  const first = Number(batch.firstTimestamp);
  const appended = (batch.attributes & TIMESTAMP_OF_APPEND) !== 0 ? Number(batch.maxTimestamp) : null;
  for (const record of batch.records) {
    const position = batch.firstOffset + BigInt(record.offsetDelta);
    if (position < from) continue;
    const arrivedMs = appended ?? first + Number(record.timestampDelta);
    into.push({
      position,
      arrivedMs: arrivedMs >= 0 ? arrivedMs : null,
      key: record.key,
      value: record.value,
      headers: record.headers.length === 0 ? NO_HEADERS : toHeaders(record.headers),
    });
  }
}

function toHeaders(headers: KafkaRecord['headers']): ReadonlyMap<string, Uint8Array> {
  const map = new Map<string, Uint8Array>();
  for (const [name, value] of headers)
    if (name !== null && value !== null) addHeader(map, name.toString(), value);
  return map;
}
