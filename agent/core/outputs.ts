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
  const scores: { output: string; requests: number; divergence: Divergence }[] = [];
  for (const [output, now] of outputsNow(stream)) {
    const then = baseline.outputs.get(output);
    const divergence = then === undefined ? null : outputDivergence(now, then);
    if (divergence !== null)
      scores.push({ output, requests: now.requests - now.nonFiniteRequests, divergence });
  }
  return scores;
}
