/** A canary against the stable version beside it: the arithmetic of one, not the traffic of both. */
import { describe, expect, it } from 'vitest';
import { CANARY } from '../../../../agent/core/canary.ts';
import { canary } from '../../../../agent/core/detect/canary.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import * as m from '../../../../agent/core/moments.ts';
import { scoreGroups } from '../../../../agent/core/score/peers.ts';
import type { TickSummary } from '../../../../agent/core/tick.ts';
import { createGaussian } from '../../../kit/events.ts';
import {
  type Change,
  contextOf,
  detectorSuite,
  FIRST,
  LAYERS,
  START_MS,
  times,
  trafficTick,
} from './suite.ts';

const STABLE = ['pod-1', 'pod-2', 'pod-3'];

/** Of the canary alone, in request deviations, from a cell on. */
const off = (by: number, from = 0): Change => ({
  mean: (source, cell) => (source === 'canary' && cell >= from ? by : 0),
});
const QUIET: Change = {};
const ALL: Change = { mean: () => 4 };

function merged(tick: TickSummary, names: readonly string[]): Float64Array {
  const rows = new Float64Array(tick.cells.length);
  for (const { source, tick: one } of tick.sources) {
    if (!names.includes(source)) continue;
    for (let at = 0; at < rows.length; at += m.TICK_STRIDE) m.mergeTickRow(rows, at, one.cells, at);
  }
  return rows;
}

function contexts(
  changes: readonly Change[],
  { sameWeights = true, spread = 0, version = 'v1' } = {},
): TickContext[] {
  const gaussian = createGaussian(5);
  return changes.map((change, i) => {
    const tick = trafficTick(FIRST + i, gaussian, { ...change, pods: ['canary', ...STABLE] });
    const groups = [
      { name: 'v2', cells: merged(tick, ['canary']) },
      { name: version, cells: merged(tick, STABLE) },
    ];
    const scores = scoreGroups(groups, null, 1 - CANARY)!;
    const pairs = [{ index: tick.index, scores, sources: [1, 3] as const }];
    return contextOf(tick, null, {
      baseline: null,
      scores: null,
      canary: { version, sameWeights, pairs, spread: () => spread },
    });
  });
}

detectorSuite(canary, {
  quiet: {
    'while nothing is different': contexts(times(500, QUIET)),
    'when the traffic of both moves': contexts([...times(20, QUIET), ...times(50, ALL)]),
    'below the least effect': contexts(times(300, off(0.1, 1))),
    'when it has other weights': contexts(times(20, off(5)), { sameWeights: false }),
    'about what sources differ by anyway': contexts(times(100, off(0.4, 3)), { spread: 0.2 }),
    'when its input is little off and everything with it': contexts(times(100, off(0.5))),
    'in a stream that is no canary': [contextOf(trafficTick(FIRST, createGaussian(1), ALL), null)],
  },
  alarms: {
    'with a ticket within two ticks when clearly out': {
      contexts: contexts([...times(5, QUIET), ...times(2, off(3, 3))]),
      tick: 6,
      layer: 'middle',
      severity: 'ticket',
      says: { site: 'output', sources: [], cause: 'unknown', onsetMs: START_MS + 50_000 },
    },
    'with a page from five on': {
      contexts: contexts([...times(5, QUIET), ...times(2, off(8, 1))]),
      tick: 5,
      layer: 'embeddings',
      severity: 'page',
      says: { site: 'output' },
    },
    'with a ticket of another slice of the traffic, however much': {
      contexts: contexts(times(3, off(8))),
      tick: 0,
      layer: 'embeddings',
      severity: 'ticket',
      says: { site: 'input', cause: 'input_shift', confidence: 0.3 },
    },
    'when little but for good': {
      contexts: contexts(times(60, off(0.5, 2))),
      tick: 9,
      layer: 'middle',
      severity: 'ticket',
    },
  },
});

describe('evidence against a version', () => {
  it('begins anew against another', () => {
    const state = newDetectorState(canary, LAYERS.length);
    for (const context of contexts(times(12, off(0.5, 2)))) canary.tick!(context, state);
    expect(state.nats).toBeGreaterThan(3);
    for (const context of contexts([QUIET], { version: 'v0' })) canary.tick!(context, state);
    expect(state.nats).toBeLessThan(3);
    expect([...state.named.keys()]).toEqual(['v0']);
  });

  it('stands while the stable version has closed no tick', () => {
    const state = newDetectorState(canary, LAYERS.length);
    const [context] = contexts(times(1, off(6, 3)));
    canary.tick!(context!, state);
    const nats = state.nats;
    expect(canary.tick!({ ...context!, canary: { ...context!.canary!, pairs: [] } }, state)).toHaveLength(1);
    expect(state.nats).toBe(nats);
  });
});
