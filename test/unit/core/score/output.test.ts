/** Which of an output's two descriptions is compared. */
import { describe, expect, it } from 'vitest';
import { fromWire } from '../../../../agent/core/histogram.ts';
import { newOutputSum, type OutputSum } from '../../../../agent/core/output-sum.ts';
import { distributionDivergence } from '../../../../agent/core/score/divergence.ts';
import { histogramDivergence } from '../../../../agent/core/score/histogram.ts';
import { outputDivergence } from '../../../../agent/core/score/output.ts';

const histogram = (counts: number[]) =>
  fromWire({ scale: 0, zero_count: 0, positive: { offset: 0, counts } } as never);
const A = histogram([4, 1]);
const B = histogram([1, 4]);
const sum = (given: Partial<OutputSum>): OutputSum => ({ ...newOutputSum(), requests: 10, ...given });
const of = (...probabilities: number[]) =>
  sum({ weight: 10, probabilities: Float64Array.from(probabilities) });

describe('divergence of an output', () => {
  it('is that of the probabilities where both sides sent them', () => {
    const now = { ...of(0.7, 0.3), histogram: A };
    const then = { ...of(0.5, 0.5), histogram: B };
    expect(outputDivergence(now, then)).toEqual(distributionDivergence([0.7, 0.3], [0.5, 0.5]));
  });

  it('is that of the histograms where one side has no probabilities, or of another length', () => {
    const then = { ...of(0.5, 0.5), histogram: B };
    for (const now of [sum({ histogram: A }), { ...of(0.2, 0.3, 0.5), histogram: A }])
      expect(outputDivergence(now, then)).toEqual(histogramDivergence(A, B));
  });

  it('is null when nothing can be compared', () => {
    expect(outputDivergence(sum({}), sum({ histogram: B }))).toBeNull();
    expect(outputDivergence(of(0.7, 0.3), sum({ histogram: B }))).toBeNull();
    expect(outputDivergence(of(0.7, 0.3), of(0.1, 0.2, 0.7))).toBeNull();
  });
});
