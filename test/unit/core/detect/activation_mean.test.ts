/** A shift of a layer's mean: how far, for how long, on which layer, and whose. */
import { expect, it } from 'vitest';
import * as b from '../../../../agent/core/bucket.ts';
import { activationMean } from '../../../../agent/core/detect/activation_mean.ts';
import { newDetectorState } from '../../../../agent/core/detect/contract.ts';
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
const from = (cell: number): number[] => [0, 1, 2, 3, 4, 5].filter((c) => c >= cell);

detectorSuite(activationMean, {
  quiet: {
    'on ordinary traffic': trafficContexts(times(300, QUIET)),
    'on ten times the traffic': trafficContexts(times(50, { volume: 10 })),
    'on a hundredth of the traffic': trafficContexts(times(50, { volume: 0.1 })),
    'below the least effect, however clear': trafficContexts(
      times(20, { ...shift([3], 0.2), volume: 1_000 }),
    ),
    'in a single tick that is not far out': trafficContexts([
      QUIET,
      shift([3], 0.6),
      QUIET,
      shift([3], 0.6),
      QUIET,
    ]),
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
      contexts: trafficContexts([QUIET, ...times(3, shift([3], 0.7))]),
      tick: 2,
      layer: 'middle',
      severity: 'ticket',
      says: { onsetMs: START_MS + TICK_MS },
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
      says: { cause: 'unknown' },
    },
    'as a shift of the input where it begins with the first layer': {
      contexts: trafficContexts([shift(from(0), 2)]),
      tick: 0,
      layer: 'embeddings',
      severity: 'ticket',
      says: { cause: 'input_shift', site: 'input' },
    },
    'not as a shift of the input right after a deployment': {
      contexts: trafficContexts([shift(from(0), 2)], { deployed: true }),
      tick: 0,
      layer: 'embeddings',
      severity: 'ticket',
      says: { cause: 'unknown' },
    },
    'with a page when huge right after a deployment': {
      contexts: trafficContexts([shift([OUTPUT_OF.last], 6)], { deployed: true }),
      tick: 0,
      layer: 'last',
      severity: 'page',
    },
    'with a ticket when as huge without a deployment': {
      contexts: trafficContexts([shift([OUTPUT_OF.last], 6)]),
      tick: 0,
      layer: 'last',
      severity: 'ticket',
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
