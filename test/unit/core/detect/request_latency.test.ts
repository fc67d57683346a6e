/** Slow and failing requests: what opens a ticket, what pages, and what is no more than chance or volume. */
import { describe, expect, it } from 'vitest';
import type { TickContext } from '../../../../agent/core/detect/contract.ts';
import { newDetectorState } from '../../../../agent/core/detect/contract.ts';
import { binomialEvidence, requestLatency } from '../../../../agent/core/detect/request_latency.ts';
import type { TickSummary } from '../../../../agent/core/tick.ts';
import {
  baselineOfTicks,
  createDraw,
  type RequestFlush,
  requestsTick,
  sumTick,
} from '../../../kit/latency.ts';
import { createRandom } from '../../../simulation/world/random.ts';
import { contextOf, detectorSuite, FIRST, LAYERS, PODS, START_MS, times } from './suite.ts';

interface Change {
  readonly slow?: (source: string) => number;
  /** Chance of an error. */
  readonly errors?: (source: string) => number;
  readonly count?: number;
  readonly untimed?: boolean;
}

const ERRORS = 0.004;

function ticksOf(changes: readonly Change[], seed: number, first = FIRST): TickSummary[] {
  const draw = createDraw(seed);
  const random = createRandom(seed);
  return changes.map(({ slow = () => 1, errors = () => ERRORS, count = 100, untimed = false }, i) => {
    const flushes = PODS.map<RequestFlush>((source) => ({
      source,
      count,
      errors: times(count, 0).filter(() => random.chance(errors(source))).length,
      ...(!untimed && { times: { median: 0.04 * slow(source), sigma: 0.5, spikes: 0.001 } }),
    }));
    return requestsTick(first + i, flushes, draw);
  });
}

const BASELINE = baselineOfTicks(ticksOf(times(60, {}), 1, 0));
const QUIET_BASELINE = baselineOfTicks(ticksOf(times(60, { errors: () => 0 }), 1, 0));
const SMALL_BASELINE = baselineOfTicks(ticksOf(times(60, { count: 3 }), 1, 0));

const against = (baseline: TickContext['baseline'], ticks: readonly TickSummary[]): TickContext[] =>
  ticks.map((tick) => ({ ...contextOf(tick, null), baseline }));
const played = (...changes: readonly Change[]): TickContext[] => against(BASELINE, ticksOf(changes, 2));
const all = (factor: number) => ({ slow: () => factor });
const failing = (chance: number) => ({ errors: () => chance });
const bare = (more: object): TickContext[] =>
  against(
    BASELINE,
    times(12, 0).map((_, i) => sumTick(FIRST + i, LAYERS, [{ kind: 'requests', source: 'pod-0', ...more }])),
  );

detectorSuite(requestLatency, {
  quiet: {
    'in healthy traffic': played(...times(100, {})),
    'without requests': bare({ count: 0 }),
    'without latency or errors': bare({ count: 100 }),
    'with a latency that is null or empty': bare({ count: 0, errors: 0, latency: null }).concat(
      bare({ count: 0, errors: 0, latency: { scale: 3, zero_count: 0 } }),
    ),
    'without a baseline': against(null, ticksOf(times(12, all(9)), 2)),
    'against a baseline that has no requests': against(
      baselineOfTicks([]),
      ticksOf(times(12, { ...all(9), ...failing(1) }), 2),
    ),
    'against a baseline of too few ticks': against(
      baselineOfTicks(ticksOf(times(29, {}), 1, 0)),
      ticksOf(times(12, { ...all(9), ...failing(1) }), 2),
    ),
    'with thirty times the traffic, whose p99 is known better': against(
      SMALL_BASELINE,
      ticksOf(times(30, { count: 100 }), 2),
    ),
    'with a thirtieth of the traffic': played(...times(60, { count: 3 })),
    'when requests take 1.3 times as long': played(...times(60, all(1.3))),
    'when twice as many fail, which is less than half a percent more': played(...times(60, failing(0.008))),
    'where half of all requests failed as a rule': against(
      baselineOfTicks(ticksOf(times(60, failing(0.5)), 1, 0)),
      ticksOf(times(20, failing(1)), 2),
    ),
    'in a burst of twenty seconds': played(
      {},
      ...times(2, { ...all(20), ...failing(0.3) }),
      ...times(20, {}),
    ),
  },
  alarms: {
    'as a ticket when the p99 is 1.8 times the usual': {
      contexts: played({}, ...times(14, all(1.8))),
      tick: 9,
      layer: null,
      severity: 'ticket',
      says: {
        cause: 'latency_regression',
        unit: 'ratio',
        sources: [],
        onsetMs: START_MS + 10_000,
        says: expect.stringContaining('times the usual'),
      },
    },
    'about the source that is slow': {
      contexts: played({}, ...times(14, { slow: (source: string) => (source === 'pod-2' ? 4 : 1) })),
      tick: 5,
      layer: null,
      severity: 'ticket',
      says: { sources: ['pod-2'] },
    },
    'as a ticket when a few more fail': {
      contexts: played({}, ...times(14, failing(0.03))),
      tick: 7,
      layer: null,
      severity: 'ticket',
      says: { evidence: expect.objectContaining({ error_rate: expect.any(Number) }) },
    },
    'when a tenth fails where none did': {
      contexts: against(QUIET_BASELINE, ticksOf([{}, ...times(14, failing(0.1))], 2)),
      tick: 5,
      layer: null,
      severity: 'ticket',
      says: { says: expect.stringMatching(/^\d+\.\d % of requests fail, usual 0\.0 %$/) },
    },
    'when latency is not told': {
      contexts: against(BASELINE, ticksOf(times(14, { ...failing(0.2), untimed: true }), 2)),
      tick: 4,
      layer: null,
      severity: 'ticket',
    },
  },
});

describe('request_latency', () => {
  it('pages for a p99 of twice the usual only once that has lasted for a minute', () => {
    const state = newDetectorState(requestLatency, LAYERS.length);
    const told = played({}, ...times(10, all(3))).map((c) => requestLatency.tick!(c, state)[0]?.severity);
    expect(told.indexOf('ticket')).toBeGreaterThan(0);
    expect(told.indexOf('page')).toBe(6);
    expect(told.slice(6)).not.toContain('ticket');
  });

  it('waits for that minute even where a page needs little evidence, and wants twice the p99', () => {
    const severities = (factor: number): (string | undefined)[] => {
      const state = newDetectorState(requestLatency, LAYERS.length);
      const thresholds = () => ({ ticketNats: 5, pageNats: 5 });
      return played({}, ...times(20, all(factor))).map(
        (context) => requestLatency.tick!({ ...context, thresholds }, state)[0]?.severity,
      );
    };
    expect(severities(4).indexOf('ticket')).toBeLessThan(5);
    expect(severities(4).indexOf('page')).toBe(6);
    expect(severities(1.65)).toContain('ticket');
    expect(severities(1.65)).not.toContain('page');
  });

  it('pages once it is certain that five percent more fail, and not for three', () => {
    const severities = (chance: number): (string | undefined)[] => {
      const state = newDetectorState(requestLatency, LAYERS.length);
      return played({}, ...times(20, failing(chance))).map(
        (c) => requestLatency.tick!(c, state)[0]?.severity,
      );
    };
    expect(severities(0.1)).toContain('page');
    expect(severities(0.03)).toContain('ticket');
    expect(severities(0.03)).not.toContain('page');
  });

  it('names no source when more than one is bad and another is at the edge', () => {
    const state = newDetectorState(requestLatency, LAYERS.length);
    const factors: Record<string, number> = { 'pod-0': 1, 'pod-1': 4, 'pod-2': 2 };
    const told = played(...times(12, { slow: (source: string) => factors[source]! })).flatMap((c) =>
      requestLatency.tick!(c, state),
    );
    expect(told.length).toBeGreaterThan(0);
    expect(told.some(({ sources }) => sources.includes('pod-1') && !sources.includes('pod-2'))).toBe(false);
  });

  it('keeps its promise over three days of uneven traffic', () => {
    const random = createRandom(5);
    const state = newDetectorState(requestLatency, LAYERS.length);
    const draw = createDraw(6);
    const tickOf = (index: number): TickSummary => {
      const count = random.between(5, 40);
      const errors = times(count, 0).filter(() => random.chance(ERRORS)).length;
      const busy = random.chance(0.001) ? 10 : 1;
      return requestsTick(index, [{ count, errors, times: { median: 0.04 * busy, spikes: 0.005 } }], draw);
    };
    const baseline = baselineOfTicks(times(60, 0).map((_, i) => tickOf(i)));
    let opened = 0;
    for (let i = 0; i < 25_920; i++)
      opened += requestLatency.tick!({ ...contextOf(tickOf(FIRST + i), null), baseline }, state).length;
    expect(opened).toBe(0);
  });
});

describe('binomialEvidence', () => {
  it('is at most 1 on average under every chance up to the one it is held against', () => {
    const n = 40;
    for (const chance of [0.01, 0.05, 0.4, 0.95]) {
      for (const true_ of [chance, chance / 2]) {
        let expectation = 0;
        let choose = 1;
        for (let k = 0; k <= n; k++) {
          expectation += choose * true_ ** k * (1 - true_) ** (n - k) * binomialEvidence(k, n, chance);
          choose *= (n - k) / (k + 1);
        }
        expect(expectation, `${true_} against ${chance}`).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });
});
