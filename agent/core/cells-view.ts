/** Cells of the last closed tick as the outside sees them, against whatever they were compared with. */
import { layerOfCell, siteOfCell } from './layout.ts';
import * as m from './moments.ts';
import * as s from './score/cells.ts';
import * as p from './score/peers.ts';
import type { LastTick, Stream } from './stream.ts';
import type * as v from './view.ts';

export function viewCells(stream: Stream, last: LastTick): v.CellView[] {
  const cells: v.CellView[] = [];
  for (let cell = 0; cell < stream.layers.length * 2; cell++) {
    const row = cell * m.TICK_STRIDE;
    if (!(last.cells[row + m.FLUSHES]! > 0)) continue;
    const scores: v.CellScore[] = [];
    if (last.reference !== null) scores.push(viewScore('reference', last.reference, cell));
    if (last.rolling !== null) scores.push(viewScore('rolling', last.rolling, cell));
    if (last.peers !== null) scores.push(viewDifference('peers', last.peers, cell));
    if (last.canary !== null) scores.push(viewDifference('canary', last.canary, cell));
    cells.push({
      layer: stream.layers[layerOfCell(cell)]!,
      site: siteOfCell(cell),
      mean: finite(last.cells[row + m.A_MEAN]!),
      variance: finite(last.cells[row + m.V_MEAN]!),
      min: finite(last.min[cell]!),
      max: finite(last.max[cell]!),
      scores,
    });
  }
  return cells;
}

function viewScore(against: v.Against, scores: s.CellScores, cell: number): v.CellScore {
  const at = (column: number): number | null => finite(scores.rows[cell * s.SCORE_STRIDE + column]!);
  return {
    against,
    meanShiftSigmas: at(s.S_MEAN_EFFECT),
    varianceShiftSigmas: at(s.S_VARIANCE_EFFECT),
    logVarianceRatio: at(s.S_LOG_VARIANCE_RATIO),
    klNats: at(s.S_KL),
    histogramKlNats: at(s.S_HISTOGRAM_KL),
    histogramJsNats: at(s.S_HISTOGRAM_JS),
    histogramPsi: at(s.S_HISTOGRAM_PSI),
    baselineMean: at(s.S_BASELINE_MEAN),
    baselineMeanBand: at(s.S_MEAN_BAND),
    baselineVariance: at(s.S_BASELINE_VARIANCE),
    baselineVarianceFactor: at(s.S_VARIANCE_FACTOR),
  };
}

/** A difference between groups of the same tick has no baseline and no distribution. */
function viewDifference(against: v.Against, rows: Float64Array, cell: number): v.CellScore {
  const at = (column: number): number | null => finite(rows[cell * p.DIFFERENCE_STRIDE + column]!);
  return {
    against,
    meanShiftSigmas: at(p.D_MEAN_EFFECT),
    varianceShiftSigmas: at(p.D_VARIANCE_EFFECT),
    logVarianceRatio: at(p.D_LOG_VARIANCE_RATIO),
    klNats: null,
    histogramKlNats: null,
    histogramJsNats: null,
    histogramPsi: null,
    baselineMean: null,
    baselineMeanBand: null,
    baselineVariance: null,
    baselineVarianceFactor: null,
  };
}

/** Null for what is no number: JSON has none. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
