/**
 * A made-up deployment on a partition of its own: pods that each send a flush of ten requests a second, on two layers.
 * One request scatters by 1 around the mean and by 0.4 around the variance 4. Time goes on as told.
 */
import type { Event, EventKind } from '../../agent/core/decode/event.ts';
import {
  createPartition,
  foldEvent,
  type Partition,
  takeFindings,
  viewPartition,
} from '../../agent/core/fold.ts';
import type { FindingLine } from '../../agent/core/incident.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../agent/core/settings.ts';
import type { ModelView, StreamView } from '../../agent/core/view.ts';
import { createEmitter, createGaussian, type Emitter, type Given, SECOND, T0 } from './events.ts';

/** Calibrated within a minute, and half a minute's wait before ticks are learnt. */
export const QUICK: Settings = {
  ...DEFAULT_SETTINGS,
  calibration: { ticks: 6, flushes: 60 },
  rollingDelayMs: 30_000,
};

const REQUESTS = 10;

/** What is different while time goes on; shifts in deviations of one request. */
export interface Odd {
  readonly mean?: (pod: string, layer: string) => number;
  readonly variance?: (pod: string, layer: string) => number;
  readonly nan?: (pod: string, layer: string) => number;
  readonly pods?: readonly string[];
  readonly everyMs?: number;
  readonly probabilities?: readonly number[];
  /** More fields for every event. */
  readonly given?: Given;
}

export interface Fleet {
  readonly partition: Partition;
  /** End of what was played so far. */
  nowMs: number;
  /** Plays on for `ms`; the incident lines told meanwhile. */
  play(ms: number, odd?: Odd): FindingLine[];
  /** One event of any kind at `nowMs`. */
  send<K extends EventKind>(kind: K, body?: Given, source?: string): FindingLine[];
  fold(event: Event): FindingLine[];
  emitter(source: string): Emitter;
  model(): ModelView;
  /** The only stream, or the one of this id. */
  stream(id?: string): StreamView;
}

export function createFleet({
  settings = QUICK,
  pods = ['pod-0', 'pod-1', 'pod-2'],
  layers = ['a', 'b'],
  given = {} as Given,
  seed = 1,
} = {}): Fleet {
  const partition = createPartition(settings);
  const gaussian = createGaussian(seed);
  const emitters = new Map<string, Emitter>();
  const emitter = (source: string): Emitter => {
    let found = emitters.get(source);
    if (found === undefined) {
      found = createEmitter(source, given);
      emitters.set(source, found);
    }
    return found;
  };
  const fold = (event: Event): FindingLine[] => {
    foldEvent(partition, event, null);
    return takeFindings(partition);
  };
  const cell = (pod: string, layer: string, odd: Odd) => ({
    count: REQUESTS * 100,
    mean: (odd.mean?.(pod, layer) ?? 0) + gaussian() / Math.sqrt(REQUESTS),
    variance: 4 + 0.4 * ((odd.variance?.(pod, layer) ?? 0) + gaussian() / Math.sqrt(REQUESTS)),
    min: -10,
    max: 10,
    nan: odd.nan?.(pod, layer) ?? 0,
  });
  const fleet: Fleet = {
    partition,
    nowMs: T0,
    play(ms, odd = {}) {
      const told: FindingLine[] = [];
      const endMs = fleet.nowMs + ms;
      const everyMs = odd.everyMs ?? SECOND;
      for (let atMs = fleet.nowMs + everyMs; atMs <= endMs; atMs += everyMs) {
        for (const pod of odd.pods ?? pods) {
          const columns = Object.fromEntries(
            layers.map((layer) => [layer, { input: cell(pod, layer, odd), output: cell(pod, layer, odd) }]),
          );
          const more = { requests: REQUESTS, window_ms: everyMs, ...odd.given };
          told.push(...fold(emitter(pod).flush(atMs, columns, more)));
          if (odd.probabilities !== undefined)
            told.push(
              ...fold(emitter(pod).outputs(atMs, odd.probabilities, { ...odd.given, window_ms: everyMs })),
            );
        }
      }
      fleet.nowMs = endMs;
      return told;
    },
    send: (kind, body = {}, source = 'operator') => fold(emitter(source).send(kind, fleet.nowMs, body)),
    fold,
    emitter,
    model: () => viewPartition(partition).models[0]!,
    stream(id) {
      const { streams } = fleet.model();
      const found = id === undefined ? streams : streams.filter((one) => one.id === id);
      if (found.length !== 1) throw new Error(`streams: ${streams.map((one) => one.id).join(', ')}`);
      return found[0]!;
    },
  };
  return fleet;
}
