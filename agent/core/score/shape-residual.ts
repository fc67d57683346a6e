/** Shapes of the histograms of one layer and site in one window against those of the baseline, in its own scatter. */
import { windowEvidence } from '../detect/windows.ts';
import { H_COUNT, H_REQUESTS, SHAPE_WIDTH, siteAt, statisticAt } from '../sums/shape.ts';
import { SHAPE_STATISTICS } from './shape.ts';

/** Histograms of a baseline below which their scatter is not known. */
export const HISTOGRAMS_MIN = 6;
/** Standard errors of the baseline that no effect may be below. */
const ERRORS = 3;

export interface ShapeScore {
  /** Mean e-value of the statistics. */
  readonly evidence: number;
  /** The statistic furthest out; its shift in its own unit and in standard deviations of one request. */
  readonly worst: number;
  readonly shift: number;
  readonly requestSigmas: number;
}

/** Null when either row has too little of the site. */
export function scoreShape(
  now: Float64Array | undefined,
  then: Float64Array | undefined,
  site: number,
  leastSigmas: number,
): ShapeScore | null {
  const spread = shapeSpread(now, then, site);
  if (spread === null) return null;
  const at = siteAt(site);
  const freedom = then![at + H_COUNT]! - 1;
  const requests = then![at + H_REQUESTS]!;
  let evidence = 0;
  let worst = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let s = 0; s < SHAPE_STATISTICS.length; s++) {
    const shift = shapeShift(now!, then!, site, s);
    const request = requestSigma(then!, site, s);
    const floor = SHAPE_STATISTICS[s]!.least;
    const least = Math.max(floor, leastSigmas * request, (ERRORS * request) / Math.sqrt(requests));
    // What never scattered in the baseline is held against its floor alone.
    const sigma = Math.max(request * spread, floor * 1e-3);
    evidence += windowEvidence((shift - least) / sigma, (-shift - least) / sigma, freedom);
    const over = (Math.abs(shift) - least) / sigma;
    if (over <= most) continue;
    most = over;
    worst = s;
  }
  const shift = shapeShift(now!, then!, site, worst);
  return {
    evidence: evidence / SHAPE_STATISTICS.length,
    worst,
    shift,
    requestSigmas:
      Math.abs(shift) / Math.max(requestSigma(then!, site, worst), SHAPE_STATISTICS[worst]!.least),
  };
}

/**
 * Standard deviation of a window's difference from the baseline, in those of one request. Histograms of more requests than
 * the baseline's are not taken to be surer: what requests share does not average out.
 */
function shapeSpread(
  now: Float64Array | undefined,
  then: Float64Array | undefined,
  site: number,
): number | null {
  if (now?.length !== SHAPE_WIDTH || then?.length !== SHAPE_WIDTH) return null;
  const at = siteAt(site);
  const count = then[at + H_COUNT]!;
  const requests = then[at + H_REQUESTS]!;
  const seen = now[at + H_REQUESTS]!;
  if (count < HISTOGRAMS_MIN || seen === 0) return null;
  const weight = Math.min(seen, (now[at + H_COUNT]! * requests) / count);
  return Math.sqrt(1 / weight + 1 / requests);
}

const shapeShift = (now: Float64Array, then: Float64Array, site: number, statistic: number): number =>
  now[siteAt(site) + statisticAt(statistic)]! - then[siteAt(site) + statisticAt(statistic)]!;

const requestSigma = (then: Float64Array, site: number, statistic: number): number =>
  Math.sqrt(then[siteAt(site) + statisticAt(statistic) + 1]! / (then[siteAt(site) + H_COUNT]! - 1));
