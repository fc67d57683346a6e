/** Divergence of an output now against a baseline: from `probabilities` where sent, else from the histogram. */
import type { OutputSum } from '../output-sum.ts';
import { type Divergence, distributionDivergence } from './divergence.ts';
import { histogramDivergence } from './histogram.ts';

export function outputDivergence(now: OutputSum, baseline: OutputSum): Divergence | null {
  if (now.weight > 0 && baseline.weight > 0) {
    const divergence = distributionDivergence(now.probabilities, baseline.probabilities);
    if (divergence !== null) return divergence;
  }
  if (now.histogram === null || baseline.histogram === null) return null;
  return histogramDivergence(now.histogram, baseline.histogram);
}
