/** What every bench needs: medians of ratios from paired runs, and a line a figure. */

export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly goal: string;
  readonly good: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs both in turn, after a warm-up of each, and answers with the ratio other ÷ one of each pair's seconds. */
export async function pairedRatios(
  pairs: number,
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<{ readonly ratios: number[]; readonly oneSeconds: number[]; readonly otherSeconds: number[] }> {
  await one();
  await other();
  const oneSeconds: number[] = [];
  const otherSeconds: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    oneSeconds.push(await secondsOf(one));
    otherSeconds.push(await secondsOf(other));
  }
  return { ratios: oneSeconds.map((seconds, i) => otherSeconds[i]! / seconds), oneSeconds, otherSeconds };
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

export const rate = (count: number, seconds: number): string =>
  `${Math.round(count / seconds).toLocaleString('en-US')}/s`;

/** What small agents are told (docs/architecture.md, Memory): less garbage is let pile up. */
export const SMALL_MEMORY = { NODE_OPTIONS: '--max-semi-space-size=1', MALLOC_ARENA_MAX: '1' };

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
