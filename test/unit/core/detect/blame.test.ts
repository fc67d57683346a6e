/** Whom a window blames: a minority that is far out, and far from all others. */
import { describe, expect, it } from 'vitest';
import { blamed } from '../../../../agent/core/detect/blame.ts';

const of = (sigmas: Record<string, number>) =>
  blamed(Object.entries(sigmas).map(([source, z]) => ({ source, shift: z / 10, sigmas: z })));

describe('blame', () => {
  it('is on sources that alone are out, whatever the sign', () => {
    expect(of({ a: 0.5, b: -12, c: 1, d: -0.2 })).toEqual(['b']);
    expect(of({ a: 9, b: 0.1, c: -9, d: 1 })).toEqual(['a', 'c']);
  });

  it.each([
    ['all are out', { a: 9, b: 8, c: 9 }],
    ['most are out', { a: 9, b: 8, c: 0 }],
    ['the others are a little out too', { a: 9, b: 4, c: 4, d: 4 }],
    ['it may be chance', { a: 5, b: 1, c: 0, d: 0.5 }],
    ['there is one source', { a: 30 }],
    ['there is none', {}],
    ['nothing moved', { a: 0, b: 0, c: 0 }],
  ])('is on nobody when %s', (_, sigmas) => expect(of(sigmas)).toEqual([]));

  it('leaves out what is not known', () => {
    const unknown = { source: 'c', shift: Number.NaN, sigmas: Number.NaN };
    const out = { source: 'a', shift: 3, sigmas: 20 };
    expect(blamed([out, unknown])).toEqual([]);
    expect(blamed([out, unknown, { source: 'b', shift: 0.1, sigmas: 1 }])).toEqual(['a']);
  });
});
