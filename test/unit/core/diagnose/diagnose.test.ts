/** From the signals of one tick to the one that tells the story: origin, cause, sources, severity, effect. */
import { describe, expect, it } from 'vitest';
import type { Signal, TickContext } from '../../../../agent/core/detect/contract.ts';
import { isEverywhere } from '../../../../agent/core/diagnose/everywhere.ts';
import { diagnose } from '../../../../agent/core/diagnose/index.ts';
import { patternOf } from '../../../../agent/core/diagnose/pattern.ts';
import { signal } from '../../../kit/incidents.ts';
import { type Change, trafficContexts } from '../detect/suite.ts';

const contextOf = (change: Change, more: Partial<TickContext> = {}): TickContext =>
  trafficContexts([change], more)[0]!;
const shifted = (
  byCell: Readonly<Record<number, number>>,
  of: (source: string) => boolean = () => true,
): Change => ({
  mean: (source, cell) => (of(source) ? (byCell[cell] ?? 0) : 0),
});
/** Layers of the suite: embeddings, middle, last; a signal is about one of these. */
const said = (layer: number, site: 'input' | 'output', more: Partial<Signal> & { detector?: string } = {}) =>
  signal({ layer, site, effect: 1, evidence: { seen: layer }, ...more });
const told = (context: TickContext, ...signals: ReturnType<typeof said>[]) =>
  diagnose(context, signals)!.signal;

describe('the origin', () => {
  it('is the first cell that is clearly out, though no detector is sure of it yet', () => {
    const context = contextOf(shifted({ 2: 2, 3: 2, 4: 2, 5: 2 }));
    expect(told(context, said(2, 'output'))).toMatchObject({ layer: 1, site: 'input' });
  });

  it('is that of the first signal where no cell is out in this tick alone', () => {
    const context = contextOf({});
    expect(told(context, said(2, 'output'), said(1, 'output'))).toMatchObject({ layer: 1, site: 'output' });
  });

  it('of one source is seen in its own numbers, where the mean of all hides it', () => {
    const context = contextOf(shifted({ 3: 0.9, 5: 4 }, (source) => source === 'pod-1'));
    expect(patternOf(context, [], -1)!.origin).toBe(5);
    expect(patternOf(context, ['pod-1'], -1)!.origin).toBe(3);
    expect(patternOf(context, ['pod-0', 'pod-2'], -1)).toBeNull();
  });

  it('is nowhere without a baseline: the first signal tells the story as it is', () => {
    const context = contextOf(shifted({ 3: 4 }), { scores: null, baseline: null });
    const first = said(1, 'output', { cause: 'manifest_mismatch', confidence: 0.9 });
    expect(diagnose(context, [first])).toMatchObject({ detector: first.detector, signal: first.signal });
  });

  it('of no signals is none', () => {
    expect(diagnose(contextOf(shifted({ 3: 4 })), [])).toBeNull();
  });
});

describe('the cause', () => {
  it('is that of the pattern where detectors know none', () => {
    const one = told(contextOf(shifted({ 0: 2, 1: 2, 2: 2 })), said(0, 'input'));
    expect(one).toMatchObject({ cause: 'input_shift', confidence: 0.8, layer: 0, site: 'input' });
    expect(one.says).toContain('embeddings, the first normalization');
  });

  it('is that of a detector that is at least as sure', () => {
    const sure = said(2, 'output', { detector: 'manifest', cause: 'epsilon_mismatch', confidence: 0.95 });
    const one = told(contextOf(shifted({ 0: 2 })), said(0, 'input'), sure);
    expect(one).toMatchObject({ cause: 'epsilon_mismatch', confidence: 0.95, layer: 0 });
  });

  it('is that of the pattern where a detector is less sure', () => {
    const unsure = said(2, 'output', { detector: 'other', cause: 'quantization', confidence: 0.3 });
    expect(told(contextOf(shifted({ 0: 2 })), said(0, 'input'), unsure)).toMatchObject({
      cause: 'input_shift',
    });
  });

  it('has its place where its detector says, unless something is out before it', () => {
    const sure = said(1, 'output', { detector: 'manifest', cause: 'missing_affine', confidence: 0.95 });
    expect(told(contextOf(shifted({ 4: 2 })), sure, said(2, 'input'))).toMatchObject({
      layer: 1,
      site: 'output',
    });
    expect(told(contextOf(shifted({ 0: 2 })), sure, said(2, 'input'))).toMatchObject({
      layer: 0,
      site: 'input',
    });
  });

  it('keeps the evidence of both, and finite', () => {
    const one = told(
      contextOf({ variance: (_, cell) => (cell === 3 ? -6 : 0) }, { deployed: true }),
      said(1, 'output'),
    );
    expect(one.cause).toBe('epsilon_mismatch');
    expect(one.evidence).toMatchObject({ seen: 1, output_variance_ratio: expect.any(Number) });
    for (const value of Object.values(one.evidence)) expect(Number.isFinite(value)).toBe(true);
  });
});

describe('severity', () => {
  const computed = (by: number): Change => shifted({ 2: by, 3: by, 4: by });

  it.each([
    ['wrong arithmetic from five request deviations on', computed(5.6), 'page'],
    ['wrong arithmetic below that', computed(4.2), 'ticket'],
    ['traffic, however far', shifted({ 0: 9, 1: 9 }), 'ticket'],
  ])('of %s', (_, change, severity) => {
    expect(told(contextOf(change), said(2, 'output')).severity).toBe(severity);
  });

  it('that a detector gave is kept', () => {
    expect(told(contextOf(shifted({ 0: 1 })), said(0, 'input', { severity: 'page' })).severity).toBe('page');
  });

  it('tells the largest shift of any cell', () => {
    const one = told(contextOf(shifted({ 2: 1, 5: 7 })), said(1, 'input', { effect: 1, unit: 'nats' }));
    expect(one.unit).toBe('request_sigmas');
    expect(one.effect).toBeGreaterThan(6);
    expect(one.effect).toBeLessThan(8);
  });
});

describe('sources', () => {
  const ofPod1 = shifted({ 3: 4, 4: 4 }, (source) => source === 'pod-1');

  it('are those of the comparison of sources, then those of the first signal', () => {
    const peers = said(2, 'output', { detector: 'peers', sources: ['pod-1'] });
    expect(told(contextOf(ofPod1), said(1, 'output', { sources: ['pod-9'] }), peers).sources).toEqual([
      'pod-1',
    ]);
    expect(told(contextOf(ofPod1), said(1, 'output', { sources: ['pod-1'] })).sources).toEqual(['pod-1']);
  });

  it('is the only one of a rollout that has just begun', () => {
    expect(told(contextOf(ofPod1, { loneSource: 'pod-1' }), said(1, 'output')).sources).toEqual(['pod-1']);
  });

  it('are all only where each of them shows it', () => {
    expect(diagnose(contextOf(ofPod1), [said(1, 'output')])).toMatchObject({ everywhere: false });
    expect(diagnose(contextOf(shifted({ 3: 4 })), [said(1, 'output')])).toMatchObject({ everywhere: true });
  });

  it('show it with half of the largest shift, in mean or in variance', () => {
    const uneven = (least: number): Change => ({
      mean: (source, cell) => (cell === 3 ? (source === 'pod-0' ? least : 4) : 0),
    });
    expect(isEverywhere(contextOf(uneven(2.8)), 3)).toBe(true);
    expect(isEverywhere(contextOf(uneven(1.2)), 3)).toBe(false);
    expect(isEverywhere(contextOf({ ...uneven(0), variance: (_, cell) => (cell === 3 ? 4 : 0) }), 3)).toBe(
      true,
    );
    expect(isEverywhere(contextOf({}), 3)).toBe(false);
  });
});
