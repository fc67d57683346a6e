/**
 * Series of single layers: all, the worst of each stream, or none. They are the ones that can be too many.
 */
import { METRICS } from '../../catalog.ts';
import type { CellView, ModelView, StreamView } from '../../core/view.ts';
import { NO_LAYERS, nextWorstLayers, type RankedLayer, type WorstLayers } from '../worst-layers.ts';
import type { Collector } from './collector.ts';
import { addOps, OP_SERIES } from './latency.ts';
import { streamIdentity } from './model.ts';

/** By the name of the stream. Only streams that are there are kept. */
export type WorstByStream = ReadonlyMap<string, WorstLayers>;

/** Layers to show, or `all`. */
type Shown = 'all' | ReadonlySet<string>;

/** An upper bound: what is not measured is counted too. */
export function countDetail(models: readonly ModelView[]): number {
  let count = 0;
  for (const model of models) {
    count += model.nonfiniteDay.length;
    for (const { cells, latency } of model.streams) {
      for (const { scores } of cells) count += 2 + 2 * scores.length;
      count += OP_SERIES * latency.ops.length;
    }
  }
  return count;
}

export function addAllDetail(out: Collector, models: readonly ModelView[]): void {
  for (const model of models) {
    for (const stream of model.streams) addCells(out, stream, 'all');
    addNonfinite(out, model, () => 'all');
  }
}

export function addWorstDetail(
  out: Collector,
  models: readonly ModelView[],
  { previous, count }: { previous: WorstByStream; count: number },
): WorstByStream {
  const kept = new Map<string, WorstLayers>();
  for (const model of models) {
    const shownByVersion = new Map<string, Set<string>>();
    for (const stream of model.streams) {
      const name = JSON.stringify([stream.environment, stream.model, stream.id]);
      const worst = nextWorstLayers(previous.get(name) ?? NO_LAYERS, {
        layers: rankLayers(model, stream),
        tick: stream.step ?? stream.tickEndMs,
        count,
      });
      kept.set(name, worst);
      const shown = new Set(worst.shown.keys());
      addCells(out, stream, shown);
      shownByVersion.set(stream.version, new Set([...shown, ...(shownByVersion.get(stream.version) ?? [])]));
    }
    addNonfinite(out, model, (version) => shownByVersion.get(version) ?? new Set());
  }
  return kept;
}

function addCells(out: Collector, stream: StreamView, shown: Shown): void {
  const identity = streamIdentity(stream);
  addOps(out, stream, (layer) => shown === 'all' || shown.has(layer));
  for (const cell of stream.cells) {
    const { layer, site } = cell;
    if (shown !== 'all' && !shown.has(layer)) continue;
    out.add(METRICS.activation_mean, identity, { layer, site }, cell.mean);
    out.add(METRICS.activation_variance, identity, { layer, site }, cell.variance);
    for (const { against, meanShiftSigmas, klNats } of cell.scores) {
      out.add(METRICS.activation_shift_sigmas, identity, { layer, site, against }, meanShiftSigmas);
      out.add(METRICS.activation_kl_nats, identity, { layer, site, against }, klNats);
    }
  }
}

function addNonfinite(out: Collector, model: ModelView, shownOf: (version: string) => Shown): void {
  const identity = { environment: model.environment, model: model.model };
  for (const { version, layer, site, kind, where, elements } of model.nonfiniteDay) {
    const shown = shownOf(version);
    if (shown !== 'all' && !shown.has(layer)) continue;
    const own = { version, layer, site, kind, where, range: '24h' };
    out.add(METRICS.nonfinite_elements, identity, own, elements);
  }
}

function rankLayers(model: ModelView, stream: StreamView): RankedLayer[] {
  const badness = new Map<string, number>(stream.layers.map((layer) => [layer, 0]));
  for (const cell of stream.cells)
    badness.set(cell.layer, Math.max(badness.get(cell.layer) ?? 0, cellBadness(cell)));
  for (const incident of model.incidents) {
    const concerned = incident.version === stream.version && incident.role === stream.role;
    if (incident.status !== 'open' || !concerned || incident.run !== stream.run) continue;
    for (const layer of incident.layers) if (badness.has(layer)) badness.set(layer, Number.POSITIVE_INFINITY);
  }
  return Array.from(badness, ([layer, value]) => ({ layer, badness: value }));
}

const cellBadness = ({ scores }: CellView): number =>
  Math.max(
    0,
    ...scores.flatMap(({ meanShiftSigmas, varianceShiftSigmas }) => [
      Math.abs(meanShiftSigmas ?? 0),
      Math.abs(varianceShiftSigmas ?? 0),
    ]),
  );
