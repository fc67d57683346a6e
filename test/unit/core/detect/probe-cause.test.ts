/** What follows from the answers of a small network that computes as it should, or not: real arithmetic as the oracle. */
import { describe, expect, it } from 'vitest';
import { judgeProbe, type ProbeLayer } from '../../../../agent/core/detect/probe-cause.ts';
import { PROBE, probeOfKey } from '../../../../agent/core/sums/probe.ts';
import { createEmitter, T0 } from '../../../kit/events.ts';
import { type Arithmetic, FEATURES, type NetworkFault, probeAnswer } from '../../../kit/probe-network.ts';

function rowsOf(fault: NetworkFault): Map<string, Float64Array> {
  const rows = new Map<string, Float64Array>();
  const event = createEmitter('pod').send('activations', T0, { ...probeAnswer(fault), probe: 'golden' });
  PROBE.add(event, (key, length) => {
    if (!rows.has(key)) rows.set(key, new Float64Array(length));
    return rows.get(key)!;
  });
  return rows;
}

interface Setting {
  readonly base?: NetworkFault;
  readonly features?: number | null;
  readonly epsilon?: number | null;
  readonly deployed?: boolean;
  readonly change?: (layer: ProbeLayer) => void;
}

function judge(fault: NetworkFault, setting: Setting = {}) {
  const { base = {}, features = null, epsilon = null, deployed = false, change } = setting;
  const before = rowsOf(fault.digits === undefined ? base : { ...base, digits: fault.digits });
  const layers = [...rowsOf({ ...base, ...fault })].map(([key, now]) => {
    const layer = { name: probeOfKey(key)!.name, base: before.get(key)!, now, features, epsilon };
    change?.(layer);
    return layer;
  });
  return judgeProbe(layers, deployed);
}

const only = (place: number, arithmetic: Arithmetic): NetworkFault => ({
  layers: [0, 1, 2].map((i) => (i === place ? arithmetic : undefined)),
});
const PLACES = ['first', 'second', 'third'] as const;
/** So many binary digits after the first. */
const rounding = (digits: number) => (value: number) => {
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - digits);
  return Math.round(value / step) * step;
};

describe('a probe', () => {
  it('that answers as before says nothing', () => {
    expect(judge({})).toBe(null);
    expect(judge({ digits: 17 })).toBe(null);
    expect(judgeProbe([], false)).toBe(null);
  });

  it('does not tell single precision from double in five digits', () => {
    expect(judge({ layers: { round: Math.fround } })).toBe(null);
  });

  it('does not see a step of the fifth digit, but does in more', () => {
    const nudge = (by: number): Setting => ({ change: ({ now }) => now.set(now.map((x) => x * (1 + by))) });
    expect(judge({ digits: 17 }, nudge(1e-7))).toBe(null);
    expect(judge({ digits: 17 }, nudge(1e-6))).toMatchObject({ layer: 'first', site: 'input' });
  });

  it('allows what the baseline itself has varied by', () => {
    expect(judge({ layers: { epsilon: 0.001 } })).not.toBe(null);
    const wide: Setting = {
      change: ({ base }) => base.set(base.map((x, i) => x + (i < 2 ? 0 : ((i % 2) - 0.5) * 0.006))),
    };
    expect(judge({ layers: { epsilon: 0.001 } }, wide)).toBe(null);
  });
});

describe('another epsilon', () => {
  it.each([1e-4, 1e-3, 1e-2, 0.05, 0.3])('of %s in all layers is told by its value', (epsilon) => {
    const verdict = judge({ layers: { epsilon } }, { features: FEATURES });
    expect(verdict).toMatchObject({
      cause: 'epsilon_mismatch',
      layer: 'first',
      site: 'output',
      confidence: 0.85,
    });
    expect(verdict!.impliedEpsilon / epsilon).toBeCloseTo(1, 1);
  });

  it.each([0, 1, 2])('in layer %i alone is told there', (place) => {
    const verdict = judge(only(place, { epsilon: 0.05 }));
    expect(verdict).toMatchObject({ cause: 'epsilon_mismatch', layer: PLACES[place], site: 'output' });
    expect(verdict!.impliedEpsilon).toBeCloseTo(0.05, 2);
  });

  it('that shows in a step or two of the last digit is told with less certainty', () => {
    expect(judge({ layers: { epsilon: 1e-5 } })).toMatchObject({
      cause: 'epsilon_mismatch',
      confidence: 0.6,
    });
  });

  it('that is smaller than what is declared is told as well', () => {
    const base = { layers: { epsilon: 0.01 } };
    const verdict = judge({ layers: { epsilon: 1e-12 } }, { base, epsilon: 0.01 });
    expect(verdict).toMatchObject({ cause: 'epsilon_mismatch' });
    expect(verdict!.impliedEpsilon).toBeLessThan(1e-3);
    expect(judge({ layers: { epsilon: 1e-12 } }, { base })).toMatchObject({ cause: 'unknown' });
  });
});

describe('other arithmetic', () => {
  it.each([0, 1, 2])('without gamma and beta in layer %i', (place) => {
    expect(judge(only(place, { affine: false }))).toMatchObject({
      cause: 'missing_affine',
      layer: PLACES[place],
      site: 'output',
    });
  });

  it('of root mean squares for layer normalization, and back', () => {
    const rms = { layers: { norm: 'rmsnorm' } } as const;
    const back = { layers: { norm: 'layernorm' } } as const;
    expect(judge(rms)).toMatchObject({ cause: 'norm_type', layer: 'first' });
    expect(judge(only(1, rms.layers))).toMatchObject({ cause: 'norm_type', layer: 'second' });
    expect(judge(back, { base: rms })).toMatchObject({ cause: 'norm_type', layer: 'first' });
  });

  it('of n − 1 for n, with the number of features and without', () => {
    const all = { layers: { estimator: true } };
    expect(judge(all, { features: FEATURES })).toMatchObject({ cause: 'variance_estimator', layer: 'first' });
    expect(judge(all)).toMatchObject({ cause: 'variance_estimator', layer: 'first' });
    expect(judge(only(1, all.layers), { features: FEATURES })).toMatchObject({
      cause: 'variance_estimator',
      layer: 'second',
    });
    expect(judge(all, { features: 4 * FEATURES })).not.toMatchObject({ cause: 'variance_estimator' });
  });

  it.each([7, 10])('of %i binary digits', (digits) => {
    const round = rounding(digits);
    expect(judge({ layers: { round } })).toMatchObject({ cause: 'precision_change', layer: 'first' });
    expect(judge(only(1, { round }))).toMatchObject({ cause: 'precision_change', layer: 'second' });
  });

  it('of a block is told at the layer after it', () => {
    expect(judge({ blocks: [1, 1, 20] })).toMatchObject({
      cause: 'weight_corruption',
      layer: 'third',
      site: 'input',
      confidence: 0.8,
    });
    expect(judge({ offset: 0.01 })).toMatchObject({ layer: 'first', site: 'input', confidence: 0.5 });
  });

  it('of quantized weights needs a deployment to be called that', () => {
    const fault = { quantize: (weight: number) => Math.round(weight / 0.01) * 0.01 };
    expect(judge(fault, { deployed: true })).toMatchObject({
      cause: 'quantization',
      layer: 'second',
      site: 'input',
    });
    expect(judge(fault)).toMatchObject({ cause: 'weight_corruption' });
  });

  it('of a layer whose input is not sent is not guessed at', () => {
    const blind: Setting = {
      change: ({ base, now }) => {
        for (const row of [base, now]) row.fill(Number.NaN, 2, 12);
      },
    };
    expect(judge({ layers: { epsilon: 0.05 } }, blind)).toMatchObject({ cause: 'unknown', site: 'output' });
  });
});
