/** Silence of some sources beside others that send. */
import type { TickContext } from '../../../../agent/core/detect/contract.ts';
import { silentSource } from '../../../../agent/core/detect/silent_source.ts';
import { DEFAULT_SETTINGS } from '../../../../agent/core/settings.ts';
import { MINUTE, SECOND } from '../../../kit/events.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { detectorSuite, FIRST, trafficContexts } from './suite.ts';

const END_MS = (FIRST + 1) * TICK_MS;

const WELL = { skewMs: null, rivals: null } as const;

/** One tick of a stream whose sources were last heard so long ago. */
const quietFor = (quietMs: Record<string, number>, intervalMs = SECOND): TickContext[] =>
  trafficContexts([{}], {
    sources: Object.entries(quietMs).map(([source, ms]) => ({ source, quietMs: ms, intervalMs, ...WELL })),
  });
const ticket = { tick: 0, layer: null, severity: 'ticket' } as const;

detectorSuite(silentSource, {
  quiet: {
    'when all send': quietFor({ a: 0, b: 0 }),
    'just before half a minute': quietFor({ a: 0, b: 29_999 }),
    'before three flushes of a source that sends seldom': quietFor({ a: 0, b: 5 * MINUTE }, 2 * MINUTE),
    'when all are silent: then it is the stream, not a source': quietFor({ a: MINUTE, b: 2 * MINUTE }),
    'of a stream with one source': quietFor({ a: 10 * MINUTE }),
    'of a stream without sources': quietFor({}),
    'of a source whose clock is off: its records are not folded, but it sends': trafficContexts([{}], {
      sources: [
        { source: 'a', quietMs: 0, intervalMs: SECOND, ...WELL },
        { source: 'b', quietMs: 5 * MINUTE, intervalMs: SECOND, skewMs: 3_600_000, rivals: null },
      ],
    }),
    'where silence is longer by configuration': trafficContexts([{}], {
      settings: { ...DEFAULT_SETTINGS, silenceMs: 2 * MINUTE },
      sources: [
        { source: 'a', quietMs: 0, intervalMs: SECOND, ...WELL },
        { source: 'b', quietMs: MINUTE, intervalMs: SECOND, ...WELL },
      ],
    }),
  },
  alarms: {
    'after half a minute': {
      contexts: quietFor({ a: 0, b: 30_000 }),
      ...ticket,
      says: {
        cause: 'telemetry_gap',
        sources: ['b'],
        onsetMs: END_MS - 30_000,
        says: 'b silent for 30 s while 1 of its peers send',
      },
    },
    'after three flushes of a source that sends seldom': {
      contexts: quietFor({ a: 0, b: 6 * MINUTE }, 2 * MINUTE),
      ...ticket,
      says: { sources: ['b'], effect: 6 * MINUTE, unit: 'ms' },
    },
    'naming all that are silent, since the longest': {
      contexts: quietFor({ a: 40_000, b: 0, c: MINUTE, d: 0 }),
      ...ticket,
      says: {
        sources: ['a', 'c'],
        onsetMs: END_MS - MINUTE,
        evidence: { silent_sources: 2, silent_ms: MINUTE, live_sources: 2 },
      },
    },
  },
});
