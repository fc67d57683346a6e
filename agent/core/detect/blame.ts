/** Which sources show by themselves, in one window, what the stream shows. */

/** A source is out by itself from here on, and as far from each that is not, in standard deviations of one source. */
const OUT_SIGMAS = 4;
/** A source that has moved by less than this share of the furthest is not out. */
const CLEAN_SHARE_MAX = 0.25;
/** Beyond half of the sources it is no fault of single ones. */
const BLAMED_SHARE_MAX = 0.5;
const SOURCES_MAX = 64;

/** What one source shows of the statistic that is furthest out; unknown ones (NaN) are left out. */
export interface SourceShift {
  readonly source: string;
  readonly shift: number;
  readonly sigmas: number;
}

/** Names in the given order; empty when all are out, or when it is not certain. */
export function blamed(given: readonly SourceShift[]): string[] {
  const shifts = given.filter(({ shift, sigmas }) => Number.isFinite(shift) && Number.isFinite(sigmas));
  const furthest = Math.max(...shifts.map(({ shift }) => Math.abs(shift)));
  const out = shifts.filter(({ shift }) => Math.abs(shift) > CLEAN_SHARE_MAX * furthest);
  const clean = shifts.filter((one) => !out.includes(one));
  if (out.length > Math.min(SOURCES_MAX, BLAMED_SHARE_MAX * shifts.length)) return [];
  const least = Math.min(...out.map(({ sigmas }) => Math.abs(sigmas)));
  const most = Math.max(...clean.map(({ sigmas }) => Math.abs(sigmas)));
  return least - most >= OUT_SIGMAS * Math.SQRT2 ? out.map(({ source }) => source) : [];
}
