/** Every codec gives back what went in, bounds what comes out, and survives bytes that are none of its own. */
import { randomBytes } from 'node:crypto';
import { snappyCompress } from '@platformatic/wasm-utils';
import { describe, expect, it } from 'vitest';
import {
  BATCH_RECORDS_MAX,
  compress,
  decompress,
  INFLATED_BYTES_MAX,
  inflateRecords,
} from '../../agent/io/kafka/codecs.ts';
import { refusedRecords as refusedOfKafkajs } from '../../agent/io/kafkajs/refused.ts';

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
const text = Buffer.from(Array.from({ length: 3_000 }, (_, i) => `{"mean":${Math.sin(i)}}`).join('\n'));

for (const codec of CODECS) {
  describe(codec, () => {
    it('gives back text, random bytes, one byte and nothing', () => {
      for (const bytes of [text, randomBytes(300_000), Buffer.from('x'), Buffer.alloc(0)])
        expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true);
    });

    it('gives back as much as the bound and refuses one byte more', () => {
      const most = Buffer.alloc(INFLATED_BYTES_MAX);
      expect(decompress(codec, compress(codec, most)).length).toBe(INFLATED_BYTES_MAX);
      // The blocks of LZ4 say only how much they may be: a few are let through.
      const over = Buffer.alloc(INFLATED_BYTES_MAX + (codec === 'lz4' ? 8 * 1024 * 1024 : 1));
      expect(() => decompress(codec, compress(codec, over))).toThrow(/holds more than 67108864 bytes/);
    });

    it('throws on garbage and on a cut-off batch, and works afterwards', () => {
      const whole = compress(codec, text);
      const broken = [
        randomBytes(500),
        Buffer.alloc(0),
        Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff),
        whole.subarray(0, 100),
      ];
      for (const bytes of broken) expect(() => decompress(codec, bytes)).toThrow();
      for (let at = 0; at < whole.length; at += 97) {
        const flipped = Buffer.from(whole);
        flipped[at]! ^= 0x55;
        try {
          decompress(codec, flipped);
        } catch {
          // Broken or not, it must come back.
        }
      }
      expect(decompress(codec, whole).equals(text)).toBe(true);
    });
  });
}

it('reads the blocks of Java clients (xerial), each of them bounded', () => {
  const frame = (blocks: Buffer[]) => {
    const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const sized = blocks.flatMap((block) => {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(block.length);
      return [size, block];
    });
    return Buffer.concat([head, ...sized]);
  };
  const blocks = [text.subarray(0, 1_000), text.subarray(1_000)].map((part) => snappyCompress(part));
  expect(decompress('snappy', frame(blocks)).equals(text)).toBe(true);
  const large = snappyCompress(Buffer.alloc(INFLATED_BYTES_MAX / 2 + 1));
  expect(() => decompress('snappy', frame([large, large]))).toThrow(/holds more/);
});

it('refuses a batch of more tiny records than are taken', () => {
  const record = Buffer.from([12, 0, 0, 0, 1, 1, 0]); // six bytes: no key, no value, no headers
  const of = (count: number) => compress('zstd', Buffer.alloc(count * record.length, record));
  expect(inflateRecords('zstd', of(BATCH_RECORDS_MAX)).length).toBe(BATCH_RECORDS_MAX * record.length);
  expect(() => inflateRecords('zstd', of(BATCH_RECORDS_MAX + 1))).toThrow(/more than 200000 records/);
});

it('stays stuck on a refused batch whose number of records nothing tells', () => {
  const error = new Error('broken');
  expect(() => refusedOfKafkajs(Buffer.from('no batch around it'), error)).toThrow(error);
});
