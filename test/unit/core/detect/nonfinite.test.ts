/** The hard rule speaks of one event: no tick, no baseline, no threshold. */
import { describe, expect, it } from 'vitest';
import type { NonfiniteContext } from '../../../../agent/core/detect/contract.ts';
import { nonfinite } from '../../../../agent/core/detect/nonfinite.ts';

type Count = NonfiniteContext['counts'][number];

const count = (given: Partial<Count> = {}): Count => ({
  layer: 3,
  name: 'middle',
  site: 'input',
  nan: 0,
  inf: 0,
  magnitude: null,
  ...given,
});
const context = (counts: readonly Count[], more: Partial<NonfiniteContext> = {}): NonfiniteContext => ({
  timeMs: 1_234,
  source: 'pod-0',
  step: null,
  where: 'forward',
  counts,
  ...more,
});
const signalOf = (counts: readonly Count[], more: Partial<NonfiniteContext> = {}) =>
  nonfinite.nonfinite!(context(counts, more))[0]!;

describe('nonfinite', () => {
  it('stays quiet when nothing is counted', () => {
    expect(nonfinite.nonfinite!(context([]))).toEqual([]);
  });

  it('pages for a single NaN, at its layer, source and time', () => {
    expect(signalOf([count({ nan: 1 })])).toMatchObject({
      layer: 3,
      site: 'input',
      sources: ['pod-0'],
      severity: 'page',
      cause: 'nonfinite',
      confidence: 1,
      effect: 1,
      unit: 'elements',
      onsetMs: 1_234,
      evidence: { nan_elements: 1, inf_elements: 0, where: 'forward' },
      says: 'NaN at the input of middle (forward)',
    });
  });

  it('is about the first layer, and counts the elements of all', () => {
    const signal = signalOf([count({ inf: 2 }), count({ layer: 4, name: 'last', nan: 5, inf: 1 })]);
    expect(signal).toMatchObject({ layer: 3, effect: 8, evidence: { nan_elements: 5, inf_elements: 3 } });
    expect(signal.says).toBe('Inf at the input of middle (forward)');
  });

  it.each([
    ['Inf beside values near 65504', { inf: 1, magnitude: 60_000 }, 'fp16_overflow'],
    ['Inf beside the largest fp16 number', { inf: 1, magnitude: 65_504 }, 'fp16_overflow'],
    ['Inf beside half of it', { inf: 1, magnitude: 32_752 }, 'fp16_overflow'],
    ['Inf beside less', { inf: 1, magnitude: 32_751 }, 'nonfinite'],
    ['Inf beside what fp16 cannot hold', { inf: 1, magnitude: 65_505 }, 'nonfinite'],
    ['Inf whose neighbours are not known', { inf: 1 }, 'nonfinite'],
    ['NaN beside values near 65504', { nan: 1, magnitude: 65_504 }, 'nonfinite'],
  ] as const)('%s is %s', (_, given, cause) => {
    const signal = signalOf([count(given)]);
    expect(signal.cause).toBe(cause);
    expect(nonfinite.causes).toContain(cause);
    expect(signal.evidence.greatest_finite_magnitude).toBe(
      'magnitude' in given ? given.magnitude : undefined,
    );
  });

  it('speaks of a group of parameters without a site, and of the backward pass', () => {
    const signal = signalOf([count({ name: 'layer.0', site: null, nan: 2 })], { where: 'backward', step: 7 });
    expect(signal.says).toBe('NaN in layer.0 (backward)');
    expect(signal.evidence.where).toBe('backward');
  });
});
