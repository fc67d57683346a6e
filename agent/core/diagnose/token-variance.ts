/**
 * The variance across the features of an ordinary token at a layer's input. A few tokens ([CLS], separators) may carry a
 * variance hundreds of times larger and own the mean of it, while ε acts on the many. The middle half of the elements'
 * histogram belongs to the many. How wide that is in standard deviations of a token is read from the output of the same
 * layer, where every token has been brought to one variance.
 */
import type { Histogram } from '../histogram.ts';
import { layerOfCell } from '../layout.ts';
import { quantileOf } from '../score/quantile.ts';
import type { Pattern } from './pattern.ts';

/** The mean of token variances this many times the ordinary one is owned by a few tokens. */
const FEW_TOKENS = 2;

/** `cell` is the input's. Null where neither the tick nor the baseline can tell. */
export function tokenVarianceOf(pattern: Pattern, cell: number): number | null {
  const input = pattern.cells[cell];
  const output = pattern.cells[cell + 1];
  if (input == null || output == null || !(input.variance > 0)) return null;
  const before = histogramOf(pattern, cell);
  const after = histogramOf(pattern, cell + 1);
  if (before === null || after === null) return input.variance;
  // What moved the mean of token variances since the baseline moved the ordinary token's too.
  const ordinary =
    (middleHalf(before) / middleHalf(after)) ** 2 *
    output.baselineVariance *
    (input.variance / input.baselineVariance);
  return ordinary * FEW_TOKENS < input.variance && ordinary > 0 ? ordinary : input.variance;
}

function histogramOf({ context }: Pattern, cell: number): Histogram | null {
  const place = context.places[layerOfCell(cell)] ?? -1;
  return place < 0 ? null : (context.baseline?.histograms[place * 2 + (cell & 1)] ?? null);
}

const middleHalf = (histogram: Histogram): number =>
  quantileOf(histogram, 0.75) - quantileOf(histogram, 0.25);
