/** Rows that `peers` keeps of each source. */
import type { GroupScores } from '../score/peers.ts';
import type { DetectorState, TickContext } from './contract.ts';
import { floatsOf, TRACE_DOUBLES, TRACE_FLOATS } from './trace.ts';

/** A source's row: ticks seen, the last of them, and requests behind what is usual; then a trace for each statistic. */
export const HEAD_SEEN = 0;
const LAST_TICK = 1;
export const HEAD_REQUESTS = 2;
export const HEAD_DOUBLES = 3;
/** Ticks that what is usual is a mean of, once there are so many. */
export const MEMORY_TICKS = 360;
/** Rows of sources that sent nothing for so many ticks are dropped. */
const GONE_TICKS = 360;

/** Float rows of the sources of a tick, in their order; `null` where there is none. */
export const rowsOf = (state: DetectorState, peers: GroupScores): (Float32Array | null)[] =>
  peers.names.map((name) => {
    const row = state.named.get(name);
    return row === undefined || row.length !== lengthOf(peers) ? null : floatsOf(row);
  });

export const lengthOf = ({ statistics }: GroupScores): number => HEAD_DOUBLES + statistics * TRACE_DOUBLES;
export const traceAt = (statistic: number): number => 2 * HEAD_DOUBLES + statistic * TRACE_FLOATS;

export function forgetGone(state: DetectorState, tick: number): void {
  for (const [source, row] of state.named)
    if (row[LAST_TICK]! < tick - GONE_TICKS || row[LAST_TICK]! > tick) state.named.delete(source);
}

/** Rows for all sources of the tick; one of another length (other layers) begins anew. */
export function meetSources(
  state: DetectorState,
  peers: GroupScores,
  length: number,
  tick: number,
): Float64Array[] {
  return peers.names.map((name) => {
    let row = state.named.get(name);
    if (row === undefined || row.length !== length) {
      row = new Float64Array(length);
      state.named.set(name, row);
    }
    row[HEAD_SEEN] = Math.min(MEMORY_TICKS, row[HEAD_SEEN]! + 1);
    row[LAST_TICK] = tick;
    return row;
  });
}

/** Requests that what is usual is a mean of: all at first, then those of the last hour, fading. */
export function noteRequests(
  { tick }: TickContext,
  peers: GroupScores,
  heads: readonly Float64Array[],
): void {
  let next = 0;
  for (const { source, tick: one } of tick.sources) {
    if (source !== peers.names[next]) continue;
    const head = heads[next++]!;
    const kept = head[HEAD_SEEN]! < MEMORY_TICKS ? 1 : 1 - 1 / MEMORY_TICKS;
    head[HEAD_REQUESTS] = head[HEAD_REQUESTS]! * kept + one.requests;
  }
}

/** Sources differ for good and nobody can be blamed: what is usual for them is learnt anew, however much it is. `ticks` seen count as known. */
export function settle(state: DetectorState, ticks: number): void {
  for (const row of state.named.values()) {
    row.fill(0, HEAD_DOUBLES);
    row[HEAD_SEEN] = ticks;
    row[HEAD_REQUESTS] = 0;
  }
}
