/** What the outside sees of a stream's requests and op times: cumulative counts, as its state has them. */
import { byName } from './codec.ts';
import * as t from './totals.ts';

/** Durations by upper bound; the last count is of what is above all bounds. Counts may be fractions. */
export interface DurationsView {
  readonly boundsSeconds: readonly number[];
  readonly counts: readonly number[];
  readonly seconds: number;
}

export interface LatencyView {
  /** Null before the first closed tick. */
  readonly requests: number | null;
  /** Null while no event told of errors. */
  readonly errors: number | null;
  readonly durations: DurationsView | null;
  readonly nonFinite: readonly { readonly output: string; readonly requests: number }[];
  /** Layers whose op was timed, in forward order. */
  readonly ops: readonly { readonly layer: string; readonly durations: DurationsView }[];
}

export const NO_LATENCY: LatencyView = {
  requests: null,
  errors: null,
  durations: null,
  nonFinite: [],
  ops: [],
};

export function viewLatency(totals: t.Totals, layers: readonly string[]): LatencyView {
  const requests = totals.get('requests');
  const durations = totals.get('durations');
  const outputs = [...totals].filter(([key]) => key.startsWith(NONFINITE));
  return {
    requests: requests?.[t.T_REQUESTS] ?? null,
    errors: requests?.[t.T_ERRORS_TOLD] === 1 ? requests[t.T_ERRORS]! : null,
    durations: durations === undefined ? null : viewDurations(durations, t.REQUEST_BOUNDS_SECONDS),
    nonFinite: outputs
      .map(([key, row]) => ({ output: key.slice(NONFINITE.length), requests: row[0]! }))
      .sort((a, b) => byName(a.output, b.output)),
    ops: layers.flatMap((layer) => {
      const row = totals.get(`op/${layer}`);
      return row === undefined ? [] : [{ layer, durations: viewDurations(row, t.OP_BOUNDS_SECONDS) }];
    }),
  };
}

const NONFINITE = 'nonfinite/';

const viewDurations = (row: Float64Array, boundsSeconds: readonly number[]): DurationsView => ({
  boundsSeconds,
  counts: [...row.subarray(t.T_COUNTS, t.T_COUNTS + t.BOUNDS + 1)],
  seconds: row[t.T_SECONDS]!,
});
