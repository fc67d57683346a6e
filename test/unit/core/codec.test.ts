/** Bytes of state: what is written is read again, and nothing else is read, whatever the bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as c from '../../../agent/core/codec.ts';

interface Everything {
  u8: number;
  uint: number;
  f64: number;
  bool: boolean;
  str: string;
  word: 'one' | 'two';
  floats: Float64Array;
  bytes: Uint8Array;
  maybe: string | null;
  list: string[];
  map: Map<string, number | null>;
}

const WORDS = ['one', 'two'] as const;
const everything = c.struct<Everything>({
  u8: c.u8,
  uint: c.uint,
  f64: c.f64,
  bool: c.bool,
  str: c.str,
  word: c.word(WORDS),
  floats: c.floats,
  bytes: c.bytes,
  maybe: c.nullable(c.str),
  list: c.list(c.str),
  map: c.map(c.nullable(c.f64)),
});

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const f64 = fc.double();
const values: { readonly [K in keyof Everything]: fc.Arbitrary<Everything[K]> } = {
  u8: fc.nat(255),
  uint: fc.maxSafeNat(),
  f64,
  bool: fc.boolean(),
  str: text,
  word: fc.constantFrom(...WORDS),
  floats: fc.array(f64, { maxLength: 8 }).map((list) => Float64Array.from(list)),
  bytes: fc.uint8Array({ maxLength: 12 }),
  maybe: fc.option(text),
  list: fc.array(text, { maxLength: 6 }),
  map: fc.array(fc.tuple(text, fc.option(f64)), { maxLength: 6 }).map((entries) => new Map(entries)),
};
const value = fc.record<Everything>(values);

const read = (bytes: Uint8Array): Everything | 'refused' => {
  try {
    return c.decodeBytes(everything, bytes);
  } catch (error) {
    if (error instanceof c.CodecError) return 'refused';
    throw error;
  }
};

describe('codec', () => {
  it('reads what it wrote, to the bit', () => {
    fc.assert(
      fc.property(value, (written) => {
        expect(c.decodeBytes(everything, c.encode(everything, written))).toEqual(written);
      }),
    );
  });

  it.each([0, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER])(
    'reads the integer %d again',
    (n) => {
      expect(c.decodeBytes(c.uint, c.encode(c.uint, n))).toBe(n);
    },
  );

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('does not write %d as an integer', (n) => {
    expect(() => c.encode(c.uint, n)).toThrow(c.CodecError);
  });

  it('does not write a word that is none of the list', () => {
    expect(() => c.encode(c.word(WORDS), 'three' as never)).toThrow(c.CodecError);
  });

  it('writes equal maps as equal bytes, in whatever order they were filled', () => {
    fc.assert(
      fc.property(values.map, (map) => {
        const codec = c.map(c.nullable(c.f64));
        const turned = new Map([...map].reverse());
        expect(c.encode(codec, turned)).toEqual(c.encode(codec, map));
      }),
    );
  });

  it('refuses bytes that end early at any place, or go on', () => {
    fc.assert(
      fc.property(value, fc.nat(), (written, cut) => {
        const bytes = c.encode(everything, written);
        expect(read(bytes.subarray(0, cut % bytes.length))).toBe('refused');
        expect(read(Uint8Array.of(...bytes, 0))).toBe('refused');
      }),
      { numRuns: 300 },
    );
  });

  it('reads flipped and random bytes as some value or refuses them, and throws nothing else', () => {
    fc.assert(
      fc.property(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }), (written, flips) => {
        const bytes = c.encode(everything, written);
        for (const [at, byte] of flips) bytes[at % bytes.length] = byte;
        read(bytes);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void read(bytes)),
      { numRuns: 500 },
    );
  });

  it.each([
    ['floats', c.floats],
    ['bytes', c.bytes],
    ['text', c.str],
    ['a list', c.list(c.u8)],
    ['a list of lists', c.list(c.list(c.f64))],
    ['a map', c.map(c.f64)],
  ])('refuses %s of a length beyond what is left before it allocates', (_, codec) => {
    for (const claimed of [2, 1_000, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const writer = new c.Writer();
      writer.uint(claimed);
      writer.u8(1);
      const before = process.memoryUsage().arrayBuffers;
      expect(() => c.decodeBytes<unknown>(codec, writer.finish())).toThrow(c.CodecError);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    }
  });

  it('refuses an integer that never ends, and one beyond what a double holds', () => {
    expect(() => c.decodeBytes(c.uint, new Uint8Array(40).fill(0xff))).toThrow(c.CodecError);
    expect(() => c.decodeBytes(c.uint, Uint8Array.of(...new Array(7).fill(0xff), 0x7f))).toThrow(
      c.CodecError,
    );
  });

  it.each(['', 'null', '[1]', '"{}"', '{', '{"a":NaN}'])(
    'refuses %j where a JSON object is stored',
    (text) => {
      expect(() => c.decodeBytes(c.jsonObject, c.encode(c.str, text))).toThrow(c.CodecError);
    },
  );

  it('keeps the text of a JSON object as it is', () => {
    const text = '{"b":1, "a":[null]}';
    expect(c.decodeBytes(c.jsonObject, c.encode(c.jsonObject, text))).toBe(text);
  });

  it('refuses text that is not UTF-8', () => {
    expect(() => c.decodeBytes(c.str, Uint8Array.of(2, 0xc3, 0x28))).toThrow(c.CodecError);
  });

  it('writes each byte where its buffer ends and grows', () => {
    for (let before = 1_000; before < 1_050; before++) {
      const values = [...Array.from({ length: before }, () => 7), 5, 6];
      expect(c.decodeBytes(c.list(c.u8), c.encode(c.list(c.u8), values))).toEqual(values);
    }
  });

  it('loses nothing where its buffer grows, whatever is written there', () => {
    const kinds = [
      c.struct<{ fill: Uint8Array; at: number }>({ fill: c.bytes, at: c.u8 }),
      c.struct<{ fill: Uint8Array; at: number }>({ fill: c.bytes, at: c.uint }),
      c.struct<{ fill: Uint8Array; at: number }>({ fill: c.bytes, at: c.f64 }),
    ];
    for (const codec of kinds) {
      for (let length = 1_000; length < 1_040; length++) {
        const written = { fill: new Uint8Array(length).fill(7), at: 201 };
        expect(c.decodeBytes(codec, c.encode(codec, written))).toEqual(written);
      }
    }
    const long = new Float64Array(5_000).map((_, i) => i / 7);
    expect(c.decodeBytes(c.floats, c.encode(c.floats, long))).toEqual(long);
    const many = Array.from({ length: 70_000 }, (_, i) => (i % 255) + 1);
    expect(c.decodeBytes(c.list(c.u8), c.encode(c.list(c.u8), many))).toEqual(many);
  });

  it('reads a part of a larger buffer', () => {
    const bytes = c.encode(c.f64, Math.PI);
    const padded = Uint8Array.of(9, 9, 9, ...bytes, 9);
    expect(c.decodeBytes(c.f64, padded.subarray(3, 11))).toBe(Math.PI);
  });
});

it('names are ordered by code unit, the same on every machine', () => {
  expect(['b', 'ä', 'a', 'B', 'aa', ''].sort(c.byName)).toEqual(['', 'B', 'a', 'aa', 'b', 'ä']);
  expect(c.byName('a', 'a')).toBe(0);
});
