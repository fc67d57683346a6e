/** Hysteresis of the worst layers: what must hold for any history, and the edges by hand. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_LAYERS, nextWorstLayers, type WorstLayers } from '../../../agent/flow/worst-layers.ts';

const LEAVE_TICKS = 6;

const rank = (badness: Readonly<Record<string, number>>) =>
  Object.entries(badness).map(([layer, value]) => ({ layer, badness: value }));

/** Plays a history of badness by layer, a tick each. */
function play(history: readonly Readonly<Record<string, number>>[], count: number): WorstLayers[] {
  let state = NO_LAYERS;
  return history.map((badness, tick) => {
    state = nextWorstLayers(state, { layers: rank(badness), tick, count });
    return state;
  });
}

const shown = (state: WorstLayers | undefined): string[] => [...(state?.shown.keys() ?? [])].sort();

/** Ten layers; a finite or infinite badness each, missing when the layer is gone. */
const anyHistory = fc.array(
  fc.dictionary(
    fc.constantFrom(...'abcdefghij'),
    fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(Infinity)),
  ),
  { maxLength: 40 },
);
const anyCount = fc.integer({ min: 1, max: 6 });

const worst = (badness: Readonly<Record<string, number>>, count: number): string[] =>
  Object.entries(badness)
    .map(([layer, value], position) => ({ layer, value, position }))
    .sort((a, b) => (a.value === b.value ? a.position - b.position : b.value - a.value))
    .slice(0, count)
    .map(({ layer }) => layer);

test('the K worst are always shown, never more than 2 K, and never a layer that is gone', () => {
  fc.assert(
    fc.property(anyHistory, anyCount, (history, count) => {
      for (const [tick, state] of play(history, count).entries()) {
        const badness = history[tick] ?? {};
        for (const layer of worst(badness, count)) expect(state.shown.has(layer)).toBe(true);
        expect(state.shown.size).toBeLessThanOrEqual(2 * count);
        for (const layer of state.shown.keys()) expect(Object.hasOwn(badness, layer)).toBe(true);
      }
    }),
  );
});

test('a layer appears only by being among the K worst', () => {
  fc.assert(
    fc.property(anyHistory, anyCount, (history, count) => {
      const states = play(history, count);
      for (const [tick, state] of states.entries()) {
        const before = states[tick - 1]?.shown ?? new Map();
        const fresh = [...state.shown.keys()].filter((layer) => !before.has(layer));
        expect(worst(history[tick] ?? {}, count)).toEqual(expect.arrayContaining(fresh));
      }
    }),
  );
});

test('a layer leaves only if gone, crowded out, or outside of the worst 1.5 K for six ticks in a row', () => {
  fc.assert(
    fc.property(anyHistory, anyCount, (history, count) => {
      const states = play(history, count);
      for (const [tick, state] of states.entries()) {
        const left = [...(states[tick - 1]?.shown.keys() ?? [])].filter((layer) => !state.shown.has(layer));
        for (const layer of left) {
          const isGone = !Object.hasOwn(history[tick] ?? {}, layer);
          const isCrowded = state.shown.size === 2 * count;
          const outside = history
            .slice(Math.max(0, tick + 1 - LEAVE_TICKS), tick + 1)
            .every((badness) => !worst(badness, Math.ceil(count * 1.5)).includes(layer));
          expect(isGone || isCrowded || (outside && tick + 1 >= LEAVE_TICKS)).toBe(true);
        }
      }
    }),
  );
});

test('asking again within one tick changes nothing', () => {
  fc.assert(
    fc.property(anyHistory, anyCount, (history, count) => {
      for (const [tick, state] of play(history, count).entries()) {
        const again = nextWorstLayers(state, { layers: rank(history[tick] ?? {}), tick, count });
        expect([...again.shown]).toEqual([...state.shown]);
      }
    }),
  );
});

test('two layers that change places at the edge are both shown all the time', () => {
  const history = Array.from({ length: 50 }, (_, tick) => ({
    a: 9,
    b: tick % 2 === 0 ? 5 : 4,
    c: tick % 2 === 0 ? 4 : 5,
    d: 1,
  }));
  expect(play(history, 2).slice(1).map(shown)).toEqual(Array.from({ length: 49 }, () => ['a', 'b', 'c']));
});

test('a layer that is in stays while it is among the worst 1.5 K, however long', () => {
  const third = { a: 9, b: 8, c: 7, d: 1, e: 1 };
  const history = [{ ...third, c: 10 }, ...Array.from({ length: 20 }, () => third)];
  expect(shown(play(history, 2).at(-1))).toEqual(['a', 'b', 'c']);
});

test('a layer that healed leaves after six ticks, not five', () => {
  const sick = { a: 9, b: 8, c: 1, d: 1, e: 1, f: 1 };
  const healed = { a: 9, b: 0, c: 1, d: 1, e: 1, f: 1 };
  const states = play([sick, ...Array.from({ length: LEAVE_TICKS }, () => healed)], 2);
  expect(shown(states[LEAVE_TICKS - 1])).toEqual(['a', 'b', 'c']);
  expect(shown(states[LEAVE_TICKS])).toEqual(['a', 'c']);
});

test('among equals the layers nearer to the input are shown', () => {
  expect(shown(play([{ z: 0, y: 0, a: 0 }], 2)[0])).toEqual(['y', 'z']);
});
