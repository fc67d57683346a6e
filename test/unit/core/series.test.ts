/** Ticks of a recording: the same as the fold closes, each once. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../agent/core/decode/event.ts';
import * as m from '../../../agent/core/moments.ts';
import { createSeriesReader, type TickSeries } from '../../../agent/core/series.ts';
import { createEmitter, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { recording } from '../../kit/recording.ts';
import { TICK_MS } from '../../kit/ticks.ts';

function seriesOf(events: Iterable<Event>): TickSeries | null {
  const reader = createSeriesReader(TICK_MS);
  for (const event of events) reader.add(event);
  return reader.read();
}

const emitter = createEmitter('pod-0');
const flush = (atMs: number, names: readonly string[] = ['a']) =>
  emitter.flush(
    atMs,
    Object.fromEntries(names.map((name) => [name, { input: { mean: atMs % 7, variance: 1, count: 10 } }])),
  );

describe('a series of ticks', () => {
  it('holds every flush of a shipped recording once', () => {
    const events = recording('healthy');
    const series = seriesOf(events)!;
    const flushes = events.filter(({ kind }) => kind === 'activations').length;
    expect(series).toMatchObject({
      environment: 'default',
      model: 'minilm-l6',
      version: 'v1',
      role: 'stable',
    });
    expect(series.layers).toHaveLength(13);
    expect(series.ticks.reduce((sum, tick) => sum + tick.flushes, 0)).toBe(flushes);
    expect(series.ticks.map(({ index }) => index - series.ticks[0]!.index)).toEqual(
      Array.from({ length: 24 }, (_, i) => i),
    );
    expect(series.ticks.every(({ outputs, sources }) => outputs.size === 1 && sources.length === 3)).toBe(
      true,
    );
  });

  it('takes duplicates, shadow traffic, probes and training for no traffic', () => {
    const one = flush(T0 + SECOND);
    const others = [{ role: 'shadow' }, { probe: 'p' }, { run: 'r' }].map((given) =>
      createEmitter('pod-1', given).flush(T0 + SECOND, { a: { input: { mean: 1, variance: 1 } } }),
    );
    const series = seriesOf([one, one, ...others])!;
    expect(series.ticks.map(({ flushes }) => flushes)).toEqual([1]);
  });

  it('has one place for a layer, also when a longer list comes later', () => {
    const series = seriesOf([flush(T0 + SECOND, ['b']), flush(T0 + MINUTE, ['a', 'b'])])!;
    expect(series.layers).toEqual(['a', 'b']);
    const measured = series.ticks.map(({ cells }) =>
      [0, 2].map((cell) => cells[cell * m.TICK_STRIDE + m.FLUSHES]),
    );
    expect(measured).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('is that of the stream with the most ticks', () => {
    const canary = createEmitter('pod-9', { role: 'canary' });
    const series = seriesOf([
      canary.flush(T0 + SECOND, { a: { input: { mean: 1, variance: 1 } } }),
      flush(T0 + SECOND),
      flush(T0 + MINUTE),
    ])!;
    expect(series.role).toBe('stable');
  });

  it('leaves out ticks that a cut or a clock has left few flushes', () => {
    const events = Array.from({ length: 40 }, (_, i) => flush(T0 + (i + 1) * SECOND - 1));
    const series = seriesOf([...events, flush(T0 + 10 * MINUTE)])!;
    expect(series.ticks).toHaveLength(4);
  });

  it('is none without traffic', () => {
    expect(seriesOf([])).toBeNull();
    expect(seriesOf([emitter.sign(T0)])).toBeNull();
  });
});
