/** Slow normalization ops, by layer and by source, out of times that are heavy-tailed when nothing is wrong. */
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../../../agent/core/bucket.ts';
import { newDetectorState, type Signal, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { opLatency } from '../../../../agent/core/detect/op_latency.ts';
import type { TickSummary } from '../../../../agent/core/tick.ts';
import {
  baselineOfTicks,
  createDraw,
  type OpFlush,
  opTick,
  secondsHistogram,
  sumTick,
  type Times,
} from '../../../kit/latency.ts';
import { createRandom } from '../../../simulation/world/random.ts';
import { contextOf, detectorSuite, FIRST, LAYERS, PODS, START_MS, times } from './suite.ts';

/** A heavy tail: one flush in twenty takes ten times as long. */
const HEALTHY: Times = { median: 60e-6, sigma: 0.5, spikes: 0.05 };

interface Change {
  readonly slow?: (source: string, layer: number) => number;
  readonly calls?: number;
  readonly tokens?: number;
  readonly pods?: readonly string[];
  readonly histogram?: boolean;
  readonly times?: Times;
}

function flushesOf({ slow = () => 1, pods = PODS, times: one = HEALTHY, ...more }: Change): OpFlush[] {
  return pods.flatMap((source) =>
    times<OpFlush>(4, {
      source,
      ...more,
      times: (layer) => ({ ...one, median: one.median * slow(source, layer) }),
    }),
  );
}

const ticksOf = (changes: readonly Change[], seed: number, first = FIRST): TickSummary[] => {
  const draw = createDraw(seed);
  return changes.map((change, i) => opTick(first + i, LAYERS, flushesOf(change), draw));
};
const baselineOf = (change: Change, seed = 1): Bucket => baselineOfTicks(ticksOf(times(60, change), seed, 0));

const MEANS = baselineOf({});
const HISTOGRAMS = baselineOf({ histogram: true, calls: 40 });

const against = (baseline: Bucket | null, ticks: readonly TickSummary[]): TickContext[] =>
  ticks.map((tick) => ({ ...contextOf(tick, null), baseline }));
const played = (...changes: readonly Change[]): TickContext[] => against(MEANS, ticksOf(changes, 2));
const all = (factor: number) => ({ slow: () => factor });
const ticket = { severity: 'ticket', says: { cause: 'latency_regression', unit: 'ratio' } } as const;

const bare = (op: unknown, more: object = {}): TickContext[] =>
  against(
    MEANS,
    times(12, 0).map((_, i) =>
      sumTick(FIRST + i, LAYERS, [{ kind: 'activations', source: 'pod-0', requests: 1, ...more, op }]),
    ),
  );

detectorSuite(opLatency, {
  quiet: {
    'in healthy traffic with a heavy tail': played(...times(100, {})),
    'without op times': bare(undefined, { layers: LAYERS }),
    'without layers': bare({ count: [], time_ns: [] }),
    'with no calls': bare({ count: [0, 0, 0], time_ns: [9e9, 9e9, 9e9] }, { layers: LAYERS }),
    'with columns that are null': bare(
      { count: [null, 1, null], time_ns: [9e9, null, null], histogram: [null, null, null] },
      { layers: LAYERS },
    ),
    'when the timer is too coarse to tell': bare(
      { count: [1, 1, 1], time_ns: [0, 0, 0] },
      { layers: LAYERS },
    ),
    'without a baseline': against(null, ticksOf(times(12, all(9)), 2)),
    'against a baseline of too few ticks': against(
      baselineOfTicks(ticksOf(times(29, {}), 1, 0)),
      ticksOf(times(12, all(9)), 2),
    ),
    'when layers are called as the baseline does not know them': against(
      baselineOfTicks([]),
      ticksOf(times(12, all(9)), 2),
    ),
    'when ops take 1.3 times as long': played(...times(60, all(1.3))),
    'in a burst of thirty seconds on all hosts': played({}, ...times(3, all(20)), ...times(20, {})),
    'when a neighbour keeps one host busy for thirty seconds': played(
      {},
      ...times(3, { slow: (source: string) => (source === 'pod-1' ? 30 : 1) }),
      ...times(20, {}),
    ),
    'when every call has five times the tokens and takes as much longer': played(
      ...times(30, { ...all(5), tokens: 10 * 30 * 5 }),
    ),
    'with ten times the calls in a flush, whose mean has the spikes in it': against(
      MEANS,
      ticksOf(
        // The mean of a hundred such calls is 1.65 times their median.
        times(60, { calls: 100, times: { median: 60e-6 * 1.65, sigma: 0.2, spikes: 0 } }),
        2,
      ),
    ),
  },
  alarms: {
    'about all layers when the op itself is slow': {
      contexts: played({}, {}, ...times(8, all(2))),
      tick: 6,
      layer: null,
      ...ticket,
      says: {
        ...ticket.says,
        sources: [],
        onsetMs: START_MS + 20_000,
        evidence: expect.objectContaining({ slow_layers: 3 }),
        says: expect.stringContaining('in all 3 layers, the op or the machines'),
      },
    },
    'about the layer that is slow': {
      contexts: played({}, ...times(9, { slow: (_: string, layer: number) => (layer === 1 ? 2 : 1) })),
      tick: 6,
      layer: 'middle',
      ...ticket,
      says: {
        ...ticket.says,
        sources: [],
        evidence: expect.objectContaining({ slow_layers: 1, worst_layer: 'middle' }),
      },
    },
    'within a minute by p99': {
      contexts: against(HISTOGRAMS, ticksOf(times(6, { histogram: true, calls: 40, ...all(2) }), 2)),
      tick: 4,
      layer: null,
      ...ticket,
    },
    'about the host that is slow': {
      contexts: played({}, ...times(14, { slow: (source: string) => (source === 'pod-1' ? 3 : 1) })),
      tick: 11,
      layer: null,
      ...ticket,
      says: { ...ticket.says, sources: ['pod-1'], evidence: expect.objectContaining({ slow_sources: 1 }) },
    },
  },
});

const run = (contexts: readonly TickContext[]): Signal[][] => {
  const state = newDetectorState(opLatency, LAYERS.length);
  return contexts.map((context) => opLatency.tick!(context, state));
};
const firstOf = (told: readonly (readonly Signal[])[]): number => told.findIndex((s) => s.length > 0);

describe('op_latency', () => {
  it('finds twice the time within three minutes from means alone, whatever the seed', () => {
    for (let seed = 10; seed < 30; seed++) {
      const told = run(against(MEANS, ticksOf(times(18, all(2)), seed)));
      expect(firstOf(told), `seed ${seed}`).toBeLessThan(18);
      expect(firstOf(told), `seed ${seed}`).toBeGreaterThanOrEqual(0);
    }
  });

  it('finds twice the p99 within a minute while nearly all calls take as long as ever', () => {
    // One call in thirty takes long: the p99 lies among them.
    const tick = (index: number, tail: number): TickSummary => {
      const draw = createDraw(index);
      const calls = (): number[] =>
        Array.from({ length: 300 }, (_, i) => draw({ median: i % 30 === 0 ? tail : 1e-4, sigma: 0.1 }));
      const flush = (source: string) => ({
        kind: 'activations' as const,
        source,
        requests: 300,
        layers: LAYERS,
        op: { histogram: LAYERS.map(() => secondsHistogram(calls())) },
      });
      return sumTick(index, LAYERS, PODS.map(flush));
    };
    const from = (first: number, count: number, tail: number): TickSummary[] =>
      times(count, tail).map((one, i) => tick(first + i, one));
    const told = run(against(baselineOfTicks(from(0, 60, 4e-4)), from(FIRST, 6, 8e-4)));
    expect(firstOf(told)).toBeGreaterThanOrEqual(0);
    expect(told.at(-1)![0]!.evidence).toMatchObject({ slow_layers: 3, op_p99_seconds: expect.any(Number) });
  });

  it('names the one of two hosts that is slow, and no layer for it', () => {
    const pods = ['pod-0', 'pod-1'];
    const slow = { pods, slow: (source: string) => (source === 'pod-1' ? 20 : 1) };
    const told = run(against(baselineOf({ pods }), ticksOf(times(30, slow), 2))).flat();
    expect(told.length).toBeGreaterThan(0);
    for (const signal of told) expect(signal).toMatchObject({ sources: ['pod-1'], layer: -1 });
  });

  it('says nothing of a host that is as ever while its peers got faster', () => {
    const faster = { slow: (source: string) => (source === 'pod-1' ? 1 : 0.2) };
    expect(firstOf(run(played(...times(40, faster))))).toBe(-1);
  });

  it('counts no layer in that had one slow tick', () => {
    const slow = (last: number) => ({ slow: (_: string, layer: number) => [1, 2, last][layer]! });
    const contexts = played({}, ...times(4, slow(1)), slow(1), slow(9), ...times(4, slow(1)));
    const told = run(contexts).flat();
    expect(told.length).toBeGreaterThan(0);
    for (const signal of told)
      expect(signal.evidence).toMatchObject({ slow_layers: 1, worst_layer: 'middle' });
  });

  it('forgets a source that is gone, and ends its signal with the fault', () => {
    const slow = { slow: (source: string) => (source === 'pod-1' ? 4 : 1) };
    const state = newDetectorState(opLatency, LAYERS.length);
    const contexts = played(...times(20, slow), ...times(12, {}), { pods: ['pod-0', 'pod-2'] });
    const told = contexts.map((context) => opLatency.tick!(context, state).length);
    expect(told[19]).toBe(1);
    expect(told.slice(24)).toEqual(new Array(9).fill(0));
    expect([...state.named.keys()]).toEqual(['pod-0', 'pod-2']);
  });

  it('says nothing about a fleet that was uneven when it was learnt', () => {
    const uneven = { slow: (source: string) => (source === 'pod-2' ? 2 : 1) };
    const told = run(against(baselineOf(uneven), ticksOf(times(60, uneven), 2)));
    expect(firstOf(told)).toBe(-1);
  });

  it('keeps its promise over thirty days of log-normal ticks with rare spikes and busy neighbours', () => {
    const random = createRandom(7);
    const draw = createDraw(8);
    const layers = ['only'];
    const tickOf = (index: number, busy: number): TickSummary =>
      opTick(index, layers, [{ times: () => ({ median: 60e-6 * busy, sigma: 0.5, spikes: 0.01 }) }], draw);
    const baseline = baselineOfTicks(times(60, 1).map((busy, i) => tickOf(i, busy)));
    const state = newDetectorState(opLatency, 1);
    let opened = 0;
    let quiet = 6;
    let busy = 0;
    for (let i = 0; i < 259_200; i++) {
      // Every three hours or so a neighbour is busy for ten or twenty seconds.
      if (busy > 0) busy--;
      else if (random.chance(1 / 1_000)) busy = random.between(1, 2);
      const context = contextOf(tickOf(FIRST + i, busy > 0 ? 10 : 1), null);
      const told = opLatency.tick!({ ...context, layers, baseline }, state);
      expect(told.every(({ severity }) => severity === 'ticket')).toBe(true);
      if (told.length > 0 && quiet >= 6) opened++;
      quiet = told.length > 0 ? 0 : quiet + 1;
    }
    expect(opened).toBeLessThanOrEqual(1);
  });
});
