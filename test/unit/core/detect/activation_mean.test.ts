/** A shift of a layer's mean: how far, for how long, on which layer, and whose. */
import { describe, expect, it } from 'vitest';
import * as b from '../../../../agent/core/bucket.ts';
import { thresholdsOf } from '../../../../agent/core/budget.ts';
import { activationMean } from '../../../../agent/core/detect/activation_mean.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { SCORE_STRIDE } from '../../../../agent/core/score/cells.ts';
import { DEFAULT_SETTINGS } from '../../../../agent/core/settings.ts';
import { hoursOf } from '../../../kit/hours.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import {
  type Change,
  contextOf,
  detectorSuite,
  FIRST,
  START_MS,
  times,
  trafficContexts,
  trafficTick,
} from './suite.ts';

const QUIET: Change = {};
/** The output of a layer: cells are input and output of each layer in turn. */
const OUTPUT_OF = { embeddings: 1, middle: 3, last: 5 } as const;
const shift = (
  cells: readonly number[],
  by: number,
  of: (source: string) => boolean = () => true,
): Change => ({
  mean: (source, cell) => (cells.includes(cell) && of(source) ? by : 0),
});
/** Half a request deviation more in the morning, less in the afternoon. */
const daily = (hour: number): number => (hour < 12 ? 0.5 : -0.5);
const from = (cell: number): number[] => [0, 1, 2, 3, 4, 5].filter((c) => c >= cell);

detectorSuite(activationMean, {
  quiet: {
    'on ordinary traffic': trafficContexts(times(300, QUIET)),
    'on ten times the traffic': trafficContexts(times(50, { volume: 10 })),
    'on a hundredth of the traffic': trafficContexts(times(50, { volume: 0.1 })),
    'up to the least effect, however clear and for however long': trafficContexts(
      times(500, { ...shift([3], 0.12), volume: 1_000 }),
    ),
    'in single ticks that are not far out': trafficContexts(
      times(10, [QUIET, QUIET, QUIET, shift([3], 0.5)]).flat(),
    ),
    'on what the hour of the day makes usual': trafficContexts(times(50, shift([3], 0.5)), {
      hours: hoursOf(({ hour, statistic }) => (statistic === 6 ? daily(hour) : 0)),
    }),
    'on what hours make of it in any case': trafficContexts(times(50, shift([3], 0.5)), {
      hours: hoursOf(({ day, statistic }) => (statistic === 6 ? 0.2 * (-1) ** day : 0)),
    }),
    'without a baseline': trafficContexts(times(5, shift([3], 9)), { scores: null, baseline: null }),
    'when only the variance moves': trafficContexts(times(5, { variance: () => 3 })),
  },
  alarms: {
    'at once when far out': {
      contexts: trafficContexts([QUIET, QUIET, shift([3], 2)]),
      tick: 2,
      layer: 'middle',
      severity: 'ticket',
      says: { site: 'output', sources: [], onsetMs: START_MS + 2 * TICK_MS, unit: 'request_sigmas' },
    },
    'in the second tick in a row when clearly out': {
      contexts: trafficContexts([QUIET, ...times(3, shift([3], 0.6))]),
      tick: 2,
      layer: 'middle',
      severity: 'ticket',
      says: { onsetMs: START_MS + TICK_MS },
    },
    'within a few minutes when barely out, and tells since when': {
      contexts: trafficContexts([QUIET, ...times(30, shift([3], 0.25))]),
      tick: 20,
      layer: 'middle',
      severity: 'ticket',
      says: { onsetMs: START_MS + TICK_MS },
    },
    'beyond what the hour of the day makes usual': {
      contexts: trafficContexts(times(3, shift([3], 0.5)), {
        hours: hoursOf(({ hour, statistic }) => (statistic === 6 ? -daily(hour) : 0)),
      }),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
    },
    'downwards as upwards': {
      contexts: trafficContexts([QUIET, shift([3], -2)]),
      tick: 1,
      layer: 'middle',
      severity: 'ticket',
    },
    'about the first layer in forward order, where it is largest last': {
      contexts: trafficContexts([{ mean: (_, cell) => (cell >= 3 ? cell : 0) }]),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
    },
    'of the input of the first layer, and leaves the cause to the diagnosis': {
      contexts: trafficContexts([shift(from(0), 2)]),
      tick: 0,
      layer: 'embeddings',
      severity: 'ticket',
      says: { cause: 'unknown', confidence: 0, site: 'input' },
    },
    'with a ticket however huge, deployed or not: arithmetic pages, shifts do not': {
      contexts: trafficContexts([shift([OUTPUT_OF.last], 60)], { deployed: true }),
      tick: 0,
      layer: 'last',
      severity: 'ticket',
      says: { cause: 'unknown', confidence: 0 },
    },
    'blaming the one source that shifted': {
      contexts: trafficContexts([shift(from(OUTPUT_OF.middle), 4, (s) => s === 'pod-1')]),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
      says: { sources: ['pod-1'] },
    },
    'blaming two of three': {
      contexts: trafficContexts([shift([3], 4, (s) => s !== 'pod-1')]),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
      says: { sources: ['pod-0', 'pod-2'] },
    },
    'blaming nobody when all shifted, however unevenly': {
      contexts: trafficContexts([
        { mean: (source, cell) => (cell === 3 ? ({ 'pod-0': 2, 'pod-1': 4 }[source] ?? 1.5) : 0) },
      ]),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
      says: { sources: [] },
    },
  },
});

it('the evidence tells of the first and of the largest layer', () => {
  const [context] = trafficContexts([{ mean: (_, cell) => (cell >= 3 ? cell : 0) }]);
  const [signal] = activationMean.tick!(context!, newDetectorState(activationMean, 3));
  expect(signal!.evidence).toMatchObject({ mean_layers_shifted: 2, mean_largest_layer: 'last' });
  expect(signal!.evidence.mean_shift_sigmas).toBeCloseTo(3, 0);
  expect(signal!.evidence.mean_largest_shift_sigmas).toBeCloseTo(5, 0);
  expect(signal!.effect).toBeCloseTo(5, 0);
  expect(signal!.says).toMatch(
    /^activation mean at the output of middle is \d\.\d request standard deviations above/,
  );
});

describe('evidence', () => {
  const play = (changes: readonly Change[], more: Partial<TickContext> = {}) => {
    const state = newDetectorState(activationMean, 3);
    return trafficContexts(changes, more).map((context) => {
      const told = activationMean.tick!(context, state).length > 0;
      return { told, nats: state.nats, at: state.at };
    });
  };

  it('shows how close it is, and at which cell, before it is enough', () => {
    const seen = play([...times(5, QUIET), ...times(14, shift([3], 0.25))]);
    expect(seen.some(({ told }) => told)).toBe(false);
    expect(seen[18]).toMatchObject({ at: 3 });
    expect(seen[18]!.nats).toBeGreaterThan(1);
    expect(seen[4]!.nats).toBeLessThan(0.5);
  });

  it('is none where there is nothing to hold a tick against', () => {
    expect(play([shift([3], 9)], { scores: null })).toEqual([{ told: false, nats: 0, at: -1 }]);
  });

  it('is over a few ticks after its reason, however long that lasted', () => {
    const quietAfter = (ticks: number) => {
      const seen = play([...times(ticks, shift([3], 4)), ...times(30, QUIET)]);
      return seen.findLastIndex(({ told }) => told) + 1 - ticks;
    };
    expect(quietAfter(3)).toBeLessThanOrEqual(6);
    expect(quietAfter(500)).toBeLessThanOrEqual(6);
  });

  it('waits for more where calibration has raised the threshold', () => {
    const firstOf = (raise: number) =>
      play(times(60, shift([3], 0.3)), {
        thresholds: (name) => thresholdsOf(DEFAULT_SETTINGS.budget, TICK_MS, name, raise),
      }).findIndex(({ told }) => told);
    expect(firstOf(5)).toBeGreaterThan(firstOf(0) + 1);
  });

  it('passes over a cell that is not known to the baseline', () => {
    const [context] = trafficContexts([shift([3], 9)]);
    const scores = { ...context!.scores!, rows: context!.scores!.rows.slice() };
    scores.rows.fill(Number.NaN, 3 * SCORE_STRIDE, 4 * SCORE_STRIDE);
    const state = newDetectorState(activationMean, 3);
    expect(activationMean.tick!({ ...context!, scores }, state)).toEqual([]);
    expect([...state.cells].every(Number.isFinite)).toBe(true);
  });
});

it('a shift of a statistic that was constant is told in finite numbers', () => {
  const constant = () => 0;
  const bucket = trafficContexts([{}])[0]!.baseline!;
  const zero = { ...bucket, cells: bucket.cells.map(() => 0) };
  for (let cell = 0; cell < 6; cell++) {
    const at = cell * b.BUCKET_STRIDE;
    zero.cells[at + b.B_FLUSHES] = 1_000;
    zero.cells[at + b.B_REQUESTS] = 10_000;
    zero.cells[at + b.B_TICKS] = 100;
  }
  const state = newDetectorState(activationMean, 3);
  const [signal] = activationMean.tick!(contextOf(trafficTick(FIRST, constant), zero), state);
  for (const value of Object.values(signal!.evidence)) expect(value).not.toBe(Number.POSITIVE_INFINITY);
  expect(signal!.effect).toBeLessThan(Number.POSITIVE_INFINITY);
});
