import { BATCH_RECORDS_MAX, refusedText } from '../kafka/codecs.ts';

const HEAD_BYTES = 61;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const MAGIC = 2;
const COUNT_AT = 57;

/**
 * As many records as the batch says it has, each without key and headers and with a value that is no event. kafkajs
 * hands its codecs a view into the batch, whose head stands before it and has the number.
 */
export function refusedRecords(compressed: Buffer, error: unknown): Buffer {
  const count = recordCount(compressed);
  if (count === null || count > BATCH_RECORDS_MAX) throw error;
  const text = refusedText(error);
  const parts: Buffer[] = [];
  for (let at = 0; at < count; at++) {
    const [attributes, timestamp, headers] = [Buffer.of(0), Buffer.of(0), Buffer.of(0)];
    const body = [attributes, timestamp, varint(at), varint(-1), varint(text.length), text, headers];
    const record = Buffer.concat(body);
    parts.push(varint(record.length), record);
  }
  return Buffer.concat(parts);
}

function recordCount(compressed: Buffer): number | null {
  if (compressed.byteOffset < HEAD_BYTES) return null;
  const head = Buffer.from(compressed.buffer, compressed.byteOffset - HEAD_BYTES, HEAD_BYTES);
  const length = HEAD_BYTES - LENGTH_AT - 4 + compressed.length;
  return head[MAGIC_AT] === MAGIC && head.readInt32BE(LENGTH_AT) === length
    ? head.readInt32BE(COUNT_AT)
    : null;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
