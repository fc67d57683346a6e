/** Another shape at the same mean and variance, and layers that die; on simulated histograms and on a real recording. */
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../../../agent/core/bucket.ts';
import type { Event } from '../../../../agent/core/decode/event.ts';
import { activationDistribution } from '../../../../agent/core/detect/activation_distribution.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { createPartition, finishPartition } from '../../../../agent/core/fold.ts';
import { DEFAULT_SETTINGS } from '../../../../agent/core/settings.ts';
import { createEmitter, createGaussian, T0 } from '../../../kit/events.ts';
import { foldAll, partitionWithBaseline, recording } from '../../../kit/recording.ts';
import { baselineOf, histogramOf, meanOf, varianceOf, windowTick } from '../../../kit/windows.ts';
import { contextOf, detectorSuite, FIRST, LAYERS, PODS, START_MS, times } from './suite.ts';

/** What becomes of each value; mean and variance of the flush are told as they would be without it. */
interface World {
  readonly of?: (x: number, source: string) => number;
  readonly requests?: number;
  readonly cell?: number;
  /** False where the numbers beside the histogram are those of the changed values. */
  readonly hidden?: boolean;
  readonly pods?: readonly string[];
}

/** A histogram of each pod: requests of 100 values each around a centre of their own. */
function flushes(gaussian: () => number, world: World): Event[] {
  const { of = (x: number) => x, requests = 4, cell = 3, hidden = true } = world;
  return (world.pods ?? PODS).map((source) => {
    const values = Array.from({ length: requests }, () => 0.3 * gaussian()).flatMap((centre) =>
      Array.from({ length: 100 }, () => centre + gaussian()),
    );
    const cellOf = (at: number) => {
      const seen = at === cell ? values.map((x) => of(x, source)) : values;
      const told = hidden ? values : seen;
      return {
        mean: meanOf(told),
        variance: varianceOf(told),
        count: told.length,
        histogram: histogramOf(seen),
      };
    };
    const layers = Object.fromEntries(
      LAYERS.map((layer, i) => [layer, { input: cellOf(2 * i), output: cellOf(2 * i + 1) }]),
    );
    return createEmitter(source).flush(T0, layers, { requests });
  });
}

function baseline(windows: number, world: World = {}): Bucket {
  const gaussian = createGaussian(1);
  return baselineOf(
    LAYERS,
    times(windows, 0).map((_, i) => windowTick(9 * i, LAYERS, flushes(gaussian, world))),
  );
}
const BASELINE = baseline(10);

/** A histogram of each pod in every ninth tick, as every 90 s. */
function contexts(worlds: readonly World[], given: Bucket | null = BASELINE, gap = 9): TickContext[] {
  const gaussian = createGaussian(2);
  return worlds.flatMap((world, i) =>
    times(gap, 0).map((_, k) => {
      const events = k === 0 ? flushes(gaussian, world) : [];
      return contextOf(windowTick(FIRST + gap * i + k, LAYERS, events), given, { scores: null });
    }),
  );
}

const QUIET: World = {};
const clip = (x: number): number => Math.max(-0.5, Math.min(0.5, x));
const grow = (x: number): number => (x > 1.4 ? 8 * x : x);
const GROWN: World = { of: grow };
const ticket = { layer: 'middle', severity: 'ticket' } as const;

detectorSuite(activationDistribution, {
  quiet: {
    'on ordinary histograms': contexts(times(200, QUIET), BASELINE, 1),
    'on ten times the traffic': contexts(times(10, { requests: 40 })),
    'on single requests': contexts(times(50, { requests: 1 }), BASELINE, 1),
    'when values are shifted and stretched': contexts(
      times(20, { of: (x) => 3 * x + 0.2, hidden: false }),
      BASELINE,
      1,
    ),
    'without histograms': contexts([QUIET]).slice(1),
    'without a baseline': contexts([GROWN], null),
    'with few histograms in the baseline': contexts(times(5, GROWN), baseline(1)),
    'on layers that always were zero': contexts(
      times(5, { of: () => 0, hidden: false }),
      baseline(10, { of: () => 0, hidden: false }),
    ),
  },
  alarms: {
    'when values are clipped': {
      contexts: contexts(times(3, { of: clip, hidden: false })),
      tick: 9,
      ...ticket,
      says: {
        cause: 'unknown',
        confidence: 0,
        site: 'output',
        sources: [],
        unit: 'request_sigmas',
        onsetMs: START_MS,
        evidence: expect.objectContaining({ shape_places: 1 }) as never,
      },
    },
    'when a tail grows': {
      contexts: contexts([QUIET, ...times(3, GROWN)]),
      tick: 9,
      ...ticket,
      says: {
        onsetMs: START_MS + 90_000,
        evidence: expect.objectContaining({ shape_statistic: 'tails' }) as never,
        says: 'the shape of activations at the output of middle is another: heavier tails',
      },
    },
    'when values become zeros': {
      contexts: contexts([
        QUIET,
        { of: (x: number, source: string) => (source === 'pod-0' || x > 0 ? 0 : x) },
      ]),
      tick: 9,
      ...ticket,
      says: {
        cause: 'dead_activation',
        unit: 'ratio',
        onsetMs: START_MS + 90_000,
        says: expect.stringMatching(
          /^6[5-9] % of the activations at the output of middle are zero$/,
        ) as never,
      },
    },
    'when all values are one': {
      contexts: contexts([QUIET, { of: () => 0.5, hidden: false }]),
      tick: 9,
      ...ticket,
      says: {
        cause: 'dead_activation',
        effect: 1,
        evidence: { variance: 0 },
        says: 'all activations at the output of middle have one value',
      },
    },
  },
});

describe('shapes between histograms', () => {
  const play = (all: readonly TickContext[]) => {
    const state = newDetectorState(activationDistribution, LAYERS.length);
    return { state, told: all.map((context) => activationDistribution.tick!(context, state)) };
  };

  it('stay out until the next histogram, are well again when histograms are, and are forgotten without any', () => {
    const back = play(contexts([GROWN, ...times(6, QUIET)])).told.map(({ length }) => length);
    expect(back.slice(0, 9)).toEqual(times(9, 1));
    expect(back.slice(-9)).toEqual(times(9, 0));
    const gone = play(contexts([GROWN], BASELINE, 100)).told.map(({ length }) => length);
    expect(gone.indexOf(0)).toBe(91);
  });

  it('show how close it is, and where', () => {
    const { state } = play(contexts([GROWN]));
    expect(state.at).toBe(3);
    expect(state.nats).toBeGreaterThan(14);
    expect(play(contexts(times(5, QUIET))).state.nats).toBe(0);
  });

  it('are of the source whose mean or variance alone is out', () => {
    const of = (x: number, source: string) => (source === 'pod-1' ? 3 * grow(x) : x);
    const { told } = play(contexts(times(12, { of, hidden: false })));
    expect(told.at(-9)![0]!.sources).toEqual(['pod-1']);
    const all = play(contexts(times(12, { ...GROWN, hidden: false })));
    expect(all.told.at(-9)![0]!.sources).toEqual([]);
  });

  it('take a larger zero threshold for no death', () => {
    const coarse = contexts([QUIET]).map((context) => ({
      ...context,
      tick: {
        ...context.tick,
        sums: new Map(),
        histograms: context.tick.histograms.map((h) => h && { ...h, zeroThreshold: 2 }),
      },
    }));
    expect(play(coarse).told.flat()).toEqual([]);
  });

  it('take for zero what the baseline takes for zero', () => {
    const [context] = contexts([{ of: (x) => (x > 0 ? x / 1_000 : x) }]);
    const histograms = BASELINE.histograms.map((h) => h && { ...h, zeroThreshold: 2 ** -6 });
    const state = newDetectorState(activationDistribution, LAYERS.length);
    const told = activationDistribution.tick!({ ...context!, baseline: { ...BASELINE, histograms } }, state);
    // With the centres a little below 0, a half and more; by its own threshold next to nothing.
    expect(told.map(({ cause }) => cause)).toContain('dead_activation');
    const own = newDetectorState(activationDistribution, LAYERS.length);
    const alone = activationDistribution.tick!(context!, own);
    expect(alone.map(({ cause }) => cause)).not.toContain('dead_activation');
  });

  it('survive histograms of any kind', () => {
    const side = (offset: number) => ({ offset, counts: [300, 100] });
    const odd = [
      { scale: 2, zero_count: 0 },
      { scale: -10, zero_count: 5, positive: side(-1) },
      { scale: 20, zero_count: 0, positive: side(1_000), negative: side(-4_000) },
      { scale: 1, zero_count: 0, positive: side(2_046), negative: side(2_046) },
      null,
    ];
    for (const histogram of odd) {
      const flush = createEmitter('pod-0').flush(T0, {
        middle: { output: { mean: 0, variance: 1, count: 400, histogram } },
      });
      const state = newDetectorState(activationDistribution, LAYERS.length);
      const context = contextOf(windowTick(FIRST, LAYERS, [flush]), BASELINE, { scores: null });
      for (const { effect } of activationDistribution.tick!(context, state))
        expect(effect).toSatisfy(Number.isFinite);
      expect([...state.cells]).toSatisfy((row: number[]) => row.every(Number.isFinite));
    }
  });
});

describe('on a real recording', () => {
  const LAYER = 'encoder.layer.2.output.LayerNorm';
  /** The largest tenth of the positive values lies three octaves higher, in one layer; nothing else is touched. */
  const heavier = (events: readonly Event[], fromMs: number): Event[] =>
    events.map((event) => {
      if (event.kind !== 'activations' || event.timeMs < fromMs) return event;
      const histogram = event.input?.histogram;
      const at = event.layers?.indexOf(LAYER) ?? -1;
      const one = histogram?.[at];
      if (one?.positive === undefined) return event;
      const total = one.positive.counts.reduce((a, b) => a + b, 0);
      const counts: number[] = new Array(one.positive.counts.length + 12).fill(0);
      let below = 0;
      one.positive.counts.forEach((count, i) => {
        counts[i + (below > 0.9 * total ? 12 : 0)]! += count;
        below += count;
      });
      const positive = { ...one.positive, counts };
      const changed = histogram!.map((other, i) => (i === at ? { ...one, positive } : other));
      return { ...event, input: { ...event.input, histogram: changed } };
    });
  const findings = (events: readonly Event[]) => {
    const partition = foldAll(partitionWithBaseline(), events);
    finishPartition(partition);
    return partition.findings.map(({ event, detectors, layers }) => ({ event, detectors, layers }));
  };

  it('is silent on healthy traffic, and tells of tails that grow in one layer', () => {
    const healthy = recording('healthy');
    expect(findings(healthy)).toEqual([]);
    const told = findings(heavier(healthy, healthy[0]!.timeMs + 60_000));
    expect(told[0]).toEqual({ event: 'opened', detectors: ['activation_distribution'], layers: [LAYER] });
  });

  it('learns the scatter of shapes with the baseline', () => {
    const learnt = createPartition(DEFAULT_SETTINGS);
    foldAll(learnt, recording('baseline'));
    finishPartition(learnt);
    const [model] = learnt.models.values();
    const { sums } = model!.references[0]!.bucket;
    const row = sums.get(`shape/${LAYER}`)!;
    expect(row[0]).toBe(21);
    expect([...row].every(Number.isFinite)).toBe(true);
  });
});
