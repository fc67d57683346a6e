/**
 * What kernels were found to compute, by layer, against float64: how far off at most, and which epsilon explains their
 * outputs. `null` was measured and is no number, so it says nothing.
 */
import type { Column, Event } from '../decode/event.ts';
import type { RowOf, SumKind } from '../sums.ts';

/** Events, the place of the layer as the event lists them, and the largest error (−1: none was told). */
export const Y_COUNT = 0;
export const Y_ORDER = 1;
export const Y_ERROR = 2;
/** How many told both epsilons, and their sums: the implied one is a fit, which scatters. */
export const Y_FITS = 3;
export const Y_IMPLIED = 4;
export const Y_EXPECTED = 5;
export const PARITY_STRIDE = 6;

export const PARITY_PREFIX = 'parity/';

function add(event: Event, rowOf: RowOf): void {
  if (event.kind !== 'parity') return;
  const { layers, max_abs_error: error, implied_epsilon: implied, expected_epsilon: expected } = event;
  for (let i = 0; i < layers.length; i++) {
    const errorOf = numberAt(error, i);
    const impliedOf = numberAt(implied, i);
    const expectedOf = numberAt(expected, i);
    const fits = impliedOf !== null && expectedOf !== null;
    if (errorOf === null && !fits) continue;
    const row = rowOf(PARITY_PREFIX + layers[i]!, PARITY_STRIDE);
    if (row === null) return;
    if (row[Y_COUNT] === 0) row[Y_ERROR] = -1;
    row[Y_COUNT] = row[Y_COUNT]! + 1;
    row[Y_ORDER] = Math.max(row[Y_ORDER]!, i);
    if (errorOf !== null) row[Y_ERROR] = Math.max(row[Y_ERROR]!, errorOf);
    if (!fits) continue;
    row[Y_FITS] = row[Y_FITS]! + 1;
    row[Y_IMPLIED] = row[Y_IMPLIED]! + impliedOf;
    row[Y_EXPECTED] = row[Y_EXPECTED]! + expectedOf;
  }
}

function numberAt(column: Column | undefined, i: number): number | null {
  const value = column?.[i];
  return typeof value === 'number' ? value : null;
}

function addTick(into: Float64Array, from: Float64Array): void {
  into[Y_COUNT] = into[Y_COUNT]! + from[Y_COUNT]!;
  into[Y_ORDER] = Math.max(into[Y_ORDER]!, from[Y_ORDER]!);
  into[Y_ERROR] = Math.max(into[Y_ERROR]!, from[Y_ERROR]!);
  for (let at = Y_FITS; at < PARITY_STRIDE; at++) into[at] = into[at]! + from[at]!;
}

function enter(row: Float64Array | null, tick: Float64Array): Float64Array {
  if (row === null || row.length !== tick.length) return Float64Array.from(tick);
  addTick(row, tick);
  return row;
}

export const PARITY: SumKind = {
  prefix: 'parity',
  kinds: ['parity'],
  add,
  addTick,
  enter,
  merge: addTick,
};
