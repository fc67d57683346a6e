/** A layer's history → one part per chart: values, band, and what was expected in words. Pure. */
import { number } from './format.ts';
import type { LayerHistory } from './messages.ts';

export interface ChartPart {
  readonly title: string;
  readonly unit: string;
  readonly log: boolean;
  readonly columns: readonly number[];
  readonly values: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
  /** What the band says of one column. */
  readonly expected: (column: number) => string;
}

type Cell = LayerHistory['cells'][number];

export function partsOf(history: LayerHistory, cell: Cell): ChartPart[] {
  const { columns, against } = history;
  const { mean, variance, kl, baselineMean, baselineMeanBand, baselineVariance, baselineVarianceFactor } =
    cell.fields;
  const baseline = against ?? 'reference';
  const none = columns.map(() => null);
  const band = (low: boolean) =>
    columns.map((_, i) =>
      join(baselineMean[i], baselineMeanBand[i], (centre, width) => centre + (low ? -width : width)),
    );
  const factor = (low: boolean) =>
    columns.map((_, i) =>
      join(baselineVariance[i], baselineVarianceFactor[i], (centre, by) => (low ? centre / by : centre * by)),
    );
  const varianceBand = { low: factor(true), high: factor(false) };
  const inWords = (centre: number | null | undefined, sign: string, width: number | null | undefined) =>
    centre == null
      ? `(no ${baseline} yet)`
      : `(${baseline} ${number(centre)}${width == null ? '' : ` ${sign} ${number(width)}`})`;
  return [
    {
      title: `Mean of the ${cell.site}`,
      unit: '',
      log: false,
      columns,
      values: mean,
      low: band(true),
      high: band(false),
      expected: (i) => inWords(baselineMean[i], '±', baselineMeanBand[i]),
    },
    {
      title: `Variance of the ${cell.site}`,
      unit: '',
      log: spansDecades([...variance, ...varianceBand.low]),
      columns,
      values: variance,
      ...varianceBand,
      expected: (i) => inWords(baselineVariance[i], '×÷', baselineVarianceFactor[i]),
    },
    {
      title: `KL divergence of the ${cell.site}`,
      unit: 'nats',
      log: false,
      columns,
      values: kl,
      low: none,
      high: none,
      expected: () => `from ${baseline}`,
    },
  ];
}

/** The band is a factor, so a logarithmic axis shows it evenly; it pays from a factor of four, and cannot show 0. */
function spansDecades(values: readonly (number | null)[]): boolean {
  const known = values.filter((value) => value !== null);
  const least = known.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return least > 0 && known.some((value) => value > 4 * least);
}

const join = (
  a: number | null | undefined,
  b: number | null | undefined,
  by: (a: number, b: number) => number,
): number | null => (a == null || b == null ? null : by(a, b));
