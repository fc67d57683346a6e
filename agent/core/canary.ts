/**
 * A canary beside the stable version that serves the same model at the same time: hour, volume and texts are shared, so
 * what differs is the canary's. Ticks are compared with their own twins, so both keep their last few closed ones.
 */
import type { Bucket } from './bucket.ts';
import { byName, type Codec, f64, floats, list, struct } from './codec.ts';
import { SPREAD_FLOATS } from './detect/peer-traces.ts';
import { floatsOf } from './detect/trace.ts';
import { moveCells, placesOf, sameNames } from './layout.ts';
import { checkpointOf, type Model } from './model.ts';
import * as m from './moments.ts';
import { outputsNow } from './outputs.ts';
import type { Divergence } from './score/divergence.ts';
import { outputDivergence } from './score/output.ts';
import { type GroupScores, scoreGroups } from './score/peers.ts';
import type { Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';

/** A closed tick of all sources together. */
export interface RecentTick {
  readonly index: number;
  readonly sources: number;
  readonly cells: Float64Array;
}

export const recentTicksCodec: Codec<RecentTick[]> = list(
  struct<RecentTick>({ index: f64, sources: f64, cells: floats }),
);

export const RECENT_TICKS = 3;

/** Groups of each pair: the canary first. */
export const CANARY = 0;
const STABLE = 1;

export interface Pair {
  readonly index: number;
  readonly scores: GroupScores;
  /** Sources of the canary and of the stable version. */
  readonly sources: readonly [canary: number, stable: number];
}

export interface CanaryComparison {
  /** What it is held against. */
  readonly version: string;
  readonly sameWeights: boolean;
  /** Ticks that both have and that were not compared before, oldest first. */
  readonly pairs: readonly Pair[];
  /** By statistic: spread between stable sources beyond their requests, where it is known. */
  readonly spread: (statistic: number) => number;
}

const isLive = (stream: Stream, role: string): boolean => stream.role === role && !stream.stopped;

/** The last ticks with this one; none while the model has no canary. */
export function recentTicks(model: Model, stream: Stream, tick: TickSummary): RecentTick[] {
  const streams = [...model.streams.values()];
  if (stream.role === 'shadow' || !streams.some((one) => isLive(one, 'canary'))) return [];
  const sources = tick.sources.filter(({ tick: one }) => one.flushes > 0).length;
  return [...(stream.last?.recent ?? []), { index: tick.index, sources, cells: tick.cells }].slice(
    -RECENT_TICKS,
  );
}

/** Null where there is nothing to compare. `compared`: the last tick that was. */
export function compareCanary(
  model: Model,
  stream: Stream,
  tick: TickSummary,
  baseline: Bucket | null,
  places: Int32Array,
): CanaryComparison | null {
  if (stream.role !== 'canary') return null;
  const stable = stableOf(model, stream);
  if (stable === null) return null;
  const compared = stream.last?.compared ?? -1;
  const here = recentTicks(model, stream, tick);
  const known = baseline === null ? null : { cells: baseline.cells, places };
  const pairs: Pair[] = [];
  for (const own of here) {
    const twin = stable.last?.recent.find(({ index }) => index === own.index);
    if (own.index <= compared || twin === undefined || own.sources === 0 || twin.sources === 0) continue;
    const cells = inLayersOf(stream, stable, twin.cells);
    const groups = [
      { name: stream.version, cells: own.cells },
      { name: stable.version, cells },
    ];
    const scores = scoreGroups(groups, known, STABLE);
    if (scores !== null) pairs.push({ scores, sources: [own.sources, twin.sources], index: own.index });
  }
  return {
    version: stable.version,
    sameWeights: checkpointOf(model, stable) === checkpointOf(model, stream),
    pairs,
    spread: spreadOf(stream, stable),
  };
}

/** Of several stable versions one with the canary's weights, then the busiest. */
export function stableOf(model: Model, canary: Stream): Stream | null {
  const weights = checkpointOf(model, canary);
  const rank = (stream: Stream): number => (checkpointOf(model, stream) === weights ? 1 : 0);
  const stables = [...model.streams.values()].filter((one) => isLive(one, 'stable') && one.last !== null);
  stables.sort(
    (a, b) => rank(b) - rank(a) || b.last!.requests - a.last!.requests || byName(a.version, b.version),
  );
  return stables[0] ?? null;
}

function inLayersOf(canary: Stream, stable: Stream, cells: Float64Array): Float64Array {
  if (sameNames(canary.layers, stable.layers)) return cells;
  const places = placesOf(stable.layers, canary.layers);
  return moveCells(cells, m.TICK_STRIDE, places, canary.layers.length);
}

/** What `peers` has learnt of the stable sources. */
function spreadOf(canary: Stream, stable: Stream): (statistic: number) => number {
  const state = stable.detectors.get('peers');
  if (state === undefined || !sameNames(canary.layers, stable.layers)) return () => 0;
  const floats32 = floatsOf(state.cells);
  return (statistic) => Math.max(0, floats32[statistic * SPREAD_FLOATS] ?? 0);
}

/** Outputs of a canary over the last minute against those of its stable version. */
export function canaryOutputs(model: Model, stream: Stream): Map<string, Divergence> {
  const found = new Map<string, Divergence>();
  const stable = stream.role === 'canary' ? stableOf(model, stream) : null;
  if (stable === null) return found;
  const theirs = outputsNow(stable);
  for (const [output, now] of outputsNow(stream)) {
    const then = theirs.get(output);
    const divergence = then === undefined ? null : outputDivergence(now, then);
    if (divergence !== null) found.set(output, divergence);
  }
  return found;
}
