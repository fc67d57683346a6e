/** Kernels recomputed in float64: which epsilon they seem to use, and how far off they are. */
import { describe, expect, it } from 'vitest';
import type { Declared } from '../../../../agent/core/declared.ts';
import type { TickContext } from '../../../../agent/core/detect/contract.ts';
import { parity } from '../../../../agent/core/detect/parity.ts';
import { addEvent, enterSums, type Sums, sumSources } from '../../../../agent/core/sums.ts';
import { createEmitter, createGaussian, type Given, MINUTE, SECOND, T0 } from '../../../kit/events.ts';
import { createFleet, QUICK } from '../../../kit/fleet.ts';
import { contextOf, detectorSuite, FIRST, PODS, trafficBaseline, trafficTick } from './suite.ts';

/** What each pod tells of the second layer, whose input has a variance of 4 and whose output scatters by 2. */
type Told = Readonly<Record<string, Given>>;

const sumsOf = (told: Told): Map<string, Sums> =>
  new Map(
    Object.entries(told).map(([source, body]) => {
      const sums: Sums = new Map();
      addEvent(sums, createEmitter(source).send('parity', T0, { layers: ['middle'], ...body }));
      return [source, sums];
    }),
  );

const declaring = (dtype: string): Declared => ({
  manifest: new Map([['middle', { dtype }]]),
  layers: 1,
  differences: [],
  sourcesOf: () => [],
  sinceMs: () => 0,
});

function contexts(ticks: readonly Told[], more: Partial<TickContext> = {}, known: Told = {}): TickContext[] {
  const gaussian = createGaussian(3);
  const baseline = trafficBaseline();
  enterSums(baseline.sums, sumSources([...sumsOf(known).values()]));
  return ticks.map((told, i) => {
    const tick = trafficTick(FIRST + i, gaussian);
    const sums = sumsOf(told);
    for (const { source, tick: one } of tick.sources) one.sums = sums.get(source) ?? new Map();
    return contextOf({ ...tick, sums: sumSources([...sums.values()]) }, baseline, more);
  });
}
const all = (body: Given): Told => Object.fromEntries(PODS.map((pod) => [pod, body]));
const epsilon = (
  implied: number | null,
  expected: number | null = 1e-12,
  error: number | null = null,
): Given => ({
  implied_epsilon: [implied],
  expected_epsilon: [expected],
  max_abs_error: [error],
});
const error = (value: number): Given => ({ max_abs_error: [value] });
const unseen = (told: Told): TickContext[] =>
  contexts([told]).map((c) => ({ ...c, baseline: null, scores: null }));
const ticket = { tick: 0, layer: 'middle', severity: 'ticket' } as const;

detectorSuite(parity, {
  quiet: {
    'without parity events': contexts([{}]),
    'when nothing is measured': contexts([all(epsilon(null, null))]),
    'when the epsilon is as expected': contexts([all(epsilon(1.1e-5, 1e-5)), all(epsilon(1e-12))]),
    'when both are 0': contexts([all(epsilon(0, 0))]),
    'when the fit is off and the output hardly': contexts([all(epsilon(1e-3)), all(epsilon(-1e-3))]),
    'when the fit is none': contexts([all(epsilon(-7))]),
    'when the epsilon is off by less than its fit': contexts([all(epsilon(1.15, 1))]),
    'without a baseline, at what any input drowns': unseen(all(epsilon(1e-7))),
    'without a baseline, at a fit below 0': unseen(all(epsilon(-1e-3))),
    'at an error that the format allows': [
      ...contexts([all(error(1e-4))], { declared: declaring('float32') }),
      ...contexts([all(error(9e-3))], { declared: declaring('float16') }),
      ...contexts([all(error(5e-2))], { declared: declaring('bfloat16') }),
      // The layer's values reach 30: half a step of the last digit is 0.12 there.
      ...contexts([all(error(0.2))], { declared: declaring('bfloat16') }),
      ...contexts([all(error(1.9e-2))]),
    ],
    'at what was accepted with the baseline': [
      ...contexts([all(epsilon(0.055))], {}, all(epsilon(0.05))),
      ...contexts([all(error(0.15))], {}, all(error(0.1))),
    ],
  },
  alarms: {
    'of another epsilon': {
      contexts: contexts([all(epsilon(0.05, 1e-12, 0.02))]),
      ...ticket,
      says: {
        cause: 'epsilon_mismatch',
        confidence: 0.95,
        sources: [],
        evidence: { parity_at: 'middle', implied_epsilon: 0.05, expected_epsilon: 1e-12, parity_error: 0.02 },
        says: 'middle computes as with epsilon 0.050, it should be 1.0e-12',
      },
    },
    'of an epsilon that is missing': {
      contexts: contexts([all(epsilon(0, 0.1))]),
      ...ticket,
      says: {
        cause: 'epsilon_mismatch',
        evidence: { implied_epsilon: 0, expected_epsilon: 0.1, parity_at: 'middle' },
      },
    },
    'without a baseline': { contexts: unseen(all(epsilon(1e-5))), ...ticket },
    'of an epsilon beyond the one that was accepted': {
      contexts: contexts([all(epsilon(0.2))], {}, all(epsilon(0.05))),
      ...ticket,
    },
    'of one source, until it is right again or gone': {
      contexts: contexts([{ ...all(epsilon(1e-12)), 'pod-2': epsilon(0.05) }]),
      ...ticket,
      says: { sources: ['pod-2'] },
    },
    'of an error that float32 does not make': {
      contexts: contexts([all(error(5e-3))], { declared: declaring('float32') }),
      ...ticket,
      says: {
        cause: 'precision_change',
        confidence: 0.8,
        evidence: { parity_at: 'middle', parity_error: 5e-3 },
      },
    },
    'of an error that no format makes': {
      contexts: contexts([all(error(1))], { declared: declaring('bfloat16') }),
      ...ticket,
      says: { cause: 'unknown', confidence: 0 },
    },
    'of a page, when traffic moves from there on': {
      contexts: contexts([all(epsilon(0.05))]).map((context) => {
        const rows = context.scores!.rows.map(() => -6);
        return { ...context, scores: { ...context.scores!, rows } };
      }),
      ...ticket,
      severity: 'page',
      says: { effect: 6 },
    },
  },
});

describe('parity events', () => {
  const fleetOf = () => createFleet({ settings: { ...QUICK, leastEffectSigmas: 1 } });
  const both = { layers: ['a', 'b'], expected_epsilon: [1e-12, 1e-12] };

  it('tell while still calibrating, hold until the next ones, and end with them', () => {
    const fleet = fleetOf();
    fleet.play(20 * SECOND);
    fleet.send('parity', { ...both, implied_epsilon: [1e-12, 0.05] }, 'pod-0');
    const [opened, ...more] = fleet.play(20 * SECOND);
    expect(more).toEqual([]);
    expect(opened).toMatchObject({
      event: 'opened',
      detectors: ['parity'],
      cause: 'epsilon_mismatch',
      layers: ['b'],
      sources: [],
    });
    expect(fleet.play(5 * MINUTE)).toEqual([]);
    fleet.send('parity', { ...both, implied_epsilon: [1e-12, 1e-12] }, 'pod-0');
    expect(fleet.play(10 * MINUTE)).toMatchObject([{ event: 'resolved', id: opened!.id }]);
  });

  it('name the first layer and the pod', () => {
    const fleet = fleetOf();
    fleet.play(20 * SECOND);
    fleet.send('parity', { ...both, implied_epsilon: [1e-12, 1e-12] }, 'pod-0');
    fleet.send('parity', { ...both, implied_epsilon: [0.2, 0.05] }, 'pod-1');
    expect(fleet.play(20 * SECOND)).toMatchObject([{ event: 'opened', layers: ['a'], sources: ['pod-1'] }]);
  });
});
