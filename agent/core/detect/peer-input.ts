/** Sources that get another slice of the traffic than their peers, e.g. a shard of tenants. */
import type { GroupScores } from '../score/peers.ts';

/** A source whose first input is so far off its peers' gets other traffic … */
const INPUT_SIGMAS = 0.3;
/** … in a first tick only if it is so surely. */
const SURE_SIGMAS = 4;

/**
 * What reaches the first layer has not met any arithmetic that could be wrong. `usual`: what mean and log variance there
 * are off usually, request standard deviations; 0 as long as nothing is known.
 */
export function hasOtherInput(peers: GroupScores, i: number, usual: readonly [number, number]): boolean {
  const count = peers.names.length;
  const own = peers.requests[i]!;
  return usual.some((off, statistic) => {
    if (peers.freedom[statistic] === 0 || Number.isNaN(peers.values[statistic * count + i]!)) return false;
    if (off !== 0) return Math.abs(off) >= INPUT_SIGMAS;
    const now = Math.abs(plainEffect(peers, statistic, i, own));
    return now >= INPUT_SIGMAS && now * Math.sqrt(own) >= SURE_SIGMAS;
  });
}

/** Off the others without regard to what is usual: `values` are about the mean of all. */
export function plainEffect(peers: GroupScores, statistic: number, i: number, own: number): number {
  const count = peers.names.length;
  let requests = 0;
  for (let j = 0; j < count; j++)
    if (!Number.isNaN(peers.values[statistic * count + j]!))
      requests += peers.requests[(statistic >> 1) * count + j]!;
  return (peers.values[statistic * count + i]! * requests) / (requests - own);
}
