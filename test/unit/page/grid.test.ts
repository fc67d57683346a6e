/** From history to heat map: where a column lands, what a narrow screen keeps, and which numbers get a colour. */
import { describe, expect, test } from 'vitest';
import { axisMarks, BIN_ENDS, binOf, gridOf } from '../../../agent/page/browser/grid.ts';

const history = (
  columns: number[],
  shift: (number | null)[],
  input: (number | null)[] = shift.map(() => null),
) => ({
  columns,
  cells: [
    { layer: 'a', site: 'input' as const, shift: input },
    { layer: 'a', site: 'output' as const, shift },
  ],
});
const sigmasOf = (grid: ReturnType<typeof gridOf>) =>
  grid.rows[0]?.values.map((value) => value?.sigmas ?? null) ?? [];

describe('grid', () => {
  test('the last column is the last slot, and every column has a slot of its own where there is room', () => {
    const columns = Array.from({ length: 100 }, (_, i) => (i + 1) * 10_000);
    const grid = gridOf(
      history(
        columns,
        columns.map((_, i) => i),
      ),
      'both',
      500,
    );
    expect(grid.slots).toBe(100);
    expect(sigmasOf(grid)).toEqual(columns.map((_, i) => i));
    expect(grid.start + grid.slots * grid.width).toBe(1_000_000);
  });

  test('a silence is a gap, not a shorter axis', () => {
    const grid = gridOf(history([10_000, 20_000, 600_000], [1, 2, 3]), 'both', 500);
    expect(grid.slots).toBe(60);
    expect(sigmasOf(grid).filter((value) => value !== null)).toEqual([1, 2, 3]);
    expect(
      sigmasOf(grid)
        .slice(2, -1)
        .every((value) => value === null),
    ).toBe(true);
  });

  test('a spike survives a narrow screen', () => {
    const columns = Array.from({ length: 300 }, (_, i) => (i + 1) * 10_000);
    const grid = gridOf(
      history(
        columns,
        columns.map((_, i) => (i === 137 ? 9 : 0.1)),
      ),
      'both',
      70,
    );
    expect(grid.slots).toBeLessThanOrEqual(70);
    expect(Math.max(...sigmasOf(grid).map(Number))).toBe(9);
  });

  test('the worse site shows, or the one that was chosen', () => {
    const both = history([10_000], [1], [3]);
    expect(gridOf(both, 'both', 100).rows[0]?.values.at(-1)).toEqual({ sigmas: 3, site: 'input' });
    expect(gridOf(both, 'output', 100).rows[0]?.values.at(-1)).toEqual({ sigmas: 1, site: 'output' });
  });

  test('steps of a run that are far apart are still neighbours', () => {
    expect(sigmasOf(gridOf(history([100, 200, 300], [1, 2, 3]), 'both', 100)).slice(-3)).toEqual([1, 2, 3]);
  });

  test('nothing yet is an empty grid', () => {
    expect(gridOf({ columns: [], cells: [] }, 'both', 100).rows).toEqual([]);
  });
});

test('a bin begins at its lower end, and the last takes all above', () => {
  expect([0, 0.1249, 0.125, 0.5, 3.99, 4, 1e9].map(binOf)).toEqual([0, 0, 1, 3, 5, 6, 6]);
  expect([...BIN_ENDS]).toEqual([...BIN_ENDS].sort((a, b) => a - b));
});

test('axis marks are round, inside, and no more than asked for', () => {
  const hour = { rows: [], slots: 360, start: 1_000, width: 10_000 };
  const marks = axisMarks(hour, 'time', 8);
  expect(marks.length).toBeGreaterThan(3);
  expect(marks.length).toBeLessThanOrEqual(8);
  expect(marks.every((at) => at % 600_000 === 0 && at >= 1_000 && at <= 3_601_000)).toBe(true);
  const steps = axisMarks({ rows: [], slots: 60, start: -100, width: 10 }, 'step', 6);
  expect(steps).toEqual([0, 100, 200, 300, 400, 500]);
});
