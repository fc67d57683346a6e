/** Probes among traffic: which sources answer otherwise, since when, against what, and until when it is told. */
import { describe, expect, it } from 'vitest';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { probe } from '../../../../agent/core/detect/probe.ts';
import { addEvent, type Sums, sumSources } from '../../../../agent/core/sums.ts';
import { createEmitter, createGaussian, DAY, type Given, MINUTE, SECOND, T0 } from '../../../kit/events.ts';
import { createFleet, type Fleet, QUICK } from '../../../kit/fleet.ts';
import { type NetworkFault, PROBE_LAYERS, probeAnswer } from '../../../kit/probe-network.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { contextOf, detectorSuite, FIRST, PODS, START_MS, trafficBaseline, trafficTick } from './suite.ts';

/** What each pod answers in a tick; null = it was not asked. */
type Asked = Readonly<Record<string, NetworkFault | Given | null>>;
const LAYERS_SENT = { layers: ['embeddings', 'middle', 'last'] };

function sumsOf(asked: Asked): Map<string, Sums> {
  return new Map(
    Object.entries(asked).flatMap(([source, fault]) => {
      if (fault === null) return [];
      const sums: Sums = new Map();
      const body = 'kind' in fault ? fault : { ...probeAnswer(fault as NetworkFault), ...LAYERS_SENT };
      const { kind = 'activations', ...rest } = body as Given;
      addEvent(sums, createEmitter(source).send(kind as 'outputs', T0, { probe: 'golden', ...rest }));
      return [[source, sums]];
    }),
  );
}
const all = (fault: NetworkFault | Given): Asked => Object.fromEntries(PODS.map((pod) => [pod, fault]));

function contexts(ticks: readonly Asked[], known: Asked | null = all({}), more: Partial<TickContext> = {}) {
  const gaussian = createGaussian(3);
  const baseline = trafficBaseline();
  for (const [key, row] of known === null ? [] : sumSources([...sumsOf(known).values()]))
    baseline.sums.set(key, row);
  return ticks.map((asked, i) => {
    const tick = trafficTick(FIRST + i, gaussian);
    const sums = sumsOf(asked);
    for (const { source, tick: one } of tick.sources) one.sums = sums.get(source) ?? new Map();
    return contextOf({ ...tick, sums: sumSources([...sums.values()]) }, baseline, more);
  });
}
const EPSILON: NetworkFault = { layers: [undefined, { epsilon: 0.05 }, undefined] };
const NOBODY: Asked = {};
const logits = (...probabilities: number[]): Given => ({
  kind: 'outputs',
  name: 'logits',
  requests: 1,
  probabilities,
});
const ticket = { tick: 0, layer: 'middle', severity: 'ticket' } as const;

detectorSuite(probe, {
  quiet: {
    'without probes': contexts([NOBODY, NOBODY]),
    'while answers are as they were': contexts([all({}), NOBODY, all({})]),
    'without a baseline': contexts([all(EPSILON)], all({})).map((c) => ({ ...c, baseline: null })),
    'of a probe that the baseline does not know, while it answers the same': contexts(
      [all({}), all({})],
      null,
    ),
    'of an output that moves less than its digits tell': contexts(
      [all(logits(0.5, 0.5))],
      all(logits(0.5004, 0.4996)),
    ),
    'when the answers are as they were again': contexts([all(EPSILON), all({})]).slice(1),
  },
  alarms: {
    'of the layer where it began, with its cause': {
      contexts: contexts([all(EPSILON)]),
      ...ticket,
      says: { cause: 'epsilon_mismatch', site: 'output', sources: [], onsetMs: START_MS, confidence: 0.85 },
    },
    'of the one source that answers otherwise': {
      contexts: contexts([{ ...all({}), 'pod-1': EPSILON }]),
      ...ticket,
      says: { sources: ['pod-1'] },
    },
    'of a probe that the baseline does not know, against its first answers': {
      contexts: contexts([all({}), NOBODY, all(EPSILON)], null),
      ...ticket,
      tick: 2,
      says: { cause: 'epsilon_mismatch', sources: [] },
    },
    'of an output that no layer explains': {
      contexts: contexts([all(logits(0.5, 0.5))], all(logits(0.7, 0.3))),
      ...ticket,
      layer: null,
      says: { cause: 'output_divergence', site: null, confidence: 0.5 },
    },
    'of a page, when traffic moves from there on': {
      contexts: contexts([all(EPSILON)]).map((context) => {
        const rows = context.scores!.rows.map(() => 5);
        return { ...context, scores: { ...context.scores!, rows } };
      }),
      ...ticket,
      severity: 'page',
      says: { effect: 5, unit: 'request_sigmas' },
    },
  },
});

describe('what a probe has shown', () => {
  const play = (all: readonly TickContext[]) => {
    const state = newDetectorState(probe, LAYERS_SENT.layers.length);
    return all.map((context) => probe.tick!(context, state)[0] ?? null);
  };

  it('began when it was first seen, however often it is seen again', () => {
    const told = play(contexts([all(EPSILON), NOBODY, all(EPSILON), all({}), all(EPSILON)]));
    expect(told.map((signal) => signal && (signal.onsetMs - START_MS) / TICK_MS)).toEqual([0, 0, 0, null, 4]);
  });

  it('is forgotten with the baseline it was held against', () => {
    const [first, second] = contexts([all(EPSILON), NOBODY]);
    const baseline = { ...second!.baseline!, fromMs: second!.baseline!.fromMs + 1 };
    expect(play([first!, second!])[1]).not.toBe(null);
    expect(play([first!, { ...second!, baseline }])[1]).toBe(null);
  });

  it('holds for a day, if nobody asks again', () => {
    const [first, second] = contexts([all(EPSILON), NOBODY]);
    const later = (ms: number) => ({ ...second!, tick: { ...second!.tick, endMs: first!.tick.endMs + ms } });
    expect(play([first!, later(DAY)])[1]).not.toBe(null);
    expect(play([first!, later(DAY + 1)])[1]).toBe(null);
  });
});

const SETTINGS = { ...QUICK, leastEffectSigmas: 1 };
const EVERYONE = ['pod-0', 'pod-1', 'pod-2'];

function ask(fleet: Fleet, fault: NetworkFault, pods = EVERYONE, given: Given = {}): void {
  for (const pod of pods)
    fleet.fold(
      fleet
        .emitter(pod)
        .send('activations', fleet.nowMs, { ...probeAnswer(fault), probe: 'golden', ...given }),
    );
}

function guarded(): Fleet {
  const fleet = createFleet({ settings: SETTINGS, layers: [...PROBE_LAYERS] });
  fleet.play(30 * SECOND);
  ask(fleet, {});
  expect(fleet.play(2 * MINUTE)).toEqual([]);
  expect(fleet.stream().state).toBe('guarded');
  return fleet;
}

describe('probe events', () => {
  it('hold a new version against what the old one answered, from the first on and until they answer the same', () => {
    const fleet = guarded();
    const v2 = { version: 'v2' };
    fleet.send('deployment', { ...v2, previous_version: 'v1', change: 'fused norm' });
    fleet.play(10 * SECOND, { given: v2 });
    ask(fleet, EPSILON, EVERYONE, v2);
    const opened = fleet.play(20 * SECOND, { given: v2 });
    expect(opened).toMatchObject([
      {
        event: 'opened',
        detectors: ['probe'],
        cause: 'epsilon_mismatch',
        layers: ['second'],
        sources: [],
        scope: 'rollout',
        evidence: { probe: 'golden', probe_at: 'output of second' },
      },
    ]);
    expect(Number((opened[0]!.evidence as Record<string, unknown>).implied_epsilon)).toBeCloseTo(0.05, 2);
    // Asked only now and then: what was found holds until the next answer.
    expect(fleet.play(5 * MINUTE, { given: v2 })).toEqual([]);
    ask(fleet, {}, EVERYONE, v2);
    expect(fleet.play(10 * MINUTE, { given: v2 })).toMatchObject([{ event: 'resolved', id: opened[0]!.id }]);
  });

  it('name the pod that answers otherwise', () => {
    const fleet = guarded();
    ask(fleet, {}, ['pod-0', 'pod-1']);
    ask(fleet, EPSILON, ['pod-2']);
    expect(fleet.play(20 * SECOND)).toMatchObject([{ event: 'opened', sources: ['pod-2'], scope: 'source' }]);
  });

  it('are no traffic', () => {
    const [asked, unasked] = [true, false].map((is) => {
      const fleet = createFleet({ settings: SETTINGS, layers: [...PROBE_LAYERS] });
      fleet.play(30 * SECOND);
      if (is) ask(fleet, EPSILON);
      fleet.play(30 * SECOND);
      return fleet.stream().layers;
    });
    expect(asked).toEqual(unasked);
  });

  it('of outputs reach the baseline and are compared', () => {
    const fleet = createFleet({ settings: SETTINGS });
    const answer = (probabilities: number[]) => {
      for (const pod of EVERYONE)
        fleet.fold(fleet.emitter(pod).outputs(fleet.nowMs, probabilities, { probe: 'golden' }));
    };
    fleet.play(30 * SECOND);
    answer([0.2, 0.8]);
    fleet.play(2 * MINUTE);
    answer([0.4, 0.6]);
    expect(fleet.play(20 * SECOND)).toMatchObject([
      { event: 'opened', detectors: ['probe'], cause: 'output_divergence', evidence: { probe_at: 'logits' } },
    ]);
  });

  it('that are accepted are the new normal', () => {
    const fleet = guarded();
    ask(fleet, EPSILON);
    const [opened] = fleet.play(20 * SECOND);
    expect(fleet.send('baseline', { action: 'relearn', since: opened!.onset })).toMatchObject([
      { event: 'resolved' },
    ]);
    ask(fleet, EPSILON);
    expect(fleet.play(3 * MINUTE)).toEqual([]);
    ask(fleet, {});
    expect(fleet.play(20 * SECOND)).toMatchObject([
      { event: 'opened', detectors: ['probe'], layers: ['second'] },
    ]);
  });

  it('of pods that are gone are forgotten', () => {
    const fleet = guarded();
    ask(fleet, {}, ['pod-0', 'pod-1']);
    ask(fleet, EPSILON, ['pod-2']);
    fleet.play(20 * SECOND);
    fleet.send('source', { status: 'stopping' }, 'pod-2');
    fleet.play(20 * MINUTE, { pods: ['pod-0', 'pod-1'] });
    expect(fleet.model().incidents).toMatchObject([{ status: 'resolved' }]);
  });
});
