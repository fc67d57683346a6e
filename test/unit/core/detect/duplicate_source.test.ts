/** Two processes under one source name: the rule on bare signs, then through the fold. */
import { describe, expect, it } from 'vitest';
import type { TickContext } from '../../../../agent/core/detect/contract.ts';
import { duplicateSource } from '../../../../agent/core/detect/duplicate_source.ts';
import { createEmitter, MINUTE, SECOND } from '../../../kit/events.ts';
import { createFleet, type Fleet } from '../../../kit/fleet.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { detectorSuite, FIRST, trafficContexts } from './suite.ts';

const END_MS = (FIRST + 1) * TICK_MS;

/** One tick of a stream whose sources show so many signs, the first of them a minute ago. */
const signs = (counts: Record<string, number>): TickContext[] =>
  trafficContexts([{}], {
    sources: Object.entries(counts).map(([source, count]) => ({
      source,
      quietMs: 0,
      intervalMs: SECOND,
      skewMs: null,
      rivals: count === 0 ? null : { count, sinceMs: END_MS - MINUTE },
    })),
  });
const ticket = { tick: 0, layer: null, severity: 'ticket' } as const;

detectorSuite(duplicateSource, {
  quiet: {
    'without signs': signs({ a: 0, b: 0 }),
    'while two processes only hand over': signs({ a: 4, b: 0 }),
    'of a stream without sources': signs({}),
  },
  alarms: {
    'at five signs': {
      contexts: signs({ a: 0, b: 5 }),
      ...ticket,
      says: {
        cause: 'duplicate_source',
        sources: ['b'],
        onsetMs: END_MS - MINUTE,
        effect: 60,
        unit: 'seconds',
        evidence: { doubled_sources: 1, signs_in_five_minutes: 5 },
      },
    },
    'naming all that are doubled': {
      contexts: signs({ a: 9, b: 3, c: 6 }),
      ...ticket,
      says: { sources: ['a', 'c'] },
    },
  },
});

const LAYERS = { a: { input: { mean: 0, variance: 1, count: 9 } } };

/** Lets a second process send as pod-1 from now on for `ms`, half a second after the first. */
function playTwo(fleet: Fleet, ms: number, boot: string) {
  const second = createEmitter('pod-1', { boot });
  return Array.from({ length: ms / SECOND }, () => [
    ...fleet.play(SECOND),
    ...fleet.fold(second.flush(fleet.nowMs + SECOND / 2, LAYERS)),
  ]).flat();
}

describe('the fold', () => {
  it('opens one ticket for two processes, and resolves it once one of them has ended', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = playTwo(fleet, MINUTE, 'second').filter(({ detectors }) =>
      (detectors as string[]).includes('duplicate_source'),
    );
    expect(told).toMatchObject([
      {
        event: 'opened',
        severity: 'ticket',
        cause: 'duplicate_source',
        scope: 'telemetry',
        sources: ['pod-1'],
      },
    ]);
    const after = fleet.play(7 * MINUTE).filter(({ id }) => id === told[0]!.id);
    expect(after.map(({ event }) => event)).toEqual(['resolved']);
  });

  it('counts what it counted before there were signs', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    playTwo(fleet, 30 * SECOND, 'b');
    // One boot and lower numbers: all of the second process are taken for repeats.
    expect(fleet.model().duplicates).toBe(30);
  });

  it('says nothing of restarts and of records sent twice', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = Array.from({ length: 4 }, (_, i) => {
      const again = createEmitter('pod-1', { boot: `boot-${i}` });
      return Array.from({ length: 30 }, () => {
        const lines = fleet.play(SECOND, { pods: ['pod-0', 'pod-2'] });
        const flush = again.flush(fleet.nowMs, LAYERS);
        return [...lines, ...fleet.fold(flush), ...fleet.fold(flush)];
      }).flat();
    }).flat();
    expect(told.filter(({ detectors }) => (detectors as string[]).includes('duplicate_source'))).toEqual([]);
  });
});
