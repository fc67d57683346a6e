/** What is kept of a closed tick for the view, and for a canary to be compared by. */
import { CANARY, type CanaryComparison, recentTicks } from './canary.ts';
import type { Model } from './model.ts';
import type { CellScores } from './score/cells.ts';
import { differencesOf, type GroupScores } from './score/peers.ts';
import type { Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';

interface Scored {
  readonly reference: CellScores | null;
  readonly rolling: CellScores | null;
  readonly peers: GroupScores | null;
  readonly canary: CanaryComparison | null;
}

export function rememberTick(model: Model, stream: Stream, tick: TickSummary, scored: Scored): void {
  if (tick.flushes === 0) return;
  const { reference, rolling, peers, canary } = scored;
  const pair = canary?.pairs.at(-1);
  stream.last = {
    endMs: tick.endMs,
    requests: tick.requests,
    tokens: tick.tokens,
    cells: tick.cells,
    min: tick.min,
    max: tick.max,
    reference,
    rolling,
    peers: peers === null ? null : differencesOf(peers, -1),
    canary: pair === undefined ? (stream.last?.canary ?? null) : differencesOf(pair.scores, CANARY),
    recent: recentTicks(model, stream, tick),
    compared: pair?.index ?? stream.last?.compared ?? -1,
  };
  stream.dirty.last = true;
}
