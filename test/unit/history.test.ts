/** The page's memory: what it keeps, what it forgets, and that it never outgrows its bound. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CellView, PartitionView, StreamView } from '../../agent/core/view.ts';
import { createHistory, type History, recordView, streamKey } from '../../agent/flow/history.ts';
import { readLayer, readShifts } from '../../agent/flow/history-read.ts';
import { emptyModel } from '../browser/incidents.ts';
import { cellOf, streamOf } from '../browser/streams.ts';

const cell = (layer: string, shift: number | null = 1): CellView => {
  const made = cellOf(layer, 'output', 0, 0, shift ?? 0);
  return shift === null ? { ...made, mean: null, variance: null, scores: [] } : made;
};

const stream = (
  tickEndMs: number,
  cells: readonly CellView[] = [cell('a')],
  id = 'serving/v1/stable',
): StreamView => ({
  ...streamOf({ id, version: 'v1', state: 'guarded', cells }, 1),
  model: 'm',
  tickEndMs,
});

const viewOf = (...streams: StreamView[]): PartitionView => ({
  models: [{ ...emptyModel('m'), streams }],
  rejected: {},
});

const keyOf = (id = 'serving/v1/stable') => streamKey({ environment: 'default', model: 'm', id });
const shiftsOf = (history: History, id?: string) => readShifts(history, { key: keyOf(id), before: null });
const columnsOf = (history: History, id?: string) => shiftsOf(history, id)?.columns ?? null;

describe('what is kept', () => {
  test('a view adds a column only when its tick has moved', () => {
    const history = createHistory();
    for (const end of [10, 10, 20, 20, 30]) recordView(history, viewOf(stream(end)), end);
    expect(columnsOf(history)).toEqual([10, 20, 30]);
  });

  test('a run counts in steps', () => {
    const history = createHistory();
    const run = (step: number) => ({ ...stream(step * 1_000), run: 'r1', role: null, step, id: 'run/r1' });
    for (const step of [1, 2, 2, 3]) recordView(history, viewOf(run(step)), step);
    expect(columnsOf(history, 'run/r1')).toEqual([1, 2, 3]);
  });

  test('the shift is the larger of mean and variance, whatever its sign', () => {
    const history = createHistory();
    recordView(history, viewOf(stream(10, [cell('a', -3)])), 0);
    expect(shiftsOf(history)?.cells).toEqual([{ layer: 'a', site: 'output', shift: [3] }]);
  });

  test('what was not measured is null, and a cell never measured is left out', () => {
    const history = createHistory();
    recordView(history, viewOf(stream(10, [cell('a'), cell('b', null)])), 0);
    recordView(history, viewOf(stream(20, [cell('a', null), cell('b', null)])), 0);
    expect(shiftsOf(history)?.cells).toEqual([{ layer: 'a', site: 'output', shift: [1, null] }]);
  });

  test('a score that is not finite is null', () => {
    const history = createHistory();
    recordView(history, viewOf(stream(10, [cell('a', Number.POSITIVE_INFINITY)])), 0);
    expect(readLayer(history, { key: keyOf(), before: null }, 'a')?.cells[0]?.fields.varianceShift).toEqual([
      null,
    ]);
  });

  test('a layer that appears later is null before, and one that is gone null after', () => {
    const history = createHistory();
    recordView(history, viewOf(stream(10, [cell('a')])), 0);
    recordView(history, viewOf(stream(20, [cell('a'), cell('b')])), 0);
    recordView(history, viewOf(stream(30, [cell('b')])), 0);
    const rows = shiftsOf(history)?.cells.map(({ layer, shift }) => [layer, shift]);
    expect(Object.fromEntries(rows ?? [])).toEqual({ a: [1, 1, null], b: [null, 1, 1] });
  });

  test('a layer that comes and goes does not cost a chunk each time', () => {
    const history = createHistory();
    for (let tick = 1; tick <= 200; tick += 1)
      recordView(history, viewOf(stream(tick, [cell(tick % 2 ? 'a' : 'b')])), 0);
    const steady = createHistory();
    for (let tick = 1; tick <= 200; tick += 1)
      recordView(steady, viewOf(stream(tick, [cell('a'), cell('b')])), 0);
    expect(history.bytes).toBeLessThan(1.2 * steady.bytes);
  });

  test('without a reference the rolling past is what it compares with', () => {
    const history = createHistory();
    const rolling = cell('a', 2).scores.map((score) => ({ ...score, against: 'rolling' as const }));
    recordView(history, viewOf(stream(10, [{ ...cell('a'), scores: rolling }])), 0);
    expect(shiftsOf(history)?.cells[0]?.shift).toEqual([2]);
  });

  test('the bands are those of the tick', () => {
    const history = createHistory();
    const other = cell('a').scores.map((score) => ({ ...score, baselineMean: 5, baselineMeanBand: 0.5 }));
    recordView(history, viewOf(stream(10)), 0);
    recordView(history, viewOf(stream(20, [{ ...cell('a'), scores: other }])), 0);
    const fields = readLayer(history, { key: keyOf(), before: null }, 'a')?.cells[0]?.fields;
    expect(fields?.baselineMean[1]).toBe(5);
    expect(fields?.baselineMean[0]).not.toBe(5);
    expect(fields?.baselineMeanBand[1]).toBe(0.5);
  });

  test('a state that went back in time replaces what it had said', () => {
    const history = createHistory();
    for (let tick = 1; tick <= 30; tick += 1) recordView(history, viewOf(stream(tick, [cell('a', 1)])), 0);
    for (const tick of [11, 12]) recordView(history, viewOf(stream(tick, [cell('a', 2)])), 0);
    expect(columnsOf(history)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(shiftsOf(history)?.cells[0]?.shift).toEqual([...new Array(10).fill(1), 2, 2]);
  });

  test('the past of a replaced version leads up to the first column of the new one', () => {
    const history = createHistory();
    for (const end of [10, 20, 30]) recordView(history, viewOf(stream(end, [cell('a', 1)], 'old')), 0);
    for (const end of [30, 40]) recordView(history, viewOf(stream(end, [cell('a', 4)], 'new')), 0);
    const joined = readShifts(history, { key: keyOf('new'), before: keyOf('old') });
    expect(joined?.columns).toEqual([10, 20, 30, 40]);
    expect(joined?.cells[0]?.shift).toEqual([1, 1, 4, 4]);
  });

  test('nothing is known of a stream that never had a tick', () => {
    const history = createHistory();
    recordView(history, viewOf({ ...stream(10), tickEndMs: null }), 0);
    expect(columnsOf(history)).toBeNull();
    expect(readLayer(history, { key: keyOf(), before: null }, 'a')).toBeNull();
  });
});

describe('what is forgotten', () => {
  test('columns beyond the most recent', () => {
    const history = createHistory({ columnsMax: 24 });
    for (let tick = 1; tick <= 100; tick += 1) recordView(history, viewOf(stream(tick)), 0);
    expect(columnsOf(history)).toEqual(Array.from({ length: 24 }, (_, i) => 77 + i));
  });

  test('cells beyond the cap', () => {
    const history = createHistory({ cellsMax: 3 });
    recordView(
      history,
      viewOf(
        stream(
          10,
          ['a', 'b', 'c', 'd'].map((layer) => cell(layer)),
        ),
      ),
      0,
    );
    expect(shiftsOf(history)?.cells.map(({ layer }) => layer)).toEqual(['a', 'b', 'c']);
  });

  test('a stream that no view has shown for a while, and not one that is shown and quiet', () => {
    const history = createHistory({ forgetAfterMs: 1_000 });
    recordView(history, viewOf(stream(10, [cell('a')], 'gone'), stream(10, [cell('a')], 'quiet')), 0);
    recordView(history, viewOf(stream(10, [cell('a')], 'quiet')), 1_001);
    expect(columnsOf(history, 'gone')).toBeNull();
    expect(columnsOf(history, 'quiet')).toEqual([10]);
  });

  test('under memory pressure the quiet stream loses its past, and those that move keep equally much', () => {
    const history = createHistory({ bytesMax: 8_000 });
    const ids = ['s0', 's1', 's2'];
    recordView(history, viewOf(stream(1, [cell('a')], 'quiet')), 0);
    for (let tick = 1; tick <= 200; tick += 1) {
      recordView(history, viewOf(...ids.map((id) => stream(tick, [cell('a')], id))), 0);
    }
    expect(columnsOf(history, 'quiet')).toBeNull();
    const kept = ids.map((id) => columnsOf(history, id)?.length ?? 0);
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(12);
    expect(Math.max(...kept) - Math.min(...kept)).toBeLessThanOrEqual(12);
  });

  test('whatever comes, memory stays under its cap and is counted right', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 5 }),
      tick: fc.integer({ min: 0, max: 40 }),
      layers: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const history = createHistory({ bytesMax: 20_000, columnsMax: 30, forgetAfterMs: 50 });
        for (const [now, { id, tick, layers }] of steps.entries()) {
          const cells = Array.from({ length: layers }, (_, i) => cell(`l${i}`));
          recordView(history, viewOf(stream(tick, cells, `s${id}`)), now);
          const held = [...history.streams.values()].flatMap(({ chunks }) => chunks);
          expect(history.bytes).toBe(held.reduce((sum, { bytes }) => sum + bytes, 0));
          expect(history.bytes).toBeLessThanOrEqual(20_000);
          const columns = columnsOf(history, `s${id}`) ?? [];
          expect(columns).toEqual([...new Set(columns)].sort((a, b) => a - b));
        }
      }),
    );
  });

  test('a bound of zero is refused at once', () => {
    expect(() => createHistory({ bytesMax: 0 })).toThrow('history: bytesMax must be above 0');
  });
});
