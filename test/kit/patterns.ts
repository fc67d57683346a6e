/** Made-up patterns of a fault over six layers: every cell is as before, but for what is given. */
import { newBucket } from '../../agent/core/bucket.ts';
import type { TickContext } from '../../agent/core/detect/contract.ts';
import type { CellPattern, Pattern } from '../../agent/core/diagnose/pattern.ts';
import type { Histogram } from '../../agent/core/histogram.ts';
import { DEFAULT_SETTINGS } from '../../agent/core/settings.ts';

export const LAYERS = ['norm-0', 'norm-1', 'norm-2', 'norm-3', 'norm-4', 'norm-5'];
export const inputOf = (layer: number): number => layer * 2;
export const outputOf = (layer: number): number => layer * 2 + 1;

const AS_BEFORE: CellPattern = {
  meanShift: 0,
  meanSpread: 0.1,
  varianceShift: 0,
  varianceSpread: 0.1,
  mean: 0.3,
  baselineMean: 0.3,
  variance: 0.8,
  baselineVariance: 0.8,
  flushes: 45,
  meanScatter: 1,
  varianceScatter: 1,
  constant: null,
};

export interface Given {
  readonly origin: number;
  readonly cells?: Readonly<Record<number, Partial<CellPattern>>>;
  readonly deployed?: boolean;
  readonly sources?: readonly string[];
  /** Of the baseline, by cell. */
  readonly histograms?: Readonly<Record<number, Histogram>>;
}

export function patternOf({
  origin,
  cells = {},
  deployed = false,
  sources = [],
  histograms = {},
}: Given): Pattern {
  const baseline = newBucket(LAYERS.length);
  baseline.histograms = LAYERS.flatMap((_, layer) => [
    histograms[inputOf(layer)] ?? null,
    histograms[outputOf(layer)] ?? null,
  ]);
  const context = {
    layers: LAYERS,
    places: Int32Array.from(LAYERS, (_, layer) => layer),
    settings: DEFAULT_SETTINGS,
    baseline,
    deployed,
  } as unknown as TickContext;
  const all = Array.from({ length: LAYERS.length * 2 }, (_, cell) => ({ ...AS_BEFORE, ...cells[cell] }));
  return { context, cells: all, origin, sources };
}
