/**
 * The exam of a detector: ticks in which it must stay quiet, and ticks in which it must speak, told by tick, layer and
 * severity. Traffic is simulated: three pods, four flushes of ten requests a tick each, on three layers. One request
 * scatters by 1 around the mean 10·cell, and by 0.4 around the variance 4.
 */
import { describe, expect, it } from 'vitest';
import { addTick, type Bucket, newBucket } from '../../../../agent/core/bucket.ts';
import { thresholdsOf } from '../../../../agent/core/budget.ts';
import {
  type Detector,
  newDetectorState,
  type Signal,
  type TickContext,
} from '../../../../agent/core/detect/contract.ts';
import { scoreCells } from '../../../../agent/core/score/cells.ts';
import { scorePeers } from '../../../../agent/core/score/peers.ts';
import { DEFAULT_SETTINGS } from '../../../../agent/core/settings.ts';
import type { TickSummary } from '../../../../agent/core/tick.ts';
import { createGaussian } from '../../../kit/events.ts';
import { bareTick, TICK_MS } from '../../../kit/ticks.ts';

export const LAYERS = ['embeddings', 'middle', 'last'] as const;
export const PODS = ['pod-0', 'pod-1', 'pod-2'] as const;
const PLACES = Int32Array.of(0, 1, 2);
/** Index of the first tick that a case plays. */
export const FIRST = 1_000;
export const START_MS = FIRST * TICK_MS;

/** What is different in a tick, in deviations of one request; by source and cell. */
export interface Change {
  readonly mean?: (source: string, cell: number) => number;
  readonly variance?: (source: string, cell: number) => number;
  /** Traffic as a factor. */
  readonly volume?: number;
  readonly pods?: readonly string[];
}

const VARIANCE = 4;
export const VARIANCE_SIGMA = 0.4;

export function trafficTick(index: number, gaussian: () => number, change: Change = {}): TickSummary {
  const pods = change.pods ?? PODS;
  const flushes = pods.flatMap((source) =>
    Array.from({ length: 4 }, () => {
      const requests = 10 * (change.volume ?? 1);
      const scatter = 1 / Math.sqrt(requests);
      return {
        source,
        requests,
        mean: (cell: number) => 10 * cell + (change.mean?.(source, cell) ?? 0) + scatter * gaussian(),
        variance: (cell: number) =>
          VARIANCE + VARIANCE_SIGMA * ((change.variance?.(source, cell) ?? 0) + scatter * gaussian()),
      };
    }),
  );
  return bareTick(index, LAYERS.length, flushes);
}

/** Twenty minutes of quiet traffic. */
export function trafficBaseline(seed = 1): Bucket {
  const gaussian = createGaussian(seed);
  const bucket = newBucket(LAYERS.length);
  for (let index = 0; index < 120; index++) addTick(bucket, trafficTick(index, gaussian), 'full');
  return bucket;
}

export function contextOf(
  tick: TickSummary,
  baseline: Bucket | null,
  more: Partial<TickContext> = {},
): TickContext {
  return {
    tick,
    layers: LAYERS,
    settings: DEFAULT_SETTINGS,
    budget: DEFAULT_SETTINGS.budget,
    thresholds: (detector) => thresholdsOf(DEFAULT_SETTINGS.budget, TICK_MS, detector),
    scores: baseline === null ? null : scoreCells(tick, baseline, PLACES),
    baseline,
    calibration: null,
    hours: null,
    places: PLACES,
    peers: scorePeers(tick, more.baseline === undefined ? baseline : more.baseline, more.places ?? PLACES),
    peerState: null,
    canary: null,
    outputs: [],
    sources: tick.sources.map(({ source }) => ({
      source,
      quietMs: 0,
      intervalMs: 2_500,
      skewMs: null,
      rivals: null,
    })),
    clean: true,
    loneSource: null,
    declared: null,
    deployed: false,
    ...more,
  };
}

const BASELINE = trafficBaseline();

/** Contexts of consecutive ticks with the given changes. */
export function trafficContexts(
  changes: readonly Change[],
  more: Partial<TickContext> = {},
  seed = 2,
): TickContext[] {
  const gaussian = createGaussian(seed);
  return changes.map((change, i) => contextOf(trafficTick(FIRST + i, gaussian, change), BASELINE, more));
}

export const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);

export interface Alarm {
  readonly contexts: readonly TickContext[];
  /** The first tick with a signal, counted from the first tick of the case. */
  readonly tick: number;
  /** Null for a signal about no layer. */
  readonly layer: string | null;
  readonly severity: 'page' | 'ticket';
  /** What else the first signal must say. */
  readonly says?: Partial<Signal>;
}

export function detectorSuite(
  detector: Detector,
  cases: {
    readonly quiet: Readonly<Record<string, readonly TickContext[]>>;
    readonly alarms: Readonly<Record<string, Alarm>>;
  },
): void {
  const play = (contexts: readonly TickContext[]): Signal[][] => {
    const state = newDetectorState(detector, LAYERS.length);
    return contexts.map((context) => detector.tick!(context, state));
  };

  describe(`${detector.name} stays quiet`, () => {
    it('in some cases', () => expect(Object.keys(cases.quiet)).not.toEqual([]));
    it.each(Object.entries(cases.quiet))('%s', (_, contexts) => {
      expect(contexts.length).toBeGreaterThan(0);
      expect(play(contexts).flat()).toEqual([]);
    });
  });

  describe(`${detector.name} speaks`, () => {
    it('in some cases', () => expect(Object.keys(cases.alarms)).not.toEqual([]));
    it.each(Object.entries(cases.alarms))('%s', (_, { contexts, tick, layer, severity, says }) => {
      const told = play(contexts);
      expect(told.findIndex((signals) => signals.length > 0)).toBe(tick);
      const [signal] = told[tick]!;
      expect(signal!.layer < 0 ? null : LAYERS[signal!.layer]).toBe(layer);
      expect(signal!.severity).toBe(severity);
      expect(detector.causes).toContain(signal!.cause);
      expect(signal).toMatchObject(says ?? {});
      for (const value of [signal!.effect, signal!.confidence, ...Object.values(signal!.evidence)])
        expect(value).not.toSatisfy((v: unknown) => typeof v === 'number' && !Number.isFinite(v));
    });
  });
}
