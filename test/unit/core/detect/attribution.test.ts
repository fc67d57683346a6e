/** Who is to blame for a shift of one cell: named only when the others are plainly innocent. */
import { describe, expect, it } from 'vitest';
import { affectedSources } from '../../../../agent/core/detect/attribution.ts';
import type { TickContext } from '../../../../agent/core/detect/contract.ts';
import { type Change, PODS, trafficContexts } from './suite.ts';

const CELL = 3;

/** Shifts of the mean in request deviations, pod by pod; traffic so high that chance plays no part. */
const shifted = (by: readonly number[], more: Partial<TickContext> = {}, change: Change = {}): TickContext =>
  trafficContexts(
    [{ volume: 100, mean: (source) => by[PODS.indexOf(source as 'pod-0')]!, ...change }],
    more,
  )[0]!;

describe('affected sources', () => {
  it.each([
    ['one that is out', [0, 3, 0], ['pod-1']],
    ['two that are out', [0, 3, 2], ['pod-1', 'pod-2']],
    ['one out upwards and one downwards', [-3, 3, 0], ['pod-0', 'pod-1']],
    ['none when all are out', [3, 3, 3], []],
    ['none when one is out most but the rest is out too', [1, 3, 1], []],
    ['none when one is in doubt', [0, 3, 1], []],
    ['none when none is out', [0, 0, 0], []],
  ])('are %s', (_, by, wanted) => {
    expect(affectedSources(shifted(by), CELL, 'mean')).toEqual(wanted);
  });

  it('are looked for in the variance by its own figures', () => {
    const context = shifted([0, 0, 0], {}, { variance: (source) => (source === 'pod-0' ? 3 : 0) });
    expect(affectedSources(context, CELL, 'variance')).toEqual(['pod-0']);
    expect(affectedSources(context, CELL, 'mean')).toEqual([]);
  });

  it.each([
    ['there is one source only', shifted([3], {}, { pods: ['pod-0'] })],
    ['there is no baseline', shifted([0, 3, 0], { baseline: null })],
    ['the baseline does not know the layer', shifted([0, 3, 0], { places: Int32Array.of(0, -1, 2) })],
  ])('are not known when %s', (_, context) => {
    expect(affectedSources(context, CELL, 'mean')).toEqual([]);
  });

  it('are those that measured the cell', () => {
    const context = shifted([0, 3, 0]);
    const sources = context.tick.sources.map((one) =>
      one.source === 'pod-2' ? { ...one, tick: { ...one.tick, cells: new Float64Array(0) } } : one,
    );
    expect(affectedSources({ ...context, tick: { ...context.tick, sources } }, CELL, 'mean')).toEqual([
      'pod-1',
    ]);
  });
});
