/** References: which one binds a version, how many are kept, and `baseline export` as untrusted bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTick, BUCKET_STRIDE, newBucket } from '../../../agent/core/bucket.ts';
import { CodecError, encode } from '../../../agent/core/codec.ts';
import { fromWire } from '../../../agent/core/histogram.ts';
import {
  addReference,
  bindingReference,
  exportReference,
  importReference,
  REFERENCE_BYTES_MAX,
  REFERENCES_MAX,
  type Reference,
  referenceCodec,
} from '../../../agent/core/reference.ts';
import { bareTick } from '../../kit/ticks.ts';

function reference(given: Partial<Reference> = {}): Reference {
  const layers = given.layers ?? ['a', 'b'];
  const bucket = newBucket(layers.length);
  for (const index of [0, 1])
    addTick(bucket, bareTick(index, layers.length, [{ requests: 3, mean: index, variance: 2 }]), 'full');
  return {
    id: 'r',
    kind: 'pinned',
    version: 'v1',
    checkpoint: null,
    createdMs: 100,
    layers,
    bucket: { ...bucket, changed: false },
    calibration: null,
    hours: null,
    manifest: '',
    ...given,
  };
}
const HISTOGRAM = fromWire({
  scale: 0,
  zero_count: 0,
  positive: { offset: 0, counts: new Array(160).fill(1) },
} as never);

describe('the reference of a version', () => {
  const bindingOf = (...all: Partial<Reference>[]) =>
    bindingReference(all.map(reference), 'v2', 'ck')?.id ?? null;

  it.each([
    ['is none where nothing is known', [], null],
    ['is none where all have other weights', [{ checkpoint: 'other' }, { checkpoint: null }], null],
    ['is one of another version with the same weights', [{ id: 'x', checkpoint: 'ck' }], 'x'],
    [
      'is its own before a newer one of another version',
      [
        { id: 'own', version: 'v2', kind: 'learned', checkpoint: 'ck', createdMs: 1 },
        { id: 'other', version: 'v1', kind: 'pinned', checkpoint: 'ck', createdMs: 9 },
      ],
      'own',
    ],
    [
      'is a pinned one before a newer learned one',
      [
        { id: 'learned', kind: 'learned', checkpoint: 'ck', createdMs: 9 },
        { id: 'pinned', kind: 'pinned', checkpoint: 'ck', createdMs: 1 },
      ],
      'pinned',
    ],
    [
      'is the newest of equals',
      [
        { id: 'old', checkpoint: 'ck', createdMs: 1 },
        { id: 'new', checkpoint: 'ck', createdMs: 2 },
      ],
      'new',
    ],
  ] as [string, Partial<Reference>[], string | null][])('%s', (_, all, wanted) => {
    expect(bindingOf(...all)).toBe(wanted);
    expect(bindingOf(...[...all].reverse())).toBe(wanted);
  });

  it('with no weights named binds a version that names none', () => {
    expect(bindingReference([reference()], 'v2', null)!.id).toBe('r');
  });
});

describe('references of a model', () => {
  it('are replaced by id, and stand in order of their ids', () => {
    const all = ['b', 'a', 'b'].reduce(
      (sum, id, i) => addReference(sum, reference({ id, createdMs: i })),
      [] as Reference[],
    );
    expect(all.map(({ id, createdMs }) => [id, createdMs])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('are bounded: learned ones give way first, then the oldest', () => {
    let all: Reference[] = [];
    for (let i = 0; i < REFERENCES_MAX; i++)
      all = addReference(all, reference({ id: `p${i}`, createdMs: i }));
    all = addReference(all, reference({ id: 'learned', kind: 'learned', createdMs: 1_000 }));
    expect(all).toHaveLength(REFERENCES_MAX);
    expect(all.map(({ id }) => id)).not.toContain('p0');
    all = addReference(all, reference({ id: 'newest', createdMs: 2_000 }));
    expect(all.map(({ id }) => id)).not.toContain('learned');
    expect(all.map(({ id }) => id)).toContain('p1');
  });
});

describe('baseline export', () => {
  const seal = (value: Reference): Uint8Array => Uint8Array.of(0x6e, ...encode(referenceCodec, value));

  it('is read as it was written', () => {
    const one = reference({ checkpoint: 'ck' });
    one.bucket.histograms = [HISTOGRAM, null, HISTOGRAM];
    expect(importReference(exportReference(one))).toEqual(one);
  });

  it('stays within its bytes: histograms are left out where they do not fit', () => {
    const layers = Array.from({ length: 400 }, (_, i) => `layer ${i}`);
    const one = reference({ layers });
    one.bucket.histograms = layers.flatMap(() => [HISTOGRAM, HISTOGRAM]);
    const bytes = exportReference(one);
    expect(encode(referenceCodec, one).length).toBeGreaterThan(REFERENCE_BYTES_MAX);
    expect(bytes.length).toBeLessThanOrEqual(REFERENCE_BYTES_MAX);
    const back = importReference(bytes);
    expect(back.bucket.histograms).toEqual([]);
    expect(back.bucket.cells).toEqual(one.bucket.cells);
  });

  it('of the most layers a model may have is refused rather than written too long', () => {
    const layers = Array.from({ length: 4_096 }, (_, i) => `layer ${i}`);
    expect(() => exportReference(reference({ layers }))).toThrow(/4096 layers takes \d+ bytes/);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['another first byte', Uint8Array.of(0x6f, ...encode(referenceCodec, reference()))],
    ['more bytes than allowed', new Uint8Array(REFERENCE_BYTES_MAX + 1).fill(0x6e)],
    ['a bucket of another size', seal(reference({ layers: ['a', 'b'], bucket: newBucket(1) }))],
    ['the same layer twice', seal(reference({ layers: ['a', 'a'] }))],
    [
      'more histograms than cells',
      seal({ ...reference(), bucket: { ...reference().bucket, histograms: Array(5).fill(null) } }),
    ],
    ['a negative count', seal({ ...reference(), bucket: { ...reference().bucket, ticks: -1 } })],
    [
      'counts that are none',
      seal({ ...reference(), bucket: { ...reference().bucket, flushes: Number.NaN } }),
    ],
  ])('refuses %s', (_, bytes) => {
    expect(() => importReference(bytes)).toThrow(CodecError);
  });

  it('reads damaged bytes as some reference or refuses them, and throws nothing else', () => {
    const good = exportReference(reference());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        (flips, cut) => {
          const bytes = good.slice(0, cut % 3 === 0 ? cut % good.length : good.length);
          for (const [at, byte] of flips) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          try {
            const found = importReference(bytes);
            expect(found.bucket.cells.length).toBe(found.layers.length * 2 * BUCKET_STRIDE);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
