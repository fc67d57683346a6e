/**
 * Views that look like a real night: a sentence transformer of 13 LayerNorms on three pods, deployed with another
 * epsilon a few minutes ago, a canary that still calibrates, a training run. Deterministic, with a clock of its own that
 * moves a tick at a time. `hostile` gives one layer and one message names that would hurt a page that trusts them.
 */
import type { ModelView, PartitionView } from '../../agent/core/view.ts';
import { type PageData, rememberViews } from '../../agent/page/data.ts';
import { emptyModel, epsilonIncident, staleIncident } from './incidents.ts';
import {
  cellsOf,
  DEPLOYED_TICK,
  evidenceOf,
  HOSTILE_LAYER,
  LAYERS,
  outputsOf,
  START_MS,
  stableStreams,
  streamOf,
  TICK_MS,
} from './streams.ts';

/** Ticks before the page is first seen: 32 minutes. */
const TICKS_BEFORE = 192;

export interface Fixture extends PageData {
  readonly clock: { nowMs(): number };
  /** The next tick of every stream; listeners hear of it. */
  advance(): void;
  /** Ends the open incident, as a rollback would. */
  resolve(): void;
}

export function createFixture({ hostile = false }: { hostile?: boolean } = {}): Fixture {
  const listeners = new Set<() => void>();
  let tick = 0;
  let resolvedTick: number | null = null;
  let view = viewAt(tick, resolvedTick, hostile);
  const clock = { nowMs: () => START_MS + tick * TICK_MS + 2_000 };
  const source = {
    views: () => [view],
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const data = rememberViews(source, clock);
  const show = () => {
    view = viewAt(tick, resolvedTick, hostile);
    for (const listener of listeners) listener();
  };
  while (tick < TICKS_BEFORE) {
    tick += 1;
    show();
  }
  return {
    ...data,
    clock,
    advance() {
      tick += 1;
      show();
    },
    resolve() {
      resolvedTick = tick;
      show();
    },
  };
}

function viewAt(tick: number, resolvedTick: number | null, hostile: boolean): PartitionView {
  const layers = hostile ? LAYERS.map((name) => (name === LAYERS[3] ? HOSTILE_LAYER : name)) : LAYERS;
  return {
    models: [serving(tick, resolvedTick, layers, hostile), training(tick)],
    rejected: { not_json: 3 },
  };
}

function serving(
  tick: number,
  resolvedTick: number | null,
  layers: readonly string[],
  hostile: boolean,
): ModelView {
  const since = tick - DEPLOYED_TICK;
  const canaryTicks = Math.max(0, tick - 170);
  const calibration = {
    ticks: Math.min(60, canaryTicks),
    ticksNeeded: 60,
    flushes: canaryTicks * 10,
    flushesNeeded: 600,
    progress: Math.min(1, canaryTicks / 60),
    remainingMs: Math.max(0, 60 - canaryTicks) * TICK_MS,
  };
  const streams = [
    ...stableStreams(tick, layers, resolvedTick),
    streamOf(
      {
        id: 'serving/v3/canary',
        version: 'v3',
        role: 'canary',
        checkpoint: 'c2',
        state: 'calibrating',
        calibration,
        reference: null,
        evidence: evidenceOf(0, false).map((one) => ({ ...one, nats: 0, layer: null, site: null })),
        sources: [{ source: 'pod-7', status: 'live', lastMs: START_MS + tick * TICK_MS + 700 }],
        cells: cellsOf(layers, tick, 3, null, 0).map((cell) => ({ ...cell, scores: [] })),
      },
      tick,
    ),
    streamOf(
      {
        id: 'serving/v1/shadow',
        version: 'v1',
        role: 'shadow',
        state: 'guarded',
        sources: [
          { source: 'pod-4', status: 'live', lastMs: START_MS + tick * TICK_MS + 700 },
          { source: 'pod-5', status: 'silent', lastMs: START_MS + 160 * TICK_MS },
        ],
        cells: cellsOf(layers, tick, 5, null, 0),
        outputs: outputsOf(0.003),
      },
      tick,
    ),
  ];
  const deployedMs = START_MS + DEPLOYED_TICK * TICK_MS;
  return {
    ...emptyModel('minilm-l6'),
    rejected: { bad_column: 9 },
    duplicates: 4,
    streams,
    incidents:
      since >= 2
        ? [epsilonIncident(deployedMs, tick, resolvedTick, hostile), staleIncident()]
        : [staleIncident()],
    deployments:
      since >= 0
        ? [{ timeMs: deployedMs, version: 'v2', previousVersion: 'v1', checkpoint: 'c1', change: 'eps' }]
        : [],
  };
}

function training(tick: number): ModelView {
  const step = tick * 20;
  const cells = cellsOf(LAYERS, tick, 7, null, 0).map((cell) => ({
    ...cell,
    scores: cell.scores.map((score) => ({ ...score, against: 'rolling' as const })),
  }));
  const stream = streamOf(
    {
      id: 'run/r17',
      version: 'v4-dev',
      role: null,
      run: 'r17',
      state: 'guarded',
      reference: null,
      step,
      cells,
    },
    tick,
  );
  return { ...emptyModel('minilm-l6-train'), streams: [{ ...stream, model: 'minilm-l6-train' }] };
}
