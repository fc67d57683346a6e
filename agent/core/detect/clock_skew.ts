/** A source whose clock is off: its records carry times that belong to no tick of the stream. */
import { SKEW_MS, SKEWED_RECORDS } from '../clock.ts';
import { shortList } from '../sentence.ts';
import type { Detector, DetectorState, TickContext } from './contract.ts';

/** A clock is off by the same amount from tick to tick; what was held up catches up. */
const TICKS = 2;
const UNSTEADY_TICKS = 6;
const STEADY_MS = 5_000;
const SOURCES_MAX = 256;

/** Row of a source: index of its last tick, its skew then, ticks in a row with a steady skew and with any. */
const LAST_TICK = 0;
const SKEW = 1;
const STEADY = 2;
const SKEWED = 3;
const ROW = 4;

type Skewed = { readonly source: string; readonly skewMs: number; readonly ticks: number };

export const clockSkew: Detector = {
  name: 'clock_skew',
  family: 'telemetry',
  doc:
    'The records of one source carry times more than a minute (or three of its flushes) off those of the others, which ' +
    'make the time of the stream: they are counted and not folded. Two ticks with the same offset are a clock; a ' +
    'backlog that catches up changes its offset and has a minute for it. Misses clocks that are off by less, and a ' +
    'stream whose sources are all off alike.',
  params: [
    { name: 'skewMs', unit: 'ms', value: SKEW_MS, help: 'least offset from the time of the stream' },
    { name: 'records', unit: 'records', value: SKEWED_RECORDS, help: 'in a row that must be off' },
    { name: 'ticks', unit: 'ticks', value: TICKS, help: 'in a row with a steady offset' },
    { name: 'unsteadyTicks', unit: 'ticks', value: UNSTEADY_TICKS, help: 'in a row with any offset' },
  ],
  metrics: ['stream_sources'],
  causes: ['clock_skew'],
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    const skewed = skewedSources(context, state);
    if (skewed.length === 0) return [];
    const worst = skewed.reduce((a, b) => (Math.abs(b.skewMs) > Math.abs(a.skewMs) ? b : a));
    const names = skewed.map(({ source }) => source);
    const seconds = Math.round(Math.abs(worst.skewMs) / 1_000);
    return [
      {
        layer: -1,
        site: null,
        sources: names,
        severity: 'ticket',
        cause: 'clock_skew',
        confidence: 1,
        effect: Math.abs(worst.skewMs),
        unit: 'ms',
        onsetMs: context.tick.endMs - Math.max(...skewed.map(({ ticks }) => ticks)) * context.settings.tickMs,
        evidence: { skew_ms: worst.skewMs, skewed_sources: names.length },
        says: `the clock of ${shortList(names)} is ${seconds} s ${worst.skewMs > 0 ? 'ahead of' : 'behind'} the other sources: its records are not folded`,
      },
    ];
  },
};

function skewedSources({ sources, tick, settings }: TickContext, state: DetectorState): Skewed[] {
  const skewed: Skewed[] = [];
  for (const { source, skewMs, intervalMs } of sources) {
    if (skewMs === null) continue;
    let row = state.named.get(source);
    if (row === undefined) {
      if (state.named.size >= SOURCES_MAX) continue;
      row = new Float64Array(ROW);
      state.named.set(source, row);
    }
    const isNew = row[SKEWED] === 0;
    const isSteady = !isNew && Math.abs(skewMs - row[SKEW]!) <= Math.max(STEADY_MS, 2 * intervalMs);
    row[STEADY] = isSteady ? row[STEADY]! + 1 : 1;
    row[SKEWED] = row[SKEWED]! + 1;
    row[SKEW] = skewMs;
    row[LAST_TICK] = tick.index;
    if (row[STEADY]! >= TICKS || row[SKEWED]! >= UNSTEADY_TICKS)
      skewed.push({ source, skewMs, ticks: Math.min(row[SKEWED]!, 86_400_000 / settings.tickMs) });
  }
  for (const [source, row] of state.named) if (row[LAST_TICK] !== tick.index) state.named.delete(source);
  return skewed;
}
