/**
 * The variance across the features of an ordinary token at a layer's input. A few tokens ([CLS], separators) may carry a
 * variance hundreds of times larger and own the mean of it, while ε acts on the many. The middle half of the elements'
 * histogram belongs to the many: for normal elements its width is 1.349 standard deviations.
 */
import type { Histogram } from '../histogram.ts';
import { layerOfCell } from '../layout.ts';
import { quantileOf } from '../score/quantile.ts';
import type { Pattern } from './pattern.ts';

const QUARTILES_SIGMAS = 1.349;

/** Null where neither the tick nor the baseline can tell. */
export function tokenVarianceOf(pattern: Pattern, cell: number): number | null {
  const input = pattern.cells[cell];
  if (input == null || !(input.variance > 0)) return null;
  const { baseline, places } = pattern.context;
  const place = places[layerOfCell(cell)] ?? -1;
  const histogram = place < 0 ? null : (baseline?.histograms[place * 2 + (cell & 1)] ?? null);
  if (histogram === null) return input.variance;
  const width = middleHalf(histogram);
  // What moved the mean of token variances since the baseline moved the ordinary token's too.
  const ordinary = (width / QUARTILES_SIGMAS) ** 2 * (input.variance / input.baselineVariance);
  return ordinary > 0 ? Math.min(ordinary, input.variance) : input.variance;
}

const middleHalf = (histogram: Histogram): number =>
  quantileOf(histogram, 0.75) - quantileOf(histogram, 0.25);
