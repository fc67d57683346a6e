/**
 * Which layers of a stream are shown one by one when not all can be: the K worst, with hysteresis, so that a layer at
 * the edge does not come and go and leave a series of holes behind. Pure: the caller keeps the result.
 *
 * The K worst are always in. A layer that is in stays while it is among the worst 1.5 K, and leaves after it was
 * outside for six ticks in a row. There are never more than 2 K: then the mildest that are not among the K worst leave.
 */

export interface WorstLayers {
  /** End of the tick (or step) that was judged last; null before the first. */
  readonly tick: number | null;
  /** Layers shown → for how many ticks in a row they have been outside of the worst 1.5 K. */
  readonly shown: ReadonlyMap<string, number>;
}

export interface RankedLayer {
  readonly layer: string;
  /** The larger, the worse; infinite for a layer that an open incident names. */
  readonly badness: number;
}

export const NO_LAYERS: WorstLayers = { tick: null, shown: new Map() };

const STAY_FACTOR = 1.5;
const SHOWN_FACTOR = 2;
const LEAVE_TICKS = 6;

/** `layers` in forward order: among equals the one nearer to the input is the worse. The same tick counts once. */
export function nextWorstLayers(
  previous: WorstLayers,
  { layers, tick, count }: { layers: readonly RankedLayer[]; tick: number | null; count: number },
): WorstLayers {
  const ranked = layers.toSorted((a, b) => compareBadness(b.badness, a.badness)).map(({ layer }) => layer);
  const stay = new Set(ranked.slice(0, Math.ceil(count * STAY_FACTOR)));
  const passed = tick === previous.tick ? 0 : 1;

  const shown = new Map<string, number>();
  for (const [rank, layer] of ranked.entries()) {
    const before = previous.shown.get(layer);
    if (rank >= count && before === undefined) continue;
    const outside = stay.has(layer) ? 0 : (before ?? 0) + passed;
    if (outside < LEAVE_TICKS) shown.set(layer, outside);
    if (shown.size === count * SHOWN_FACTOR) break;
  }
  return { tick, shown };
}

// Infinity - Infinity is NaN, so no subtraction.
const compareBadness = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
