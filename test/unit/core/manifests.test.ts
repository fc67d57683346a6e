/** Manifests as texts from outside, and what of two or more of them differs. */
import { describe, expect, it } from 'vitest';
import {
  compareManifests,
  comparePeers,
  type Manifest,
  manifestText,
  readManifest,
  sameParameters,
} from '../../../agent/core/manifests.ts';
import { createEmitter, type Given, T0 } from '../../kit/events.ts';

const textOf = (body: Given): string => manifestText(createEmitter('pod-0').send('manifest', T0, body));
const read = (body: unknown): Manifest => readManifest(JSON.stringify(body))!;
const sha = (digit: string): string => digit.repeat(64);

describe('a manifest as text', () => {
  it('is the same whatever the order of its keys', () => {
    const layers = ['a', 'b'];
    const one = textOf({ layers, epsilon: [1e-5, 1e-6], dtype: ['fp32', null], config: { x: 1, y: 2 } });
    const other = textOf({ config: { y: 2, x: 1 }, dtype: ['fp32', null], epsilon: [0.00001, 1e-6], layers });
    expect(one).toBe(other);
    expect([...readManifest(one)!]).toEqual([
      ['a', { epsilon: 1e-5, dtype: 'float32' }],
      ['b', { epsilon: 1e-6 }],
    ]);
  });

  it('may be without parameters', () => {
    const event = createEmitter('a').send('manifest', T0, { layers: ['a'], parameters_sha256: [sha('a')] });
    expect([...readManifest(manifestText(event))!]).toEqual([['a', { parameters_sha256: sha('a') }]]);
    expect([...readManifest(manifestText(event, false))!]).toEqual([['a', {}]]);
  });
});

describe('reading a manifest', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '1'],
    ['null', 'null'],
    ['no layers', '{}'],
    ['layers that are no list', '{"layers":"a"}'],
  ])('of %s gives none', (_, text) => expect(readManifest(text)).toBe(null));

  it.each([
    ['null columns', { epsilon: null, dtype: null }],
    ['null values', { epsilon: [null], dtype: [null], affine: [null] }],
    ['columns of another length', { epsilon: [1, 2], norm: [] }],
    [
      'values of another type',
      { epsilon: ['NaN'], features: [true], affine: ['yes'], norm: [1], dtype: [{}] },
    ],
    ['numbers there are not', { epsilon: [-1] }],
    ['columns that are no list', { epsilon: { 0: 1 }, dtype: 'float32' }],
  ])('does not know %s', (_, body) => expect([...read({ layers: ['a'], ...body })]).toEqual([['a', {}]]));

  it('takes a layer for no name of an object', () => {
    expect([...read({ layers: ['__proto__', 7], epsilon: [1, 2] })]).toEqual([['__proto__', { epsilon: 1 }]]);
  });

  it.each(['float16', 'fp16', 'torch.float16', 'torch.half', 'HALF', 'f16'])('knows %s', (dtype) => {
    expect(read({ layers: ['a'], dtype: [dtype] }).get('a')).toEqual({ dtype: 'float16' });
  });
});

describe('two manifests', () => {
  const base = { layers: ['a', 'b'], epsilon: [1e-12, 1e-5], norm: ['layernorm', 'layernorm'] };
  const differences = (own: unknown, expected: unknown) => compareManifests(read(own), read(expected));

  it.each([
    ['one spelling and another of a number', { epsilon: [0.000000000001, 0.00001] }],
    ['a number that was single precision', { epsilon: [Math.fround(1e-12), Math.fround(1e-5)] }],
    ['layers in another order', { layers: ['b', 'a'], epsilon: [1e-5, 1e-12] }],
    ['other layers', { layers: ['c', 'd'], epsilon: [7, 7] }],
    ['what only one knows', { epsilon: [null, null], dtype: ['fp16', 'fp16'] }],
  ])('do not differ by %s', (_, body) => {
    expect(differences({ ...base, ...body }, base)).toEqual([]);
    expect(differences(base, { ...base, ...body })).toEqual([]);
  });

  it('differ by layer and field, in forward order', () => {
    const own = { layers: ['a', 'b'], norm: ['layernorm', 'rmsnorm'], epsilon: [0.05, 1e-6] };
    expect(differences(own, base)).toEqual([
      { layer: 'a', field: 'epsilon', own: 0.05, expected: 1e-12 },
      { layer: 'b', field: 'norm', own: 'rmsnorm', expected: 'layernorm' },
      { layer: 'b', field: 'epsilon', own: 1e-6, expected: 1e-5 },
    ]);
  });

  it('differ where an epsilon is 0', () => {
    const zero = { layers: ['a'], epsilon: [0] };
    expect(differences(zero, zero)).toEqual([]);
    expect(differences(zero, { layers: ['a'], epsilon: [1e-12] })).toHaveLength(1);
  });

  it.each([
    ['the same', ['a', 'b'], ['a', 'b'], true],
    ['the same in other letters', ['a'], ['A'], true],
    ['others', ['a', 'b'], ['a', 'c'], false],
    ['not told', [], [], null],
  ] as [string, string[], string[], boolean | null][])(
    'have parameters that are %s',
    (_, one, two, wanted) => {
      const of = (digits: string[]) =>
        read({ layers: digits.map((_, i) => `l${i}`), parameters_sha256: digits.map(sha) });
      expect(sameParameters(of(one), of(two))).toBe(wanted);
    },
  );
});

describe('peers', () => {
  const group = (epsilon: number | null, count: number, norm: string | null = null) => ({
    manifest: read({ layers: ['a'], epsilon: [epsilon], norm: [norm] }),
    count,
  });
  const judged = (...groups: ReturnType<typeof group>[]) =>
    comparePeers(groups).map(({ own, expected, groups: places }) => [own, expected, places]);

  it('that agree do not differ', () => {
    expect(judged()).toEqual([]);
    expect(judged(group(1, 4))).toEqual([]);
    expect(judged(group(1, 4), group(1, 2, 'layernorm'))).toEqual([]);
    expect(judged(group(1, 4), group(null, 1))).toEqual([]);
  });

  it('are ruled by more than half of those that know', () => {
    expect(judged(group(2, 1), group(1, 3))).toEqual([[2, 1, [0]]]);
    expect(judged(group(1, 3), group(2, 1), group(null, 9))).toEqual([[2, 1, [1]]]);
    expect(judged(group(1, 5), group(2, 2), group(3, 2))).toEqual([
      [2, 1, [1]],
      [3, 1, [2]],
    ]);
  });

  it('without a majority blame nobody', () => {
    expect(judged(group(1, 2), group(2, 2))).toEqual([[2, 1, []]]);
    expect(judged(group(1, 2), group(2, 1), group(3, 1))).toEqual([
      [2, 1, []],
      [3, 1, []],
    ]);
  });

  it('rule field by field', () => {
    const mixed = [group(2, 1, 'layernorm'), group(1, 2, 'layernorm'), group(1, 1, 'rmsnorm')];
    expect(judged(...mixed)).toEqual([
      ['rmsnorm', 'layernorm', [2]],
      [2, 1, [0]],
    ]);
  });
});
