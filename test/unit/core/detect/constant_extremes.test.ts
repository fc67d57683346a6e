/**
 * Extremes that are constant in healthy traffic. Three sources, three layers; the output maximum of each layer and the
 * input minimum of the second are constants, every other extreme scatters. One token has 384 features.
 */
import { describe, expect, it } from 'vitest';
import { addTick, newBucket } from '../../../../agent/core/bucket.ts';
import type { Event } from '../../../../agent/core/decode/event.ts';
import { constantExtremes } from '../../../../agent/core/detect/constant_extremes.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { takeFindings } from '../../../../agent/core/fold.ts';
import * as m from '../../../../agent/core/moments.ts';
import type { TickSummary } from '../../../../agent/core/tick.ts';
import { createGaussian } from '../../../kit/events.ts';
import { foldAll, onlyModel, partitionWithBaseline, recording } from '../../../kit/recording.ts';
import { bareTick, TICK_MS } from '../../../kit/ticks.ts';
import { contextOf, detectorSuite, FIRST, LAYERS, PODS } from './suite.ts';

const FEATURES = 384;
/** Output maxima by layer, and the input minimum of the second. */
const MAXIMA = [6.335, 8.1314, 9.661] as const;
const MINIMUM = -2.856;
const five = (value: number): number => Number(value.toPrecision(5));

/** Constants of a source in a tick: the values themselves; NaN where a source does not know. */
interface Values {
  readonly maxima: readonly number[];
  readonly minimum: number;
}
const HEALTHY: Values = { maxima: MAXIMA, minimum: MINIMUM };
type ValuesOf = (source: string, tick: number) => Values;

function sourceTick(index: number, gaussian: () => number, of: (source: string) => Values): TickSummary {
  const flushes = PODS.flatMap((source) =>
    Array.from({ length: 4 }, () => ({
      source,
      requests: 10,
      mean: (cell: number) => 10 * cell + gaussian() / Math.sqrt(10),
      variance: () => 4 + (0.4 * gaussian()) / Math.sqrt(10),
    })),
  );
  const tick = bareTick(index, LAYERS.length, flushes);
  const rows = [
    { source: '', cells: tick.cells },
    ...tick.sources.map(({ source, tick: one }) => ({ source, cells: one.cells })),
  ];
  for (const { source, cells } of rows) {
    const values = source === '' ? PODS.map(of) : [of(source)];
    for (let cell = 0; cell < LAYERS.length * 2; cell++) {
      cells[cell * m.TICK_STRIDE + m.LOW] = -5 - Math.abs(gaussian());
      cells[cell * m.TICK_STRIDE + m.HIGH] = 12 + Math.abs(gaussian());
    }
    for (let layer = 0; layer < LAYERS.length; layer++)
      cells[(layer * 2 + 1) * m.TICK_STRIDE + m.HIGH] = Math.min(...values.map((v) => v.maxima[layer]!));
    cells[2 * m.TICK_STRIDE + m.LOW] = Math.max(...values.map((v) => v.minimum));
  }
  // Elements of a token: what `bareTick` counts is 100 a request, 40 requests a source.
  return { ...tick, tokens: (PODS.length * 4 * 10 * 100) / FEATURES };
}

const BASELINE = (() => {
  const gaussian = createGaussian(11);
  const bucket = newBucket(LAYERS.length);
  for (let index = 0; index < 120; index++)
    addTick(
      bucket,
      sourceTick(index, gaussian, () => HEALTHY),
      'full',
    );
  return bucket;
})();

function played(ticks: number, of: ValuesOf, more: Partial<TickContext> = {}): TickContext[] {
  const gaussian = createGaussian(12);
  return Array.from({ length: ticks }, (_, i) =>
    contextOf(
      sourceTick(FIRST + i, gaussian, (source) => of(source, i)),
      BASELINE,
      more,
    ),
  );
}

/** Every maximum as `change` makes it, with five digits. */
const maxima = (change: (value: number, layer: number) => number): Values => ({
  ...HEALTHY,
  maxima: MAXIMA.map((value, layer) => five(change(value, layer))),
});
const SHRUNK = maxima((value) => value * (1 - 1 / (2 * FEATURES)));
const only = (layer: number, factor: number): Values =>
  maxima((value, i) => (i === layer ? value * factor : value));
const HALF = maxima((_, layer) => [6.3359375, 8.1328125, 9.65625][layer]!);
const from =
  (tick: number, source: string | null, values: Values): ValuesOf =>
  (who, i) =>
    i >= tick && (source === null || who === source) ? values : HEALTHY;
const ticket = { severity: 'ticket' } as const;
const random = createGaussian(3);

detectorSuite(constantExtremes, {
  quiet: {
    'while all constants hold': played(20, () => HEALTHY),
    'when other texts move them by three in a hundred thousand': played(20, () =>
      maxima((v) => v * (1 - 3e-5)),
    ),
    'when the fifth digit falls the other way': played(20, (_, i) => ({
      ...HEALTHY,
      minimum: MINIMUM + (i % 2) * 1e-4,
    })),
    'when rare texts are more extreme': played(40, (_, i) =>
      i % 2 === 0 ? HEALTHY : maxima((v) => v * (1 + Math.abs(random()))),
    ),
    'when a text a little more extreme comes for two ticks': played(10, (_, i) =>
      i % 3 === 0 ? HEALTHY : maxima((v) => v * 1.001),
    ),
    'when all texts are far more extreme and the same: then the input is stuck': played(10, () =>
      maxima((v) => v * 1.3),
    ),
    'when one source has a single tick without the token': played(10, (source, i) =>
      source === 'pod-1' && i === 4 ? maxima((v) => v * 0.5) : HEALTHY,
    ),
    'without a baseline': played(5, () => SHRUNK).map((context) => ({
      ...context,
      scores: null,
      baseline: null,
    })),
    'when the sources do not tell extremes': played(5, () => ({
      maxima: MAXIMA.map(() => Number.NaN),
      minimum: Number.NaN,
    })),
  },
  alarms: {
    'in the first tick with n − 1 instead of n': {
      contexts: played(5, from(2, null, SHRUNK)),
      tick: 2,
      layer: 'embeddings',
      ...ticket,
      says: {
        site: 'output',
        cause: 'variance_estimator',
        sources: [],
        onsetMs: (FIRST + 2) * TICK_MS,
        unit: 'ratio',
        evidence: expect.objectContaining({
          constants_moved: 3,
          constants_known: 4,
          features: FEATURES,
          implied_features: expect.closeTo(FEATURES, -1),
        }),
      },
    },
    'with n − 1 in one layer': {
      contexts: played(3, from(0, null, only(1, 1 - 1 / (2 * FEATURES)))),
      tick: 0,
      layer: 'middle',
      ...ticket,
      says: { cause: 'variance_estimator' },
    },
    'with values that float16 can hold, of which some are more extreme': {
      contexts: played(5, from(0, null, HALF)),
      tick: 0,
      layer: 'embeddings',
      ...ticket,
      says: { cause: 'precision_change', evidence: expect.objectContaining({ precision: 'float16' }) },
    },
    'with another epsilon, where the variance is small': {
      contexts: played(3, from(0, null, only(0, 1 - 17.4e-5))),
      tick: 0,
      layer: 'embeddings',
      ...ticket,
      says: {
        cause: 'epsilon_mismatch',
        evidence: expect.objectContaining({ epsilon_over_token_variance: expect.closeTo(34.8e-5, 4) }),
      },
    },
    'with small moves in both directions': {
      contexts: played(
        3,
        from(
          0,
          null,
          maxima((v, layer) => v * (1 + [2.7e-4, -1.9e-4, 3.1e-4][layer]!)),
        ),
      ),
      tick: 0,
      layer: 'embeddings',
      ...ticket,
      says: { cause: 'precision_change' },
    },
    'after three ticks at one value that is more extreme': {
      contexts: played(5, from(1, null, only(2, 1.0023))),
      tick: 3,
      layer: 'last',
      ...ticket,
      says: { cause: 'unknown', onsetMs: (FIRST + 1) * TICK_MS },
    },
    'with an input that has another constant': {
      contexts: played(3, () => ({ ...HEALTHY, minimum: MINIMUM * 0.99 })),
      tick: 0,
      layer: 'middle',
      ...ticket,
      says: { site: 'input' },
    },
    'of one source in its second tick, and names it': {
      contexts: played(5, from(1, 'pod-1', SHRUNK)),
      tick: 2,
      layer: 'embeddings',
      ...ticket,
      says: { sources: ['pod-1'], cause: 'variance_estimator', onsetMs: (FIRST + 1) * TICK_MS },
    },
    'of one source at more extreme values, and names it': {
      contexts: played(
        6,
        from(
          0,
          'pod-2',
          maxima((v) => v * 1.002),
        ),
      ),
      tick: 2,
      layer: 'embeddings',
      ...ticket,
      says: { sources: ['pod-2'] },
    },
    'naming nobody when sources fall on either side of what counts': {
      contexts: played(4, (source) => maxima((v) => v * (1 - (source === 'pod-0' ? 4.6e-5 : 7e-5)))),
      tick: 1,
      layer: 'embeddings',
      ...ticket,
      says: { sources: [] },
    },
  },
});

describe('how close it is', () => {
  it('is part of the ticks needed, and the threshold at the alarm', () => {
    const state = newDetectorState(constantExtremes, LAYERS.length);
    const nats = played(4, from(1, 'pod-1', SHRUNK)).map((context) => {
      constantExtremes.tick!(context, state);
      return state.nats / context.thresholds(constantExtremes.name).ticketNats;
    });
    expect(nats).toEqual([0, 0.5, 1, 1]);
    expect(state.at).toBe(1);
  });

  it('keeps rows of suspected sources alone', () => {
    const state = newDetectorState(constantExtremes, LAYERS.length);
    for (const context of played(4, (source, i) => (source === 'pod-1' && i < 3 ? SHRUNK : HEALTHY)))
      constantExtremes.tick!(context, state);
    expect([...state.named]).toEqual([]);
  });
});

/** The shipped healthy traffic with every extreme at an output divided as by n − 1, from two minutes on. */
function withUnbiasedVariance(events: readonly Event[]): Event[] {
  const sinceMs = events[0]!.timeMs + 120_000;
  const factor = Math.sqrt((FEATURES - 1) / FEATURES);
  const shrink = (values: readonly (number | null)[]) =>
    values.map((v) => (v === null ? null : five(v * factor)));
  return events.map((event) => {
    if (event.kind !== 'activations' || event.timeMs < sinceMs || event.output?.max == null) return event;
    return {
      ...event,
      output: { ...event.output, min: shrink(event.output.min ?? []), max: shrink(event.output.max) },
    };
  });
}

describe('a recording', () => {
  const healthy = recording('healthy');

  it('keeps its constants while it is healthy', () => {
    const partition = foldAll(partitionWithBaseline(), healthy);
    const { named, nats } = [...onlyModel(partition).streams.values()][0]!.detectors.get(
      constantExtremes.name,
    )!;
    expect([[...named], nats]).toEqual([[], 0]);
  });

  it('with n − 1 from some time on opens one ticket within a tick', () => {
    const partition = foldAll(partitionWithBaseline(), withUnbiasedVariance(healthy));
    const [opened, ...others] = takeFindings(partition).filter(({ event }) => event === 'opened');
    expect(others).toEqual([]);
    expect(opened).toMatchObject({
      severity: 'ticket',
      detectors: ['constant_extremes'],
      cause: 'variance_estimator',
      layers: ['embeddings.LayerNorm'],
      sources: [],
    });
    expect(Date.parse(String(opened!.time)) - healthy[0]!.timeMs).toBeLessThanOrEqual(131_000);
    expect(opened!.evidence).toMatchObject({ features: FEATURES });
  });
});
