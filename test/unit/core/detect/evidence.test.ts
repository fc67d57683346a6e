/** The e-detector of one statistic: its value, its cap, and how often it alarms while nothing is wrong. */
import { describe, expect, it } from 'vitest';
import { capOf, EVIDENCE_STRIDE, natsOf, stepEvidence } from '../../../../agent/core/detect/evidence.ts';
import { createGaussian } from '../../../kit/events.ts';

const SIZES = [1.5, 3, 6];
const NO_CAP = 1e300;

/** Evidence after each of these residuals, with `floor` the least effect. */
function play(residuals: readonly number[], { floor = 0, cap = NO_CAP } = {}): number[] {
  const rows = new Float64Array(EVIDENCE_STRIDE);
  return residuals.map((u) => stepEvidence(rows, 0, u - floor, -u - floor, cap));
}

/** Σ over change points k of Π from k on of exp(δu − δ²/2), averaged over sizes and signs. */
function directly(residuals: readonly number[]): number {
  let sum = 0;
  for (const size of SIZES)
    for (const sign of [1, -1])
      for (let k = 0; k < residuals.length; k++)
        sum += Math.exp(residuals.slice(k).reduce((s, u) => s + size * sign * u - size ** 2 / 2, 0));
  return sum / (2 * SIZES.length);
}

describe('evidence', () => {
  it('is the mean of likelihood ratios over sizes, signs and change points', () => {
    const residuals = [0.3, -1.2, 2.5, 4, -0.1, 3.3, 1.8, -2.9];
    const seen = play(residuals);
    residuals.forEach((_, i) => {
      const expected = directly(residuals.slice(0, i + 1));
      expect(seen[i]! / expected).toBeCloseTo(1, 4);
    });
  });

  it('tells shifts upwards from shifts downwards, and is the same for both', () => {
    expect(play([3, 3, 3])).toEqual(play([-3, -3, -3]));
    expect(play([3, 3, 3]).at(-1)!).toBeGreaterThan(100 * play([3, -3, 3]).at(-1)!);
  });

  it('takes the least effect off either side', () => {
    const floored = play([3, 3, 3], { floor: 1 }).at(-1)!;
    expect(floored).toBeLessThan(play([3, 3, 3]).at(-1)!);
    expect(floored).toBeCloseTo(play([2, 2, 2]).at(-1)!, 0);
  });

  it('is held at the cap, and leaves it as soon as its reason is gone', () => {
    const cap = 1_000;
    const seen = play([...Array<number>(100).fill(50), ...Array<number>(20).fill(0)], { cap });
    expect(Math.max(...seen)).toBeLessThanOrEqual(cap);
    // One half of the mixture looks the other way.
    expect(seen[99]).toBeCloseTo(cap / 2, 0);
    expect(seen.findIndex((value, i) => i >= 100 && value < 20)).toBeLessThan(106);
  });

  it('of one absurd tick is finite', () => {
    for (const u of [1e6, -1e6, 1e300, 700]) {
      const [one] = play([u], { cap: Number.MAX_VALUE });
      expect(Number.isFinite(one)).toBe(true);
      expect(one).toBeGreaterThan(1e250 / 6);
    }
  });

  it('that is none is 0 nats', () => {
    expect([natsOf(0), natsOf(1), natsOf(Math.E ** 3)]).toEqual([0, 0, 3]);
  });

  it('of one among many is held where it can alarm for all of them, and three nats more', () => {
    expect(Math.log(capOf(10, 52) / 52)).toBeCloseTo(13, 9);
  });
});

describe('false alarms', () => {
  /** Mean run length to `alarms` alarms, and its standard error. */
  function runLength(threshold: number, alarms: number, statistics: number, common: number) {
    const gaussian = createGaussian(5);
    const own = Math.sqrt(1 - common ** 2);
    const lengths: number[] = [];
    for (let alarm = 0; alarm < alarms; alarm++) {
      const rows = new Float64Array(statistics * EVIDENCE_STRIDE);
      for (let tick = 1; ; tick++) {
        const shared = gaussian();
        let sum = 0;
        for (let s = 0; s < statistics; s++) {
          const u = common * shared + own * gaussian();
          sum += stepEvidence(rows, s * EVIDENCE_STRIDE, u, -u, threshold * statistics * 20);
        }
        if (sum / statistics < threshold) continue;
        lengths.push(tick);
        break;
      }
    }
    const mean = lengths.reduce((a, b) => a + b, 0) / alarms;
    const variance = lengths.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (alarms - 1);
    return { mean, error: Math.sqrt(variance / alarms) };
  }

  it.each([
    ['of one statistic', 1, 0],
    ['of four that are independent', 4, 0],
    ['of four that move together', 4, 0.9],
  ])('%s come no sooner than promised: at 1/α, once in at least 1/α ticks', (_, statistics, common) => {
    const { mean, error } = runLength(200, 300, statistics, common);
    expect(mean).toBeGreaterThanOrEqual(200);
    expect(error).toBeLessThan(mean / 10);
    // And not so much later that nothing would ever be seen.
    expect(mean).toBeLessThan(200 * 30);
  });

  it.each([0, 0.5, 1])(
    'at a ticket a week are none in 100,000 ticks with %d of the least effect',
    (share) => {
      const gaussian = createGaussian(11);
      const floor = 1.3;
      const rows = new Float64Array(EVIDENCE_STRIDE);
      let most = 0;
      for (let tick = 0; tick < 100_000; tick++) {
        const u = share * floor + gaussian();
        most = Math.max(most, stepEvidence(rows, 0, u - floor, -u - floor, NO_CAP));
      }
      expect(natsOf(most)).toBeLessThan(Math.log((7 * 86_400) / 10 / 0.3));
    },
  );

  it('are not bought with blindness: three deviations beyond the least effect are seen in a few ticks', () => {
    const gaussian = createGaussian(3);
    const floor = 1.3;
    const residuals = Array.from({ length: 10 }, () => floor + 3 + gaussian());
    const first = play(residuals, { floor }).findIndex((value) => natsOf(value) >= 12.2);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThan(6);
  });
});
