/** A window is summed once and kept: it must be that of the same buckets read anew, whatever happened in between. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as bl from '../../../agent/core/baseline.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { HOUR, MINUTE } from '../../kit/events.ts';
import { bareTick, TICK_MS } from '../../kit/ticks.ts';

const FIRST = 200_000_000;

/** Ticks up to the next, from one to half a day. */
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }).map((n) => (n * MINUTE) / TICK_MS) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map((n) => (n * HOUR) / TICK_MS) },
  ),
  { minLength: 60, maxLength: 250 },
);

it('a window is the same whether it was asked for before or not', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), fc.nat(5), (list, learns, odd) => {
      const baseline = bl.newBaseline(1, learns);
      const compare = (): void => {
        const anew = bl.baselineOf(bl.namedBuckets(baseline));
        for (const name of ['1h', '24h'] as const)
          expect(bl.rollingWindow(baseline, name, 1)).toEqual(bl.rollingWindow(anew, name, 1));
      };
      let index = FIRST;
      list.forEach((step, i) => {
        index += step;
        const tick = bareTick(index, 1, [{ requests: i + 1, mean: i }]);
        const odds: (() => void)[] = [
          () => bl.setWaitingAside(baseline, tick.startMs - 20 * MINUTE, 1),
          () => bl.forgetFrom(baseline, tick.startMs - HOUR),
          () => bl.moveBaseline(baseline, Int32Array.of(-1), 1),
          () => bl.relearn(baseline, 1),
        ];
        bl.learnTick(baseline, tick, 1, DEFAULT_SETTINGS);
        compare();
        odds[(i + odd) % 40]?.();
        compare();
        if (!learns) baseline.learning = null;
      });
    }),
    { numRuns: 40 },
  );
});
