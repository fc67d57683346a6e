/** What a stream put out over the last minute. */
import type { Bucket } from './bucket.ts';
import { mergeOutput, type OutputSum } from './output-sum.ts';
import type { Divergence } from './score/divergence.ts';
import { outputDivergence } from './score/output.ts';
import type { Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';

const OUTPUT_TICKS = 6;

export function pushOutputs(stream: Stream, tick: TickSummary): void {
  stream.outputs.push({ tick: tick.index, sums: new Map(tick.outputs) });
  while (stream.outputs.length > 0 && stream.outputs[0]!.tick <= tick.index - OUTPUT_TICKS)
    stream.outputs.shift();
}

/** Outputs of the last minute, by name. */
export function outputsNow(stream: Stream): Map<string, OutputSum> {
  const sums = new Map<string, OutputSum>();
  for (const { sums: of } of stream.outputs) for (const [name, sum] of of) mergeOutput(sums, name, sum);
  return sums;
}

/** Each output against the baseline, where both have it. */
export function outputScores(stream: Stream, baseline: Bucket) {
  const scores: { output: string; requests: number; divergence: Divergence; chanceNats: number }[] = [];
  for (const [output, now] of outputsNow(stream)) {
    const then = baseline.outputs.get(output);
    const divergence = then === undefined ? null : outputDivergence(now, then);
    if (divergence === null) continue;
    const requests = now.requests - now.nonFiniteRequests;
    scores.push({ output, requests, divergence, chanceNats: chanceOf(stream, output, then!) });
  }
  return scores;
}

/** Fewer ticks than this do not show how they scatter. */
const SCATTER_TICKS_MIN = 3;
const PROBABILITY_MIN = 1e-9;

/**
 * The divergence that a minute of so few requests shows by chance: KL ≈ ½ Σ (p − q)²/q, whose mean is the variance of the
 * minute's p, estimated from its ticks. 0 where that is not known.
 */
function chanceOf(stream: Stream, output: string, then: OutputSum): number {
  const ticks = stream.outputs.flatMap(({ sums }) => {
    const sum = sums.get(output);
    return sum !== undefined && sum.weight > 0 && sum.probabilities.length === then.probabilities.length
      ? [sum.probabilities]
      : [];
  });
  if (ticks.length < SCATTER_TICKS_MIN || then.weight === 0) return 0;
  let chance = 0;
  for (let k = 0; k < then.probabilities.length; k++) {
    let mean = 0;
    for (const p of ticks) mean += p[k]! / ticks.length;
    let squares = 0;
    for (const p of ticks) squares += (p[k]! - mean) ** 2;
    const variance = squares / (ticks.length - 1) / ticks.length;
    chance += variance / (2 * Math.max(PROBABILITY_MIN, then.probabilities[k]!));
  }
  return chance;
}
