/**
 * Binary encoding of state: small combinators that give writer and reader from one declaration, so that the two cannot
 * drift apart. Maps are written in key order, so equal states are equal bytes. What is read back is untrusted (Redis):
 * every length is checked against what is left before anything is allocated.
 */

export class CodecError extends Error {
  override name = 'CodecError';
}

export interface Codec<T> {
  write(w: Writer, value: T): void;
  read(r: Reader): T;
}

export class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #room(extra: number): number {
    const at = this.#length;
    if (at + extra > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + extra));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = at + extra;
    return at;
  }

  u8(value: number): void {
    // Room first: it may replace the buffer, and the left side of an assignment is looked up before the right.
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  f64(value: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, value, true);
  }

  /** Unsigned LEB128; exact up to 2^53. */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new CodecError(`not an unsigned integer: ${value}`);
    let rest = value;
    while (rest >= 128) {
      this.u8((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.u8(rest);
  }

  bytes(value: Uint8Array): void {
    this.uint(value.length);
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  floats(value: Float64Array): void {
    this.uint(value.length);
    for (const number of value) this.f64(number);
  }

  floats32(value: Float32Array): void {
    this.uint(value.length);
    for (const number of value) {
      const at = this.#room(4);
      this.#view.setFloat32(at, number, true);
    }
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    if (count > this.left) throw new CodecError('state ends early');
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
      if (scale > 2 ** 53) throw new CodecError('integer too long');
    }
    if (!Number.isSafeInteger(value)) throw new CodecError('integer too large');
    return value;
  }

  /** A count of items of at least `leastBytes` each. */
  count(leastBytes = 1): number {
    const count = this.uint();
    if (count * leastBytes > this.left) throw new CodecError('count exceeds what is left');
    return count;
  }

  bytes(): Uint8Array {
    const length = this.count();
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  floats(): Float64Array {
    const length = this.count(8);
    const value = new Float64Array(length);
    for (let i = 0; i < length; i++) value[i] = this.f64();
    return value;
  }

  floats32(): Float32Array {
    const length = this.count(4);
    const value = new Float32Array(length);
    for (let i = 0; i < length; i++) value[i] = this.#view.getFloat32(this.#take(4), true);
    return value;
  }
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

export const u8: Codec<number> = { write: (w, v) => w.u8(v), read: (r) => r.u8() };
export const uint: Codec<number> = { write: (w, v) => w.uint(v), read: (r) => r.uint() };
export const f64: Codec<number> = { write: (w, v) => w.f64(v), read: (r) => r.f64() };
export const bool: Codec<boolean> = { write: (w, v) => w.u8(v ? 1 : 0), read: (r) => r.u8() === 1 };
export const floats: Codec<Float64Array> = { write: (w, v) => w.floats(v), read: (r) => r.floats() };
export const floats32: Codec<Float32Array> = { write: (w, v) => w.floats32(v), read: (r) => r.floats32() };
export const bytes: Codec<Uint8Array> = { write: (w, v) => w.bytes(v), read: (r) => r.bytes() };
export const str: Codec<string> = {
  write: (w, v) => w.bytes(utf8Encoder.encode(v)),
  read: (r) => utf8Decoder.decode(r.bytes()),
};

/** The text of a JSON object. Whoever parses it later may rely on that. */
export const jsonObject: Codec<string> = {
  write: str.write,
  read(r) {
    const text = str.read(r);
    if (!text.startsWith('{')) throw new CodecError('not a JSON object');
    JSON.parse(text);
    return text;
  },
};

export function nullable<T>(inner: Codec<T>): Codec<T | null> {
  return {
    write(w, v) {
      w.u8(v === null ? 0 : 1);
      if (v !== null) inner.write(w, v);
    },
    read: (r) => (r.u8() === 0 ? null : inner.read(r)),
  };
}

export function list<T>(inner: Codec<T>): Codec<T[]> {
  return {
    write(w, v) {
      w.uint(v.length);
      for (const item of v) inner.write(w, item);
    },
    read: (r) => Array.from({ length: r.count() }, () => inner.read(r)),
  };
}

/** Order of UTF-16 code units, the same on every machine. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function map<T>(inner: Codec<T>): Codec<Map<string, T>> {
  return {
    write(w, v) {
      w.uint(v.size);
      for (const key of [...v.keys()].sort(byName)) {
        str.write(w, key);
        inner.write(w, v.get(key)!);
      }
    },
    read(r) {
      const result = new Map<string, T>();
      for (let left = r.count(); left > 0; left--) {
        const key = str.read(r);
        result.set(key, inner.read(r));
      }
      return result;
    },
  };
}

/** One of a fixed list of words, stored by its place: only ever append to such a list. */
export function word<const W extends string>(words: readonly W[]): Codec<W> {
  return {
    write(w, v) {
      w.uint(words.indexOf(v));
    },
    read(r) {
      const found = words[r.uint()];
      if (found === undefined) throw new CodecError('unknown word');
      return found;
    },
  };
}

/** Fields in the order declared. */
export function struct<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const names = Object.keys(fields) as (keyof T)[];
  return {
    write(w, v) {
      for (const name of names) fields[name].write(w, v[name]);
    },
    read(r) {
      const result: Partial<T> = {};
      for (const name of names) result[name] = fields[name].read(r);
      return result as T;
    },
  };
}

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}

/** Throws CodecError on anything but exactly one value. */
export function decodeBytes<T>(codec: Codec<T>, encoded: Uint8Array): T {
  const reader = new Reader(encoded);
  let value: T;
  try {
    value = codec.read(reader);
  } catch (error) {
    if (error instanceof CodecError) throw error;
    throw new CodecError('state is not readable', { cause: error });
  }
  if (reader.left !== 0) throw new CodecError(`${reader.left} bytes too many`);
  return value;
}
