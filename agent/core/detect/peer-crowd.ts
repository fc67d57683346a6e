/**
 * Evidence of many sources against their peers, one number for each: a trace for every statistic of a thousand sources
 * would outgrow the baseline. The mean over statistics of one-tick e-values is an e-value whatever their dependence, and
 * its running product with restarts an e-detector (Shin, Ramdas, Rinaldo, "E-detectors", 2023, section 2). Nothing is
 * learnt of what is usual for a source, so only what is far off counts.
 */
import type { GroupScores } from '../score/peers.ts';
import type { DetectorState, TickContext } from './contract.ts';
import { plainEffect } from './peer-input.ts';
import { HEAD_DOUBLES, meetSources } from './peer-rows.ts';
import { USUAL_MAX } from './peer-traces.ts';
import { normalOf } from './trace.ts';

const SIZES = [1, 4] as const;
const OFF_SIGMAS = 5;

export interface CrowdEvidence {
  /** By source. */
  readonly values: Float64Array;
  readonly sum: number;
}

export function stepCrowd(
  context: TickContext,
  peers: GroupScores,
  state: DetectorState,
  cap: number,
): CrowdEvidence {
  const rows = meetSources(state, peers, HEAD_DOUBLES + 1, context.tick.index);
  const values = oneTick(peers);
  let sum = 0;
  for (const [i, row] of rows.entries()) {
    row[HEAD_DOUBLES] = Math.min(cap, (1 + row[HEAD_DOUBLES]!) * values[i]!);
    values[i] = row[HEAD_DOUBLES]!;
    sum += values[i]!;
  }
  return { values, sum };
}

/** This tick alone shows the source off its peers in this statistic. */
export function isOff(peers: GroupScores, statistic: number, i: number): boolean {
  const own = peers.requests[(statistic >> 1) * peers.names.length + i]!;
  return Math.abs(plainEffect(peers, statistic, i, own)) * Math.sqrt(own) >= OFF_SIGMAS;
}

/** Mean e-value of each source in this tick. */
function oneTick(peers: GroupScores): Float64Array {
  const count = peers.names.length;
  const sums = new Float64Array(count);
  const measured = new Float64Array(count);
  for (let statistic = 0; statistic < peers.statistics; statistic++) {
    if (peers.freedom[statistic] === 0) continue;
    const requests = peers.requests.subarray((statistic >> 1) * count, ((statistic >> 1) + 1) * count);
    let all = 0;
    for (let i = 0; i < count; i++)
      if (!Number.isNaN(peers.values[statistic * count + i]!)) all += requests[i]!;
    for (let i = 0; i < count; i++) {
      const value = peers.values[statistic * count + i]!;
      const own = requests[i]!;
      if (Number.isNaN(value) || own === all) continue;
      const deviation = Math.sqrt(1 / own + 1 / (all - own));
      const off = Math.abs((value * all) / (all - own));
      const u = normalOf((off - USUAL_MAX) / deviation, peers.freedom[statistic]!);
      let e = 0;
      // Half for either sign; the other one's share is as good as nothing.
      for (const size of SIZES)
        e += Math.exp(Math.min(size * u - (size * size) / 2, own)) / (2 * SIZES.length);
      sums[i] = sums[i]! + e;
      measured[i] = measured[i]! + 1;
    }
  }
  return sums.map((sum, i) => (measured[i]! > 0 ? sum / measured[i]! : 1));
}
