/** A clock that is off: the rule on bare offsets, then through the fold. */
import { describe, expect, it } from 'vitest';
import { clockSkew } from '../../../../agent/core/detect/clock_skew.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import type { FindingLine } from '../../../../agent/core/incident.ts';
import { createEmitter, HOUR, MINUTE, SECOND } from '../../../kit/events.ts';
import { createFleet, type Fleet } from '../../../kit/fleet.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { detectorSuite, FIRST, LAYERS, times, trafficContexts } from './suite.ts';

/** Ticks of a stream with two good sources and one that is off by so much in each; null = not off. */
const off = (offsets: readonly (number | null)[], intervalMs = SECOND): TickContext[] =>
  trafficContexts(times(offsets.length, {})).map((context, i) => ({
    ...context,
    sources: [
      { source: 'a', quietMs: 0, intervalMs, skewMs: null, rivals: null },
      { source: 'b', quietMs: 0, intervalMs, skewMs: offsets[i]!, rivals: null },
      { source: 'c', quietMs: 0, intervalMs, skewMs: null, rivals: null },
    ],
  }));
const ticket = { layer: null, severity: 'ticket' } as const;

detectorSuite(clockSkew, {
  quiet: {
    'while all clocks agree': off([null, null, null]),
    'of a single tick': off([HOUR, null, HOUR, null]),
    'of a backlog that catches up': off([-5 * MINUTE, -4 * MINUTE, -3 * MINUTE, -2 * MINUTE, null]),
  },
  alarms: {
    'in the second tick with the same offset': {
      contexts: off([null, HOUR, HOUR + 900]),
      tick: 2,
      ...ticket,
      says: {
        cause: 'clock_skew',
        sources: ['b'],
        effect: HOUR + 900,
        unit: 'ms',
        onsetMs: (FIRST + 1) * TICK_MS,
        evidence: { skew_ms: HOUR + 900, skewed_sources: 1 },
        says: 'the clock of b is 3601 s ahead of the other sources: its records are not folded',
      },
    },
    'of a clock behind': {
      contexts: off([-2 * MINUTE, -2 * MINUTE]),
      tick: 1,
      ...ticket,
      says: { evidence: { skew_ms: -2 * MINUTE, skewed_sources: 1 } },
    },
    'of a source that sends seldom, whose offset is known to its flushes': {
      contexts: off([HOUR, HOUR + 50 * SECOND], 30 * SECOND),
      tick: 1,
      ...ticket,
    },
    'after a minute with an offset that does not settle': {
      contexts: off([HOUR, 2 * HOUR, HOUR, 3 * HOUR, HOUR, 2 * HOUR]),
      tick: 5,
      ...ticket,
    },
  },
});

it('remembers no source whose clock is right', () => {
  const state = newDetectorState(clockSkew, LAYERS.length);
  for (const context of off([HOUR, HOUR, null])) clockSkew.tick!(context, state);
  expect(state.named.size).toBe(0);
});

/** pod-1 sends with a clock that is off by `skewMs`, the others as ever. */
function playSkewed(fleet: Fleet, ms: number, skewMs: number): FindingLine[] {
  const second = createEmitter('pod-1', { boot: `off by ${skewMs}` });
  const layers = { a: { input: { mean: 0, variance: 1, count: 9 } } };
  return Array.from({ length: ms / SECOND }, () => [
    ...fleet.play(SECOND, { pods: ['pod-0', 'pod-2', 'pod-3'] }),
    ...fleet.fold(second.flush(fleet.nowMs + skewMs, layers)),
  ]).flat();
}

describe('the fold', () => {
  const telemetry = (told: readonly FindingLine[]) => told.filter(({ scope }) => scope === 'telemetry');

  it.each([
    ['ahead', HOUR],
    ['behind', -5 * MINUTE],
  ])(
    'opens one ticket for a clock %s, which is not told as silence, and resolves it with the clock',
    (_, skewMs) => {
      const fleet = createFleet({ pods: ['pod-0', 'pod-1', 'pod-2', 'pod-3'] });
      fleet.play(2 * MINUTE);
      const told = telemetry(playSkewed(fleet, 2 * MINUTE, skewMs));
      expect(told).toMatchObject([
        {
          event: 'opened',
          severity: 'ticket',
          cause: 'clock_skew',
          detectors: ['clock_skew'],
          sources: ['pod-1'],
        },
      ]);
      const { skew_ms: offset } = told[0]!.evidence as { skew_ms: number };
      expect(Math.abs(offset - skewMs)).toBeLessThanOrEqual(2 * SECOND);
      expect(telemetry(playSkewed(fleet, MINUTE, 0)).map(({ event }) => event)).toEqual(['resolved']);
    },
  );

  it('tells of a source that was never right', () => {
    const fleet = createFleet({ pods: ['pod-0', 'pod-2', 'pod-3'] });
    fleet.play(MINUTE);
    expect(telemetry(playSkewed(fleet, MINUTE, HOUR))).toMatchObject([
      { cause: 'clock_skew', sources: ['pod-1'] },
    ]);
  });

  it('leaves it to silence once such a source sends no more', () => {
    const fleet = createFleet({ pods: ['pod-0', 'pod-1', 'pod-2', 'pod-3'] });
    fleet.play(2 * MINUTE);
    playSkewed(fleet, MINUTE, HOUR);
    fleet.play(3 * MINUTE, { pods: ['pod-0', 'pod-2', 'pod-3'] });
    const [open] = fleet.model().incidents.filter(({ status }) => status === 'open');
    expect(open!.detectors).toEqual(['clock_skew', 'silent_source']);
  });
});
