/** Evidence against an independent sum over change points, and within its bounds whatever comes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVIDENCE_STRIDE, stepEvidence } from '../../agent/core/detect/evidence.ts';
import { stepRanks } from '../../agent/core/detect/ranks.ts';

const SIZES = [1.5, 3, 6];
const residuals = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 1, maxLength: 25 });
const anything = fc.double({ min: -1e150, max: 1e150, noNaN: true });

function last(us: readonly number[], floor: number, cap: number): number {
  const rows = new Float64Array(EVIDENCE_STRIDE);
  let value = 0;
  for (const u of us) value = stepEvidence(rows, 0, u - floor, -u - floor, cap);
  return value;
}

test('evidence is the mean likelihood ratio over sizes, signs and change points', () => {
  fc.assert(
    fc.property(residuals, fc.double({ min: 0, max: 2, noNaN: true }), (us, floor) => {
      let sum = 0;
      for (const size of SIZES)
        for (const sign of [1, -1])
          for (let k = 0, ahead = 0; k < us.length; k++) {
            // From the last tick back, so that each step adds one factor.
            ahead += size * (sign * us[us.length - 1 - k]! - floor) - size ** 2 / 2;
            sum += Math.exp(ahead);
          }
      const expected = sum / (2 * SIZES.length);
      expect(Math.abs(last(us, floor, 1e300) - expected)).toBeLessThanOrEqual(1e-4 * expected + 2e-5);
    }),
  );
});

test('a larger least effect is never more evidence, nor does a mirror change it', () => {
  fc.assert(
    fc.property(residuals, fc.double({ min: 0, max: 2, noNaN: true }), (us, floor) => {
      const evidence = last(us, floor, 1e300);
      expect(last(us, floor + 0.1, 1e300)).toBeLessThanOrEqual(evidence);
      const mirrored = last(
        us.map((u) => -u),
        floor,
        1e300,
      );
      expect(Math.abs(mirrored - evidence)).toBeLessThanOrEqual(1e-9 * evidence);
    }),
  );
});

test('evidence is finite, not negative, and no more than the cap, whatever comes', () => {
  const sample = fc.array(anything, { minLength: 3, maxLength: 64 });
  fc.assert(
    fc.property(fc.array(anything, { minLength: 1, maxLength: 20 }), sample, (us, values) => {
      const sorted = Float64Array.from(values).sort();
      const [rows, ranks] = [new Float64Array(EVIDENCE_STRIDE), new Float64Array(EVIDENCE_STRIDE)];
      for (const u of us) {
        for (const value of [stepEvidence(rows, 0, u, -u, 1e9), stepRanks(ranks, 0, u, -u, sorted, 1e9)]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1e9);
        }
      }
    }),
  );
});
