/** Single features that collapse, die or run away: which, where, whose; and what all do together is left to others. */
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../../../agent/core/bucket.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { features } from '../../../../agent/core/detect/features.ts';
import { createGaussian } from '../../../kit/events.ts';
import { channelBaseline, channelEvents, type FeatureWorld, windowTick } from '../../../kit/windows.ts';
import { contextOf, detectorSuite, FIRST, LAYERS, START_MS, times } from './suite.ts';

const BASELINE = channelBaseline(LAYERS);
/** A window every third tick, as every 30 s. */
function contexts(
  worlds: readonly FeatureWorld[],
  baseline: Bucket | null = BASELINE,
  seed = 2,
): TickContext[] {
  const gaussian = createGaussian(seed);
  return worlds.flatMap((world, i) =>
    [channelEvents(gaussian, world), [], []].map((events, k) =>
      contextOf(windowTick(FIRST + 3 * i + k, LAYERS, events), baseline, { scores: null }),
    ),
  );
}
const QUIET: FeatureWorld = {};
const only =
  (feature: number, value: number, other: number) =>
  (f: number): number =>
    f === feature ? value : other;
const collapse: FeatureWorld = { variance: (f) => ([5, 17].includes(f) ? 0.001 : 1) };
const ticket = { layer: 'middle', severity: 'ticket' } as const;

detectorSuite(features, {
  quiet: {
    'on ordinary windows': contexts(times(200, QUIET)),
    'on ten times the traffic': contexts(times(50, { tokens: 40_000 })),
    'on a hundredth of the traffic': contexts(times(50, { tokens: 40 })),
    'when all features move': contexts(times(20, { mean: () => 0.5, variance: () => 2 })),
    'when a whole layer collapses': contexts(times(20, { variance: () => 1e-9 })),
    'below the least effect': contexts(times(50, { mean: only(3, 0.1, 0), variance: only(4, 1.2, 1) })),
    'without a baseline': contexts(times(3, collapse), null),
    'on features that the baseline does not have': contexts(times(20, { ...collapse, features: 32 })),
    'on a layer that the baseline does not have': contexts(times(20, { ...collapse, layer: 'last' })),
    'with few windows in the baseline': contexts(times(20, collapse), {
      ...BASELINE,
      sums: new Map([...BASELINE.sums].map(([key, row]) => [key, row.map((x, i) => (i === 1 ? 5 : x))])),
    }),
  },
  alarms: {
    'when features lose their variance': {
      contexts: contexts([QUIET, collapse]),
      tick: 3,
      ...ticket,
      says: {
        cause: 'channel_collapse',
        site: 'output',
        sources: [],
        unit: 'request_sigmas',
        onsetMs: START_MS + 30_000,
        evidence: expect.objectContaining({ features_collapsed: 2, features_layer: 'middle' }) as never,
        says: expect.stringMatching(
          /^2 features at the output of middle have lost their variance \((5, 17|17, 5)\)$/,
        ) as never,
      },
    },
    'when one mean runs away': {
      contexts: contexts([QUIET, { mean: only(40, 3, 0) }]),
      tick: 3,
      ...ticket,
      says: {
        cause: 'unknown',
        confidence: 0,
        evidence: expect.objectContaining({ features: '40', features_rows_out: 1 }) as never,
        says: expect.stringMatching(
          /^at the output of middle the mean of feature 40 has moved by (2\.9|3|3\.0|3\.1)$/,
        ) as never,
      },
    },
    'of one pod alone': {
      contexts: contexts([QUIET, { mean: (f, source) => (f === 40 && source === 'pod-1' ? 6 : 0) }]),
      tick: 3,
      ...ticket,
      says: { sources: ['pod-1'] },
    },
    'after several windows, of a small shift': {
      contexts: contexts(times(6, { variance: only(12, 1.75, 1) })),
      tick: 9,
      ...ticket,
      says: { cause: 'unknown', onsetMs: START_MS },
    },
  },
});

describe('features between windows', () => {
  const play = (all: readonly TickContext[]) => {
    const state = newDetectorState(features, LAYERS.length);
    return { state, told: all.map((context) => features.tick!(context, state)), nats: () => state.nats };
  };

  it('stay out until the next window, and are well again when windows are', () => {
    const { told } = play(contexts([collapse, ...times(8, QUIET)]));
    const out = told.map((signals) => signals.length);
    expect(out.slice(0, 3)).toEqual([1, 1, 1]);
    expect(out.slice(-9)).toEqual(times(9, 0));
  });

  it('show how close it is, and where', () => {
    const { state } = play(contexts([collapse]));
    expect(state.at).toBe(3);
    expect(state.nats).toBeGreaterThan(14);
    const quiet = play(contexts(times(5, QUIET)));
    expect([quiet.state.nats, quiet.state.at]).toEqual([0, -1]);
  });

  it('are told without a layer where no flush names it', () => {
    const elsewhere = { ...collapse, layer: 'adapter' };
    const baseline = channelBaseline(LAYERS, { layer: 'adapter' });
    const { told } = play(contexts([elsewhere], baseline));
    expect(told[0]![0]).toMatchObject({ layer: -1, evidence: { features_layer: 'adapter' } });
  });

  it('name the first layer that is out', () => {
    const gaussian = createGaussian(4);
    const both = (world: FeatureWorld) => [
      ...channelEvents(gaussian, { ...world, layer: 'last' }),
      ...channelEvents(gaussian, { ...world, layer: 'embeddings' }),
    ];
    const baseline = channelBaseline(LAYERS, { layer: 'last' });
    for (const [key, row] of channelBaseline(LAYERS, { layer: 'embeddings' }).sums)
      baseline.sums.set(key, row);
    const { told } = play([contextOf(windowTick(FIRST, LAYERS, both(collapse)), baseline)]);
    expect(told[0]!.map(({ layer, evidence }) => [layer, evidence.features_rows_out])).toEqual([[0, 2]]);
  });

  it('name a layer that has collapsed before one that moved otherwise', () => {
    const gaussian = createGaussian(4);
    const baseline = channelBaseline(LAYERS, { layer: 'last' });
    for (const [key, row] of channelBaseline(LAYERS, { layer: 'embeddings' }).sums)
      baseline.sums.set(key, row);
    const events = [
      ...channelEvents(gaussian, { layer: 'embeddings', mean: only(3, 4, 0) }),
      ...channelEvents(gaussian, { ...collapse, layer: 'last' }),
    ];
    const { told } = play([contextOf(windowTick(FIRST, LAYERS, events), baseline)]);
    expect(told[0]![0]).toMatchObject({ layer: 2, cause: 'channel_collapse' });
  });

  it('forget rows that the baseline no longer has, and hold no more than 64', () => {
    const state = newDetectorState(features, LAYERS.length);
    for (const context of contexts([collapse])) features.tick!(context, state);
    expect(state.named.size).toBe(1);
    for (const context of contexts([collapse], null)) features.tick!(context, state);
    expect(state.named.size).toBe(0);
    const gaussian = createGaussian(4);
    const names = Array.from({ length: 70 }, (_, i) => `layer ${i}`);
    const baseline = channelBaseline(LAYERS);
    for (const name of names)
      for (const [key, row] of channelBaseline(LAYERS, { layer: name, features: 8 }).sums)
        baseline.sums.set(key, row);
    const events = names.flatMap((layer) => channelEvents(gaussian, { layer, features: 8 }));
    features.tick!(contextOf(windowTick(FIRST, LAYERS, events), baseline), state);
    expect(state.named.size).toBe(64);
  });
});
