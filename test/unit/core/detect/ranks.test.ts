/** Evidence from ranks: p-values that are uniform, run lengths that hold, and no waiting for what is far out. */
import { describe, expect, it } from 'vitest';
import { EVIDENCE_STRIDE } from '../../../../agent/core/detect/evidence.ts';
import { stepRanks } from '../../../../agent/core/detect/ranks.ts';
import { createGaussian } from '../../../kit/events.ts';
import { createRandom } from '../../../simulation/world/random.ts';

const NO_CAP = 1e300;
const SAMPLE = 63;

function createDraws(seed: number) {
  const gaussian = createGaussian(seed);
  const random = createRandom(seed + 1);
  const laplace = () => {
    const u = random.next() - 0.5;
    return -Math.sign(u) * Math.log(1 - 2 * Math.abs(u));
  };
  return { normal: gaussian, laplace, uniform: () => random.next() };
}
const sampleOf = (draw: () => number, size = SAMPLE): Float64Array =>
  Float64Array.from({ length: size }, draw).sort();

/** p-values of a value at its upper and lower side: the first bet is 0.1·p^(−0.9). */
function pValues(sample: Float64Array, value: number): [number, number] {
  const rows = new Float64Array(EVIDENCE_STRIDE);
  stepRanks(rows, 0, value, -value, sample, NO_CAP);
  return [(rows[0]! / 0.1) ** (-1 / 0.9), (rows[1]! / 0.1) ** (-1 / 0.9)];
}

describe('a rank', () => {
  it('is the share of the sample at or beyond, itself counted, on either side', () => {
    const sample = Float64Array.of(-2, -1, 0, 1, 2, 3, 4);
    const [up, down] = pValues(sample, 2);
    expect(up).toBeCloseTo(4 / 8, 9);
    expect(down).toBeCloseTo(6 / 8, 9);
    const [high, low] = pValues(sample, 0.5);
    expect([high.toFixed(9), low.toFixed(9)]).toEqual(['0.625000000', '0.500000000']);
  });

  it('among exchangeable values is uniform', () => {
    const draws = createDraws(4);
    const counts = new Float64Array(8);
    const rounds = 8_000;
    for (let i = 0; i < rounds; i++) {
      const [up] = pValues(sampleOf(draws.normal), draws.normal());
      counts[Math.ceil(up * 8) - 1]!++;
    }
    // Binomial standard error of each eighth: 0.0037.
    for (const count of counts) expect(Math.abs(count / rounds - 1 / 8)).toBeLessThan(4 * 0.0037);
  });

  it('beyond the sample is less than one in its size, and no less likely than it claims', () => {
    const draws = createDraws(8);
    const rounds = 20_000;
    const levels = [1 / 64, 1 / 640, 1 / 6_400];
    const seen = levels.map(() => 0);
    for (let i = 0; i < rounds; i++) {
      const [up] = pValues(sampleOf(draws.laplace), draws.laplace());
      levels.forEach((level, k) => {
        if (up <= level * (1 + 1e-9)) seen[k]!++;
      });
    }
    expect(seen[0]! / rounds).toBeCloseTo(1 / 64, 2);
    // The tail itself is estimated, of six values.
    expect(seen[1]! / rounds).toBeLessThan(4 * levels[1]!);
    expect(seen[2]! / rounds).toBeLessThan(16 * levels[2]!);
  });

  it.each([30, -30])('far beyond the sample (%d) needs two ticks', (value) => {
    const sample = sampleOf(createDraws(2).normal);
    const rows = new Float64Array(EVIDENCE_STRIDE);
    expect(Math.log(stepRanks(rows, 0, value, -value, sample, NO_CAP))).toBeGreaterThan(6);
    expect(Math.log(stepRanks(rows, 0, value, -value, sample, NO_CAP))).toBeGreaterThan(12.2);
  });

  it('is finite for any value, also where the whole sample is one value', () => {
    for (const sample of [sampleOf(() => 0), sampleOf(createDraws(2).normal), Float64Array.of(1, 1, 2)])
      for (const value of [0, 1, 1e9, -1e300]) {
        const rows = new Float64Array(EVIDENCE_STRIDE);
        const evidence = stepRanks(rows, 0, value, -value, sample, 1e12);
        expect(evidence).toBeGreaterThan(0);
        expect(evidence).toBeLessThanOrEqual(1e12);
      }
  });
});

describe('evidence of ranks', () => {
  it.each(['normal', 'laplace', 'uniform'] as const)(
    'of %s residuals alarms no sooner than promised: at 1/α, once in at least 1/α ticks',
    (name) => {
      const draw = createDraws(6)[name];
      const alarms = 200;
      let ticks = 0;
      for (let alarm = 0; alarm < alarms; alarm++) {
        const sample = sampleOf(draw, 60);
        const rows = new Float64Array(EVIDENCE_STRIDE);
        for (let tick = 0; tick < 2_000; tick++) {
          ticks++;
          const u = draw();
          if (stepRanks(rows, 0, u, -u, sample, NO_CAP) >= 100) break;
        }
      }
      expect(ticks / alarms).toBeGreaterThanOrEqual(100);
    },
  );

  it('grows with what goes on, on one side only', () => {
    const sample = sampleOf(createDraws(2).normal);
    const rows = new Float64Array(EVIDENCE_STRIDE);
    const seen = Array.from({ length: 8 }, () => stepRanks(rows, 0, 2, -2, sample, NO_CAP));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)! / seen[0]!).toBeGreaterThan(100);
    expect(rows[1]).toBeLessThan(1);
  });

  it('is held at the cap', () => {
    const sample = sampleOf(createDraws(2).normal);
    const rows = new Float64Array(EVIDENCE_STRIDE);
    for (let i = 0; i < 50; i++) expect(stepRanks(rows, 0, 9, -9, sample, 500)).toBeLessThanOrEqual(500);
    expect(rows[0]).toBe(500);
  });
});
