/**
 * Sources whose normalization ops take longer than those of their peers and than the baseline's. A source is compared
 * over all layers, so that the scatter of single ones averages out.
 *
 * The null is that a source is as far from its peers as sources of the baseline were. Then a distance of K of those
 * standard deviations is exceeded with probability at most 1/(1 + K²) whatever the distribution (Cantelli, 1928); where
 * the baseline cannot tell, being the slowest of n equals has probability 1/n. Betting a share of one's wealth on such an
 * event makes an e-value (Shafer, "Testing by betting", JRSS A 184, 2021), those an e-detector.
 */
import * as o from '../sums/op.ts';
import type { DetectorState, TickContext } from './contract.ts';

/** Standard deviations between sources that count as far, and how often that can happen by chance. */
const FAR_SIGMAS = 2.5;
const FAR_CHANCE = 1 / (1 + FAR_SIGMAS * FAR_SIGMAS);
/** Degrees of freedom from which on the baseline's scatter is known. */
const FREEDOM_MIN = 30;
/** Shares of wealth. */
const STAKES = [0.5, 0.9] as const;
/** Evidence, as a logarithm, from which on a source is left out of what the others say. */
const SUSPECT_NATS = 3;

/** Row of a source: evidence; since when it grows, over how many ticks, its distances. */
const ONSET_MS = STAKES.length;
const TICKS = STAKES.length + 1;
const DISTANCES = STAKES.length + 2;
const STRIDE = STAKES.length + 3;

export interface SourceEvidence {
  readonly source: string;
  readonly evidence: number;
  readonly isSuspected: boolean;
  /** Times its peers, mean over the ticks in which evidence grew. */
  readonly ratio: number;
  readonly onsetMs: number;
}

/** Octaves above the peers, and the scatter between sources; NaN = not known. */
interface Distance {
  readonly fromPeers: number;
  readonly sigma: number;
}

/** One tick of every source that can be compared; `usualLevel` tells what a row like this one may take. */
export function stepSources(
  context: TickContext,
  state: DetectorState,
  least: number,
  usualLevel: (base: Float64Array | undefined, tick: Float64Array) => number,
  cap: number,
): SourceEvidence[] {
  const live = new Set(context.sources.map(({ source }) => source));
  for (const name of state.named.keys()) if (!live.has(name)) state.named.delete(name);
  const count = context.tick.sources.length;
  if (count < 2) return [];
  const found: SourceEvidence[] = [];
  for (const { source, tick } of context.tick.sources) {
    const distance = distanceOf(context, tick.sums);
    if (distance === null || !live.has(source)) continue;
    const isKnown = !Number.isNaN(distance.sigma);
    const far = isKnown
      ? Math.max(least, FAR_SIGMAS * distance.sigma * Math.sqrt(count / (count - 1)))
      : least;
    const isFar = distance.fromPeers >= far && fromUsual(context, tick.sums, usualLevel) >= least;
    found.push(
      step(context, state, source, isFar, isKnown ? FAR_CHANCE : 1 / count, distance.fromPeers, cap),
    );
  }
  return found;
}

function distanceOf(
  { tick, baseline, layers }: TickContext,
  own: ReadonlyMap<string, Float64Array>,
): Distance | null {
  let compared = 0;
  let fromPeers = 0;
  let sigma = 0;
  for (const key of o.opKeys(layers)) {
    const row = own.get(key);
    const base = baseline!.sums.get(key);
    if (row === undefined || base === undefined) continue;
    const all = tick.sums.get(key)!;
    const flushes = all[o.OP_FLUSHES]! - row[o.OP_FLUSHES]!;
    const distance = Math.log2(
      (row[o.OP_FLUSHES]! / flushes) * ((all[o.OP_RATE]! - row[o.OP_RATE]!) / row[o.OP_RATE]!),
    );
    // Without peers, or beside one that is faster by more than doubles can tell, there is no distance.
    if (!Number.isFinite(distance)) continue;
    compared++;
    fromPeers += distance;
    const freedom = base[o.OP_FREEDOM]!;
    sigma += freedom < FREEDOM_MIN ? Number.NaN : Math.sqrt(base[o.OP_SPREAD]! / freedom);
  }
  return compared === 0 ? null : { fromPeers: fromPeers / compared, sigma: sigma / compared };
}

/** Octaves above what such ops may take, mean over the layers that the baseline knows; NaN where it knows none. */
function fromUsual(
  { baseline, layers }: TickContext,
  own: ReadonlyMap<string, Float64Array>,
  usualLevel: (base: Float64Array | undefined, tick: Float64Array) => number,
): number {
  let known = 0;
  let sum = 0;
  for (const key of o.opKeys(layers)) {
    const row = own.get(key);
    const usual = row === undefined ? Number.NaN : usualLevel(baseline!.sums.get(key), row);
    if (Number.isNaN(usual)) continue;
    known++;
    sum += o.opLevel(row!) - usual;
  }
  return sum / known;
}

function step(
  context: TickContext,
  state: DetectorState,
  source: string,
  isFar: boolean,
  chance: number,
  distance: number,
  cap: number,
): SourceEvidence {
  let row = state.named.get(source);
  if (row === undefined) {
    row = new Float64Array(STRIDE);
    state.named.set(source, row);
  }
  let evidence = 0;
  STAKES.forEach((stake, i) => {
    const e = 1 + stake * ((isFar ? 1 / chance : 0) - 1);
    row[i] = Math.min(cap, (1 + row[i]!) * e);
    evidence += row[i]! / STAKES.length;
  });
  if (evidence <= 1 || row[TICKS] === 0) {
    row[ONSET_MS] = context.tick.startMs;
    row[TICKS] = 0;
    row[DISTANCES] = 0;
  }
  if (evidence > 1) {
    row[TICKS] = row[TICKS]! + 1;
    row[DISTANCES] = row[DISTANCES]! + distance;
  }
  const ticks = row[TICKS]!;
  return {
    source,
    evidence,
    isSuspected: evidence >= Math.exp(SUSPECT_NATS),
    ratio: ticks === 0 ? 1 : 2 ** (row[DISTANCES]! / ticks),
    onsetMs: row[ONSET_MS]!,
  };
}
