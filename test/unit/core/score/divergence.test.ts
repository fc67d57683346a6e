/** KL, JS and PSI against sums written term by term, and against figures from a calculator. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countDivergence, distributionDivergence } from '../../../../agent/core/score/divergence.ts';

const normal = (weights: readonly number[]): number[] => {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
};
const kl = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, pi, i) => sum + (pi === 0 ? 0 : pi * Math.log(pi / q[i]!)), 0);
const js = (p: readonly number[], q: readonly number[]): number => {
  const middle = p.map((pi, i) => (pi + q[i]!) / 2);
  return kl(p, middle) / 2 + kl(q, middle) / 2;
};
/** Credit scoring writes it so: Σ (pᵢ − qᵢ)·ln(pᵢ/qᵢ). */
const psi = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, pi, i) => sum + (pi - q[i]!) * Math.log(pi / q[i]!), 0);

const twoLists = (entry: fc.Arbitrary<number>) =>
  fc
    .integer({ min: 1, max: 40 })
    .chain((length) =>
      fc.tuple(
        fc.array(entry, { minLength: length, maxLength: length }),
        fc.array(entry, { minLength: length, maxLength: length }),
      ),
    );

describe('divergence', () => {
  it('of counts is that of the counts, each with half a count more', () => {
    fc.assert(
      fc.property(twoLists(fc.nat(10_000)), ([now, then]) => {
        const found = countDivergence(now, then);
        const isEmpty = (list: readonly number[]) => list.every((x) => x === 0);
        if (isEmpty(now) || isEmpty(then)) {
          expect(found).toBeNull();
          return;
        }
        const p = normal(now.map((x) => x + 0.5));
        const q = normal(then.map((x) => x + 0.5));
        expect(found!.klNats).toBeCloseTo(kl(p, q), 10);
        expect(found!.jsNats).toBeCloseTo(js(p, q), 10);
        expect(found!.psi).toBeCloseTo(psi(p, q), 10);
      }),
    );
  });

  it('of distributions is theirs where no bin is empty', () => {
    fc.assert(
      fc.property(twoLists(fc.double({ min: 0.01, max: 1, noNaN: true })), ([now, then]) => {
        const found = distributionDivergence(normal(now), normal(then))!;
        expect(found.klNats).toBeCloseTo(kl(normal(now), normal(then)), 5);
        expect(found.jsNats).toBeCloseTo(js(normal(now), normal(then)), 5);
        expect(found.psi).toBeCloseTo(psi(normal(now), normal(then)), 5);
      }),
    );
  });

  it('has the values of a calculator', () => {
    // KL(0.9, 0.1 ‖ 0.5, 0.5) = 0.9·ln 1.8 + 0.1·ln 0.2; PSI = 0.4·ln 1.8 − 0.4·ln 0.2
    const found = distributionDivergence([0.9, 0.1], [0.5, 0.5])!;
    expect(found.klNats).toBeCloseTo(0.368064, 5);
    expect(found.psi).toBeCloseTo(0.87889, 4);
    expect(found.jsNats).toBeCloseTo(0.101753, 5);
  });

  it('is finite and never negative, with JS at most ln 2, where bins are empty', () => {
    const some = fc.oneof(fc.constant(0), fc.nat(5));
    fc.assert(
      fc.property(twoLists(some), ([now, then]) => {
        for (const found of [countDivergence(now, then), distributionDivergence(now, then)]) {
          if (found === null) continue;
          for (const value of Object.values(found)) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThan(Number.POSITIVE_INFINITY);
          }
          expect(found.jsNats).toBeLessThanOrEqual(Math.LN2 + 1e-9);
        }
      }),
    );
  });

  it.each([
    ['nothing at all', [], []],
    ['lists of two lengths', [1, 2], [1, 2, 3]],
    ['an empty baseline', [1, 2], [0, 0]],
    ['an empty present', [0, 0], [1, 2]],
    ['numbers that are none', [Number.NaN, 1], [1, 1]],
  ])('is not known for %s', (_, now, then) => {
    expect(countDivergence(now, then)).toBeNull();
    expect(distributionDivergence(now, then)).toBeNull();
  });
});
