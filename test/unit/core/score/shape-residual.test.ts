/** Shapes of a window in the scatter of the baseline, which is written down here. */
import { describe, expect, it } from 'vitest';
import { HISTOGRAMS_MIN, scoreShape } from '../../../../agent/core/score/shape-residual.ts';
import { H_COUNT, H_REQUESTS, SHAPE_WIDTH, siteAt, statisticAt } from '../../../../agent/core/sums/shape.ts';

/** A row of the output site; means and sums of squares of the four statistics. */
function rowOf(count: number, requests: number, means: readonly number[], squares = 0): Float64Array {
  const row = new Float64Array(SHAPE_WIDTH);
  row[siteAt(1) + H_COUNT] = count;
  row[siteAt(1) + H_REQUESTS] = requests;
  means.forEach((mean, s) => {
    row[siteAt(1) + statisticAt(s)] = mean;
    row[siteAt(1) + statisticAt(s) + 1] = squares;
  });
  return row;
}

const USUAL = [0.1, 0.15, 0, -0.3];
/** 21 histograms of four requests; one request scatters by 0.02. */
const THEN = rowOf(21, 84, USUAL, 20 * 0.02 ** 2);
const score = (now: Float64Array, then = THEN) => scoreShape(now, then, 1, 0.125);
const moved = (statistic: number, by: number, requests = 12, count = 3): Float64Array =>
  rowOf(
    count,
    requests,
    USUAL.map((value, s) => (s === statistic ? value + by : value)),
  );

describe('the score of a shape', () => {
  it('names the statistic that is out, its shift, and its size for one request', () => {
    const { evidence, worst, shift, requestSigmas } = score(moved(1, 0.08))!;
    expect([worst, shift]).toEqual([1, expect.closeTo(0.08, 12)]);
    expect(requestSigmas).toBeCloseTo(4, 9);
    expect(evidence).toBeGreaterThan(1_000);
    expect(score(moved(1, -0.08))!.evidence).toBeCloseTo(evidence, 6);
  });

  it('is next to nothing up to the least change of each statistic', () => {
    [0.02, 0.01, 0.015, 0.1].forEach((least, s) => {
      for (const requests of [12, 1e6])
        expect(score(moved(s, least, requests, requests))!.evidence).toBeLessThan(1);
    });
  });

  it('takes larger histograms for no surer, smaller ones for less sure', () => {
    const of = (requests: number): number => score(moved(1, 0.08, requests))!.evidence;
    expect(of(120)).toBe(of(12));
    expect(of(3)).toBeLessThan(of(12) / 10);
    expect(score(moved(1, 0.08, 120, 30))!.evidence).toBeGreaterThan(10 * of(12));
  });

  it('is less sure of a scatter that few histograms tell', () => {
    const few = rowOf(HISTOGRAMS_MIN, 4 * HISTOGRAMS_MIN, USUAL, (HISTOGRAMS_MIN - 1) * 0.02 ** 2);
    expect(score(moved(1, 0.08), few)!.evidence).toBeLessThan(score(moved(1, 0.08))!.evidence / 10);
  });

  it('is finite where the baseline never scattered', () => {
    const constant = rowOf(21, 84, USUAL);
    expect(score(moved(2, 0), constant)!.evidence).toBeLessThan(1);
    expect(score(moved(2, 0.5), constant)!.evidence).toBeGreaterThan(1_000);
    expect(score(moved(2, 0.5), constant)!.evidence).toSatisfy(Number.isFinite);
  });

  it('is not known without histograms of that site, or with few in the baseline', () => {
    expect(scoreShape(moved(1, 1), THEN, 0, 0.125)).toBeNull();
    expect(scoreShape(undefined, THEN, 1, 0.125)).toBeNull();
    expect(scoreShape(moved(1, 1), undefined, 1, 0.125)).toBeNull();
    expect(scoreShape(new Float64Array(3), THEN, 1, 0.125)).toBeNull();
    expect(score(moved(1, 1), rowOf(HISTOGRAMS_MIN - 1, 20, USUAL))).toBeNull();
  });
});
