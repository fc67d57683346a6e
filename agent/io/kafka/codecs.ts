/**
 * The four codecs of Kafka with a bound on what they inflate to: neither client has one, and one compressed megabyte
 * can hold gigabytes. Each client puts records that decode refuses in the place of a batch over the bound, so that it is
 * counted and the partition goes on behind it.
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils';
import type { Compression } from './options.ts';

export type Codec = Exclude<Compression, 'none'>;

/** What one record batch may inflate to. */
export const INFLATED_BYTES_MAX = 64 * 1024 * 1024;
/** Tiny records: 64 MiB of them would be millions of objects. */
export const BATCH_RECORDS_MAX = 200_000;

const tooLarge = (codec: Codec): Error =>
  new Error(`a ${codec} batch holds more than ${INFLATED_BYTES_MAX} bytes`);

export function compress(codec: Codec, bytes: Buffer): Buffer {
  switch (codec) {
    case 'gzip':
      return gzipSync(bytes);
    case 'zstd':
      // The least level: telemetry gains little from more, and the model's machine pays for it.
      return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    case 'lz4':
      return lz4Compress(bytes);
    case 'snappy':
      return snappyCompress(bytes);
  }
}

export function decompress(codec: Codec, bytes: Buffer): Buffer {
  switch (codec) {
    case 'gzip':
      return bounded(codec, () => gunzipSync(bytes, { maxOutputLength: INFLATED_BYTES_MAX }));
    case 'zstd':
      return bounded(codec, () => zstdDecompressSync(bytes, { maxOutputLength: INFLATED_BYTES_MAX }));
    case 'lz4':
      if (lz4BytesMost(bytes) > INFLATED_BYTES_MAX) throw tooLarge(codec);
      return lz4Decompress(bytes);
    case 'snappy':
      return snappyBlocks(bytes);
  }
}

function bounded(codec: Codec, inflate: () => Buffer): Buffer {
  try {
    return inflate();
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(codec) : error;
  }
}

const LZ4_MAGIC = 0x184d2204;

/**
 * Upper bound of what an LZ4 frame inflates to: its blocks, each as large as the frame allows, without inflating. Throws
 * when it is no frame or its blocks do not end in an end mark: the decoder would take that for an empty one.
 */
function lz4BytesMost(bytes: Buffer): number {
  const isFrame = bytes.length >= 7 && bytes.readUInt32LE(0) === LZ4_MAGIC;
  const flags = bytes[4] ?? 0;
  const blockMost = 1 << (8 + 2 * (((bytes[5] ?? 0) >> 4) & 7));
  const checksum = flags & 0x10 ? 4 : 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  let most = 0;
  while (isFrame && at + 4 <= bytes.length) {
    const size = bytes.readUInt32LE(at) & 0x7fffffff;
    if (size === 0) return most;
    most += Math.min(blockMost, size * 255);
    at += 4 + size + checksum;
  }
  throw new Error('an lz4 batch is broken or cut off');
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEAD_BYTES = 16;

/** Java's clients frame snappy in blocks (xerial), others send it bare. */
function snappyBlocks(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) {
    if (snappyBytes(bytes) > INFLATED_BYTES_MAX) throw tooLarge('snappy');
    return snappyDecompress(bytes);
  }
  const parts: Buffer[] = [];
  let total = 0;
  for (let at = XERIAL_HEAD_BYTES; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    const block = bytes.subarray(at + 4, at + 4 + size);
    total += snappyBytes(block);
    if (total > INFLATED_BYTES_MAX) throw tooLarge('snappy');
    parts.push(snappyDecompress(block));
    at += 4 + size;
  }
  return Buffer.concat(parts);
}

/** The inflated size that a snappy block states of itself at its beginning. */
function snappyBytes(block: Buffer): number {
  let size = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at];
    if (byte === undefined) throw new Error('a snappy block ends in its own length');
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return size;
  }
  throw new Error('the length of a snappy block is no number');
}

/** Inflates what stands behind the head of a record batch; throws when that is broken or beyond the bounds. */
export function inflateRecords(codec: Codec, bytes: Buffer): Buffer {
  const inflated = decompress(codec, bytes);
  if (hasMoreRecords(inflated, BATCH_RECORDS_MAX))
    throw new Error(`a ${codec} batch holds more than ${BATCH_RECORDS_MAX} records`);
  return inflated;
}

/** Each record begins with its length. */
function hasMoreRecords(inflated: Buffer, most: number): boolean {
  let at = 0;
  for (let count = 0; at < inflated.length; count++) {
    if (count === most) return true;
    let raw = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = inflated[at++] ?? 0;
      raw |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80 && shift < 32);
    // A length below zero is nonsense that the client is to find.
    at += Math.max(0, (raw >>> 1) ^ -(raw & 1));
  }
  return false;
}

/** What stands in the place of each record of a batch that was refused: a text that decode refuses and counts. */
export const refusedText = (error: unknown): Buffer =>
  Buffer.from(`normwatch refused the batch: ${(error as Error).message}`);
