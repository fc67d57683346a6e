/** What a model puts out: one sum per named output, of a tick or of a baseline. */
import { type Codec, f64, floats, struct } from './codec.ts';
import { type Histogram, maybeHistogramCodec, mergeHistograms } from './histogram.ts';

/** Mean categorical distribution and histogram of one output; weight = finite requests. */
export interface OutputSum {
  requests: number;
  nonFiniteRequests: number;
  /** Weight behind `probabilities`: requests whose flush carried them. */
  weight: number;
  /** Request-weighted mean; empty when never sent. */
  probabilities: Float64Array;
  histogram: Histogram | null;
}

export const outputSumCodec: Codec<OutputSum> = struct<OutputSum>({
  requests: f64,
  nonFiniteRequests: f64,
  weight: f64,
  probabilities: floats,
  histogram: maybeHistogramCodec,
});

/** Outputs of one stream; more have no place. */
export const OUTPUTS_MAX = 32;

export function newOutputSum(): OutputSum {
  return {
    requests: 0,
    nonFiniteRequests: 0,
    weight: 0,
    probabilities: new Float64Array(0),
    histogram: null,
  };
}

export function mergeOutput(into: Map<string, OutputSum>, name: string, from: OutputSum): void {
  const sum = outputOf(into, name);
  if (sum === null) return;
  sum.requests += from.requests;
  sum.nonFiniteRequests += from.nonFiniteRequests;
  sum.histogram = mergeHistograms(sum.histogram, from.histogram);
  if (from.weight > 0) addProbabilities(sum, from.probabilities, from.weight);
}

/** The output of this name, made where there is none yet; null when there is no place for it. */
export function outputOf(outputs: Map<string, OutputSum>, name: string): OutputSum | null {
  let sum = outputs.get(name);
  if (sum === undefined) {
    if (outputs.size >= OUTPUTS_MAX) return null;
    sum = newOutputSum();
    outputs.set(name, sum);
  }
  return sum;
}

/** A distribution of another length is another output: it starts anew. */
export function addProbabilities(sum: OutputSum, probabilities: ArrayLike<number>, weight: number): void {
  if (sum.probabilities.length !== probabilities.length) {
    sum.probabilities = Float64Array.from(probabilities);
    sum.weight = weight;
    return;
  }
  sum.weight += weight;
  const part = weight / sum.weight;
  const mean = sum.probabilities;
  for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + (probabilities[i]! - mean[i]!) * part;
}
