/** One source off its peers: blamed with or without a baseline, and never for what all sources have. */
import { describe, expect, it } from 'vitest';
import { newDetectorState, type Signal, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { peers } from '../../../../agent/core/detect/peers.ts';
import { createGaussian } from '../../../kit/events.ts';
import { foldAll, onlyModel, partitionWithBaseline, recording } from '../../../kit/recording.ts';
import { type Change, detectorSuite, LAYERS, START_MS, times, trafficContexts } from './suite.ts';

const FOUR = ['pod-0', 'pod-1', 'pod-2', 'pod-3'] as const;
const TWENTY = Array.from({ length: 20 }, (_, i) => `t-${String(i).padStart(2, '0')}`);
const NO_BASELINE = { baseline: null, scores: null } as const;

/** `by` request deviations of the mean of some pods, from a cell on. */
const off = (by: number, pods: readonly string[], from = 0): Change => ({
  pods: FOUR,
  mean: (source, cell) => (pods.includes(source) && cell >= from ? by : 0),
});
const QUIET: Change = { pods: FOUR };
const ALL = off(3, FOUR);

detectorSuite(peers, {
  quiet: {
    'while nothing is different': trafficContexts(times(500, QUIET)),
    'while nothing is different and there is no baseline': trafficContexts(times(500, QUIET), NO_BASELINE),
    'when all sources move': trafficContexts([...times(80, QUIET), ...times(80, ALL)]),
    'when all sources scatter more, with few requests each': trafficContexts([
      ...times(80, QUIET),
      ...times(80, { ...ALL, volume: 0.05 }),
    ]),
    'about what is usual for a source': trafficContexts(times(400, off(0.8, ['pod-1'])), NO_BASELINE),
    'about another slice of the traffic, from the start': trafficContexts(
      times(200, off(2, ['pod-1'])),
      NO_BASELINE,
    ),
    'about chance in a change of all, somewhat more in one than in another': trafficContexts([
      ...times(80, QUIET),
      ...times(80, { pods: FOUR, mean: (source: string) => (source === 'pod-1' ? 5.5 : 5) }),
    ]),
    'below the least effect': trafficContexts([...times(80, QUIET), ...times(200, off(0.1, ['pod-1']))]),
    'when half of the sources move and no baseline tells which half': trafficContexts(
      [...times(80, QUIET), ...times(30, off(3, ['pod-1', 'pod-2']))],
      NO_BASELINE,
    ),
    'when most sources have moved and one has not': trafficContexts([
      ...times(80, QUIET),
      ...times(30, off(3, ['pod-0', 'pod-1', 'pod-2'])),
    ]),
    'of two sources without a baseline': trafficContexts(
      [
        ...times(80, { pods: ['pod-0', 'pod-1'] }),
        ...times(30, { ...off(3, ['pod-1']), pods: ['pod-0', 'pod-1'] }),
      ],
      NO_BASELINE,
    ),
    'about a source alone': trafficContexts(times(20, { ...ALL, pods: ['pod-0'] })),
  },
  alarms: {
    'in the first tick when clearly out': {
      contexts: trafficContexts([...times(10, QUIET), ...times(3, off(2, ['pod-2'], 3))]),
      tick: 10,
      layer: 'middle',
      severity: 'page',
      says: { site: 'output', sources: ['pod-2'], cause: 'unknown', onsetMs: START_MS + 100_000 },
    },
    'from the first ticks on, without a baseline': {
      contexts: trafficContexts(times(3, off(-3, ['pod-0'], 1)), NO_BASELINE),
      tick: 1,
      layer: 'embeddings',
      severity: 'page',
      says: { sources: ['pod-0'] },
    },
    'with a ticket when little but for good': {
      contexts: trafficContexts([...times(80, QUIET), ...times(60, off(0.5, ['pod-3'], 2))]),
      tick: 97,
      layer: 'middle',
      severity: 'ticket',
      says: { sources: ['pod-3'] },
    },
    'of three of twenty': {
      contexts: trafficContexts([
        ...times(20, { pods: TWENTY }),
        ...times(6, { ...off(2, ['t-03', 't-07', 't-11'], 2), pods: TWENTY }),
      ]),
      tick: 20,
      layer: 'middle',
      severity: 'page',
      says: { sources: ['t-03', 't-07', 't-11'] },
    },
    'of one of two where a baseline tells which': {
      contexts: trafficContexts([
        ...times(80, { pods: ['pod-0', 'pod-1'] }),
        ...times(1, { ...off(3, ['pod-1']), pods: ['pod-0', 'pod-1'] }),
      ]),
      tick: 80,
      layer: 'embeddings',
      severity: 'page',
      says: { sources: ['pod-1'] },
    },
    'by the variance alone': {
      contexts: trafficContexts([
        ...times(20, QUIET),
        ...times(1, {
          pods: FOUR,
          variance: (source: string, cell: number) => (source === 'pod-1' && cell === 5 ? 3 : 0),
        }),
      ]),
      tick: 20,
      layer: 'last',
      severity: 'page',
      says: { sources: ['pod-1'] },
    },
  },
});

function play(contexts: readonly TickContext[]): Signal[][] {
  const state = newDetectorState(peers, LAYERS.length);
  return contexts.map((context) => peers.tick!(context, state));
}

describe('a rollout that goes pod by pod', () => {
  it('names one after the other, then nobody', () => {
    const stages = [['pod-0'], ['pod-0', 'pod-1'], ['pod-0', 'pod-1', 'pod-2'], FOUR];
    const told = play(
      trafficContexts([...times(80, QUIET), ...stages.flatMap((pods) => times(5, off(3, pods)))]),
    );
    const names = [0, 1, 2, 3].map((stage) => told[80 + stage * 5 + 4]!.flatMap(({ sources }) => sources));
    expect(names).toEqual([['pod-0'], ['pod-0', 'pod-1'], [], []]);
  });
});

describe('sources that differ for good', () => {
  it('are what they are where nobody can be blamed: a fault of another is found later', () => {
    const two: Change = { pods: FOUR, mean: (source) => (source < 'pod-2' ? 3 : 0) };
    const more: Change = { ...two, mean: (s) => (s < 'pod-2' ? 3 : 0) + (s === 'pod-3' ? 2 : 0) };
    const state = newDetectorState(peers, LAYERS.length);
    const contexts = trafficContexts([...times(200, two), ...times(5, more)], NO_BASELINE);
    const told = contexts.slice(0, 200).map((context) => peers.tick!(context, state));
    expect(told.flat()).toEqual([]);
    expect(state.nats).toBeLessThan(3);
    const later = contexts.slice(200).map((context) => peers.tick!(context, state));
    expect(later.at(-1)!.map(({ sources }) => sources)).toEqual([['pod-3']]);
  });
});

describe('two sources of known scatter and unknown means', () => {
  const two = ['pod-0', 'pod-1'];

  it('that differ from some time on blame nobody, and are what they are ten minutes later', () => {
    const state = newDetectorState(peers, LAYERS.length);
    const changes = [...times(80, { pods: two }), ...times(100, { ...off(3, ['pod-1']), pods: two })];
    const nats = trafficContexts(changes).map((context) => {
      const unknown = context.peers!.baseline.map(() => Number.NaN);
      expect(peers.tick!({ ...context, peers: { ...context.peers!, baseline: unknown } }, state)).toEqual([]);
      return state.nats;
    });
    expect(nats[100]).toBeGreaterThan(13);
    expect(nats[179]).toBeLessThan(3);
  });
});

describe('a little that stays', () => {
  it('is a ticket for as long as it lasts', () => {
    const told = play(trafficContexts([...times(80, QUIET), ...times(120, off(0.5, ['pod-3'], 2))])).flat();
    expect(told.length).toBeGreaterThan(80);
    expect(new Set(told.map(({ severity }) => severity))).toEqual(new Set(['ticket']));
  });
});

describe('the origin', () => {
  it('is an earlier layer that is out as far, if not yet as surely', () => {
    const change: Change = {
      pods: FOUR,
      mean: (source, cell) => (source !== 'pod-1' || cell < 2 ? 0 : cell === 2 ? 0.8 : 1.5),
    };
    const [first] = play(trafficContexts([...times(100, QUIET), change], {}, 4)).at(-1)!;
    expect(first).toMatchObject({ layer: 1, site: 'input', sources: ['pod-1'] });
    expect(first!.effect).toBeGreaterThan(1.5);
  });
});

describe('sources that wander each for itself', () => {
  it('are learnt to do so', () => {
    const gaussian = createGaussian(9);
    const at = new Map<string, number>(FOUR.map((pod) => [pod, 0]));
    const changes = times(1_500, 0).map((): Change => {
      for (const [pod, x] of at) at.set(pod, 0.8 * x + 0.6 * 0.4 * gaussian());
      const now = new Map(at);
      return { pods: FOUR, mean: (source) => now.get(source)! };
    });
    expect(play(trafficContexts(changes)).flat()).toEqual([]);
  });
});

describe('rows of sources', () => {
  it('are dropped an hour after the source was last heard', () => {
    const state = newDetectorState(peers, LAYERS.length);
    const contexts = trafficContexts([QUIET, ...times(370, { pods: ['pod-0', 'pod-1'] })]);
    for (const context of contexts) peers.tick!(context, state);
    expect([...state.named.keys()].sort()).toEqual(['pod-0', 'pod-1']);
  });

  it('take 32 bytes for each statistic', () => {
    const state = newDetectorState(peers, LAYERS.length);
    peers.tick!(trafficContexts([QUIET])[0]!, state);
    expect(state.named.get('pod-0')!.byteLength).toBe(32 * LAYERS.length * 4 + 24);
  });
});

describe('the shipped recording of one pod without gamma and beta', () => {
  it('blames that pod in the first tick', () => {
    const partition = foldAll(partitionWithBaseline(), recording('one-bad-pod'));
    const [first] = onlyModel(partition).incidents;
    expect(first).toMatchObject({ sources: ['pod-2'], severity: 'page', scope: 'source' });
  });
});
