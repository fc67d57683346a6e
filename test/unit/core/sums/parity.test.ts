/** What kernels were found to compute, in ticks and baselines. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../../agent/core/decode/event.ts';
import {
  PARITY,
  Y_COUNT,
  Y_ERROR,
  Y_EXPECTED,
  Y_FITS,
  Y_IMPLIED,
  Y_ORDER,
} from '../../../../agent/core/sums/parity.ts';
import { createEmitter, type Given, T0 } from '../../../kit/events.ts';

const pod = createEmitter('pod-0');
const told = (body: Given) => pod.send('parity', T0, { layers: ['a', 'b'], ...body });

function rowsOf(...events: Event[]): Map<string, Float64Array> {
  const rows = new Map<string, Float64Array>();
  const rowOf = (key: string, length: number) => {
    if (!rows.has(key)) rows.set(key, new Float64Array(length));
    return rows.get(key)!;
  };
  for (const event of events) PARITY.add(event, rowOf);
  return rows;
}

describe('sums of parity', () => {
  it('keep the largest error, and both epsilons', () => {
    const one = { max_abs_error: [1, 2], implied_epsilon: [0.1, 0.2], expected_epsilon: [1e-5, 1e-5] };
    const row = rowsOf(told(one), told({ ...one, max_abs_error: [0.5, 7] })).get('parity/b')!;
    expect([row[Y_COUNT], row[Y_ORDER], row[Y_ERROR], row[Y_FITS]]).toEqual([2, 1, 7, 2]);
    expect([row[Y_IMPLIED]! / 2, row[Y_EXPECTED]! / 2]).toEqual([0.2, 1e-5]);
  });

  it.each([
    [
      'null columns of values',
      { max_abs_error: [null, null], implied_epsilon: [null, 1], expected_epsilon: [1, null] },
    ],
    ['an epsilon without the other', { implied_epsilon: [1, 1] }],
    ['layers alone', {}],
    ['other kinds', null],
  ])('say nothing of %s', (_, body) => {
    expect(rowsOf(body === null ? pod.sign(T0) : told(body)).size).toBe(0);
  });

  it('know an error of 0 from none', () => {
    const rows = rowsOf(
      told({ max_abs_error: [0, null], implied_epsilon: [0, 0], expected_epsilon: [0, 0] }),
    );
    expect([rows.get('parity/a')![Y_ERROR], rows.get('parity/b')![Y_ERROR]]).toEqual([0, -1]);
    expect([rows.get('parity/a')![Y_FITS], rows.get('parity/b')![Y_FITS]]).toEqual([1, 1]);
  });

  it('merge in any order', () => {
    const row = (error: number) => rowsOf(told({ max_abs_error: [error, null] })).get('parity/a')!;
    const [one, other] = [
      PARITY.enter(PARITY.enter(null, row(1)), row(3)),
      PARITY.enter(PARITY.enter(null, row(3)), row(1)),
    ];
    expect(one).toEqual(other);
    expect(one![Y_ERROR]).toBe(3);
    expect(PARITY.enter(new Float64Array(1), row(2))).toEqual(row(2));
  });
});
