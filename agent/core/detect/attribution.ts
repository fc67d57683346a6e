/**
 * Which sources show what the stream shows. What `peers` has gathered of each source counts where its evidence stands,
 * this tick's own numbers elsewhere.
 */

import type { Statistic } from '../score/components.ts';
import { type GroupScores, LOG_VARIANCE } from '../score/peers.ts';
import type { DetectorState, TickContext } from './contract.ts';
import { partOf } from './evidence.ts';
import { type Estimates, leftBaseline } from './odd-ones.ts';
import { rowsOf, traceAt } from './peer-rows.ts';
import { SPREAD_FLOATS } from './peer-traces.ts';
import { COUNT, effectAt, evidenceAt, floatsOf, USUAL } from './trace.ts';

/** Names of the affected sources in order; empty when all (or none for certain) are. */
export function affectedSources(context: TickContext, cell: number, statistic: Statistic): string[] {
  const { peers, peerState } = context;
  const of = cell * 2 + (statistic === 'variance' ? LOG_VARIANCE : 0);
  if (peers === null || Number.isNaN(peers.baseline[of]!) || !(peers.freedom[of]! > 0)) return [];
  const rows = peerState === null ? [] : rowsOf(peerState, peers);
  const estimates = estimatesAt(peers, rows, peerState, of, partOf(peers.statistics * peers.names.length));
  return leftBaseline(estimates).map((i) => peers.names[i]!);
}

/** `rows`: of the sources, as `rowsOf` gives them. */
export function estimatesAt(
  peers: GroupScores,
  rows: readonly (Float32Array | null)[],
  state: DetectorState | null,
  statistic: number,
  evident: number,
): Estimates {
  const count = peers.names.length;
  const at = traceAt(statistic);
  const requests = peers.requests.slice((statistic >> 1) * count, ((statistic >> 1) + 1) * count);
  const values = peers.values.slice(statistic * count, (statistic + 1) * count);
  let all = 0;
  let mean = 0;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(values[i]!)) continue;
    values[i] = values[i]! - (rows[i]?.[at + USUAL] ?? 0) / peers.unit[statistic]!;
    all += requests[i]!;
    mean += requests[i]! * values[i]!;
  }
  mean /= all;
  const ticks = new Float64Array(count).fill(1);
  for (let i = 0; i < count; i++) {
    values[i] = values[i]! - mean;
    const row = rows[i] ?? null;
    if (row === null || Number.isNaN(values[i]!) || evidenceAt(row, at) < evident) continue;
    // An effect is against the others, a value about the mean of all.
    values[i] = (effectAt(row, at) * (all - requests[i]!)) / all;
    ticks[i] = Math.max(1, row[at + COUNT]!);
  }
  const spread =
    state === null || state.cells.length === 0
      ? 0
      : Math.max(0, floatsOf(state.cells)[statistic * SPREAD_FLOATS]!);
  const baseline = peers.baseline[statistic]! - mean;
  return { values, requests, ticks, spread, freedom: peers.freedom[statistic]!, baseline };
}

export const cellOfStatistic = (statistic: number): number => statistic >> 1;
export const statisticName = (statistic: number): Statistic =>
  (statistic & 1) === LOG_VARIANCE ? 'variance' : 'mean';
