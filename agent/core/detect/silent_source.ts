/** A source that sends nothing while its peers do. Judged in event time, so a late agent suspects nobody. */
import { shortList } from '../sentence.ts';
import type { Detector } from './contract.ts';

/** Or this many of the source's own flushes, whichever is longer. */
const FLUSHES = 3;

export const silentSource: Detector = {
  name: 'silent_source',
  family: 'telemetry',
  doc:
    'One source of a stream has sent nothing for 30 s (or three of its flushes) of event time while others have. A ' +
    'source that said `stopping` or whose version was replaced is gone, not silent. A whole stream that is silent is ' +
    'no tick at all: `stream_state` tells of it.',
  params: [
    { name: 'silenceMs', unit: 'ms', value: 30_000, help: 'default of fold.silence' },
    { name: 'flushes', unit: 'flushes', value: FLUSHES, help: 'flushes of its own that must be missing' },
  ],
  metrics: ['stream_state'],
  causes: ['telemetry_gap'],
  cellStride: 0,
  streamStride: 0,
  tick({ sources: all, tick, settings }) {
    // Whose clock is off sends, only at the wrong times.
    const sources = all.filter(({ skewMs }) => skewMs === null);
    const silent = sources.filter((s) => s.quietMs >= Math.max(settings.silenceMs, FLUSHES * s.intervalMs));
    if (silent.length === 0 || silent.length === sources.length) return [];
    const longestMs = Math.max(...silent.map((s) => s.quietMs));
    const names = silent.map((s) => s.source);
    return [
      {
        layer: -1,
        site: null,
        sources: names,
        severity: 'ticket',
        cause: 'telemetry_gap',
        confidence: 1,
        effect: longestMs,
        unit: 'ms',
        onsetMs: tick.endMs - longestMs,
        evidence: {
          silent_sources: names.length,
          silent_ms: longestMs,
          live_sources: sources.length - names.length,
        },
        says: `${shortList(names)} silent for ${Math.round(longestMs / 1000)} s while ${sources.length - names.length} of its peers send`,
      },
    ];
  },
};
