/** Forward order of layers from the lists of several sources, and numbers that move with their layers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellOf,
  layerOfCell,
  mergeLayouts,
  moveCells,
  placesOf,
  sameNames,
  siteOfCell,
} from '../../../agent/core/layout.ts';

const names = 'abcdefghij'.split('');
const list = fc.shuffledSubarray(names);
/** What sources of one model send: parts of one forward order. */
const part = fc.subarray(names);

describe('layers of several lists', () => {
  it.each([
    ['nothing', [], []],
    ['one list', [['a', 'b']], ['a', 'b']],
    ['a list and a part of it', [['b'], ['a', 'b', 'c']], ['a', 'b', 'c']],
    [
      'a layer that only the shorter list has',
      [
        ['a', 'b', 'c'],
        ['a', 'x'],
      ],
      ['a', 'x', 'b', 'c'],
    ],
    [
      'a layer before all others',
      [
        ['a', 'b', 'c'],
        ['x', 'a'],
      ],
      ['x', 'a', 'b', 'c'],
    ],
    ['strangers', [['a', 'b'], ['x']], ['x', 'a', 'b']],
    [
      'two new ones in a row',
      [
        ['a', 'b', 'c'],
        ['b', 'x', 'y'],
      ],
      ['a', 'b', 'x', 'y', 'c'],
    ],
  ])('of %s', (_, lists, wanted) => {
    expect(mergeLayouts(lists)).toEqual(wanted);
  });

  it('hold every layer once, whatever the lists', () => {
    fc.assert(
      fc.property(fc.array(list, { maxLength: 6 }), (lists) => {
        expect([...mergeLayouts(lists)].sort()).toEqual([...new Set(lists.flat())].sort());
      }),
    );
  });

  it('keep the order of the longest list', () => {
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 6 }), (lists) => {
        const longest = Math.max(...lists.map((l) => l.length));
        const merged = mergeLayouts(lists);
        const kept = lists.filter(
          (l) =>
            l.length === longest &&
            sameNames(
              merged.filter((n) => l.includes(n)),
              l,
            ),
        );
        expect(kept.length).toBeGreaterThan(0);
      }),
    );
  });

  it('stand in the order of the model where one source knows all layers', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        expect(mergeLayouts([...parts, names])).toEqual(names);
      }),
    );
  });

  it('do not depend on which source was heard first', () => {
    fc.assert(
      fc.property(fc.array(list, { minLength: 2, maxLength: 6 }), fc.nat(), (lists, turn) => {
        const turned = [...lists.slice(turn % lists.length), ...lists.slice(0, turn % lists.length)];
        expect(mergeLayouts(turned)).toEqual(mergeLayouts(lists));
        expect(mergeLayouts([...lists].reverse())).toEqual(mergeLayouts(lists));
      }),
    );
  });

  it('of sixteen lists of thousands of strangers are found without looking through all of them for each', () => {
    const lists = Array.from({ length: 16 }, (_, i) => Array.from({ length: 4096 }, (_, j) => `${i}-${j}`));
    expect(new Set(mergeLayouts(lists)).size).toBe(16 * 4096);
  });
});

describe('cells', () => {
  it('are numbered layer by layer, input first', () => {
    const cells = [0, 1, 2].flatMap((layer) => [cellOf(layer, 0), cellOf(layer, 1)]);
    expect(cells).toEqual([0, 1, 2, 3, 4, 5]);
    expect(cells.map(layerOfCell)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(cells.map(siteOfCell)).toEqual(['input', 'output', 'input', 'output', 'input', 'output']);
  });

  it('move with their layers, and new ones are empty', () => {
    fc.assert(
      fc.property(list, list, fc.integer({ min: 1, max: 4 }), (before, extra, stride) => {
        const after = mergeLayouts([before, extra]);
        const rows = Float64Array.from({ length: before.length * 2 * stride }, (_, i) => i + 1);
        const moved = moveCells(rows, stride, placesOf(before, after), after.length, -1);
        const width = 2 * stride;
        after.forEach((name, layer) => {
          const old = before.indexOf(name);
          const wanted =
            old < 0 ? new Array(width).fill(-1) : [...rows.subarray(old * width, (old + 1) * width)];
          expect([...moved.subarray(layer * width, (layer + 1) * width)]).toEqual(wanted);
        });
      }),
    );
  });

  it('of a layer that has no place are dropped', () => {
    expect([...placesOf(['a', 'x'], ['b', 'a'])]).toEqual([1, -1]);
    expect([...moveCells(Float64Array.of(1, 2, 3, 4), 1, Int32Array.of(1, -1), 2)]).toEqual([0, 0, 1, 2]);
  });
});

it.each([
  [['a', 'b'], ['a', 'b'], true],
  [['a', 'b'], ['b', 'a'], false],
  [['a'], ['a', 'b'], false],
  [[], [], true],
])('%j and %j are the same names: %s', (a, b, same) => {
  expect(sameNames(a, b)).toBe(same);
});
