/** A shift of a layer's variance on the log scale. The rule is that of the mean; here is what differs. */
import { expect } from 'vitest';
import { activationVariance } from '../../../../agent/core/detect/activation_variance.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { type Change, detectorSuite, START_MS, times, trafficContexts, VARIANCE_SIGMA } from './suite.ts';

const QUIET: Change = {};
const shift = (cell: number, by: number, of: (source: string) => boolean = () => true): Change => ({
  variance: (source, at) => (at === cell && of(source) ? by : 0),
});
/** Takes the variance of 4 down to nothing. */
const ALL = -4 / VARIANCE_SIGMA;
const HALF = -2 / VARIANCE_SIGMA;

detectorSuite(activationVariance, {
  quiet: {
    'on ordinary traffic': trafficContexts(times(300, QUIET)),
    'on ten times the traffic': trafficContexts(times(50, { volume: 10 })),
    'up to the least effect, however clear and for however long': trafficContexts(
      times(500, { ...shift(3, 0.12), volume: 1_000 }),
    ),
    'in a single tick that is not far out': trafficContexts([QUIET, shift(3, 0.5), QUIET]),
    'when only the mean moves': trafficContexts(times(5, { mean: () => 3 })),
    'without a baseline': trafficContexts(times(5, shift(3, 9)), { scores: null, baseline: null }),
  },
  alarms: {
    'at once when far out': {
      contexts: trafficContexts([QUIET, shift(3, 2)]),
      tick: 1,
      layer: 'middle',
      severity: 'ticket',
      says: { site: 'output', cause: 'unknown', onsetMs: START_MS + TICK_MS, sources: [] },
    },
    'in the second tick in a row when clearly out': {
      contexts: trafficContexts([QUIET, ...times(2, shift(3, -0.5))]),
      tick: 2,
      layer: 'middle',
      severity: 'ticket',
      says: { onsetMs: START_MS + TICK_MS },
    },
    'when the variance collapses to nothing': {
      contexts: trafficContexts([{ ...shift(5, ALL), volume: 1e6 }]),
      tick: 0,
      layer: 'last',
      severity: 'ticket',
    },
    'with a ticket however huge, deployed or not: arithmetic pages, shifts do not': {
      contexts: trafficContexts([shift(2, 60)], { deployed: true }),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
      says: { site: 'input', cause: 'unknown', confidence: 0 },
    },
    'when it halves as when it doubles': {
      contexts: trafficContexts([shift(3, HALF)]),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
      says: { effect: expect.closeTo(Math.log(2) / (VARIANCE_SIGMA / 4), 0) as unknown as number },
    },
    'blaming the one source that shifted': {
      contexts: trafficContexts([shift(3, 4, (s) => s === 'pod-2')]),
      tick: 0,
      layer: 'middle',
      severity: 'ticket',
      says: { sources: ['pod-2'] },
    },
  },
});
