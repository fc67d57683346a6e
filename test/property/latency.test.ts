/** Whatever a producer may send of durations: evidence, signals and totals stay finite, and totals only rise. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { thresholdsOf } from '../../agent/core/budget.ts';
import { newDetectorState, type Signal, type TickContext } from '../../agent/core/detect/contract.ts';
import { opLatency } from '../../agent/core/detect/op_latency.ts';
import { requestLatency } from '../../agent/core/detect/request_latency.ts';
import { DEFAULT_SETTINGS } from '../../agent/core/settings.ts';
import { countTick, type Totals } from '../../agent/core/totals.ts';
import { baselineOfTicks, sumTick } from '../kit/latency.ts';

const LAYERS = ['a', 'b'];
const count = fc.oneof(fc.constantFrom(0, 1, 2 ** 53), fc.nat(1_000));
const column = fc.array(fc.option(count, { freq: 8 }), { minLength: 2, maxLength: 2 });
const histogram = fc.record({
  scale: fc.integer({ min: -10, max: 20 }),
  zero_count: count,
  positive: fc.record({
    offset: fc.integer({ min: -2_000, max: 2_000 }),
    counts: fc.array(count, { maxLength: 5 }),
  }),
});
const source = fc.constantFrom('pod-0', 'pod-1', 'pod-2');
const op = fc.record(
  {
    count: column,
    time_ns: column,
    histogram: fc.array(fc.option(histogram), { minLength: 2, maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const activations = fc.record({
  kind: fc.constant('activations' as const),
  source,
  requests: fc.constant(1),
  tokens: count,
  layers: fc.constant(LAYERS),
  op,
});
const requests = fc
  .record({
    kind: fc.constant('requests' as const),
    source,
    count,
    errors: count,
    latency: fc.option(histogram),
  })
  .map((event) => ({ ...event, errors: Math.min(event.errors, event.count) }));
const ticks = fc.array(fc.array(fc.oneof(activations, requests), { maxLength: 8 }), {
  minLength: 6,
  maxLength: 12,
});

const numbersOf = (signal: Signal): number[] => [
  signal.effect,
  signal.onsetMs,
  ...Object.values(signal.evidence).filter((value) => typeof value === 'number'),
];

test('no number of a detector or a total is anything but finite', () => {
  fc.assert(
    fc.property(ticks, ticks, (learnt, played) => {
      // Repeated until they are enough to be judged by.
      const all = Array.from({ length: 6 }, () => learnt).flat();
      const baseline = baselineOfTicks(all.map((events, i) => sumTick(i, LAYERS, events)));
      const totals: Totals = new Map();
      let counted = 0;
      const states = [opLatency, requestLatency].map(
        (one) => [one, newDetectorState(one, LAYERS.length)] as const,
      );
      [...played, ...played].forEach((events, i) => {
        const tick = sumTick(1_000 + i, LAYERS, events);
        const context = {
          tick,
          layers: LAYERS,
          baseline,
          sources: tick.sources.map(({ source: name }) => ({ source: name, quietMs: 0, intervalMs: 1_000 })),
          thresholds: (name: string) => thresholdsOf(DEFAULT_SETTINGS.budget, 10_000, name),
        } as unknown as TickContext;
        for (const [detector, state] of states) {
          const told = detector.tick!(context, state);
          expect([state.nats, ...told.flatMap(numbersOf)].every(Number.isFinite)).toBe(true);
          for (const rows of [state.cells, state.stream, ...state.named.values()])
            expect(rows.every(Number.isFinite)).toBe(true);
        }
        countTick(totals, tick, LAYERS);
        const sum = [...totals.values()].reduce((sofar, row) => sofar + row.reduce((a, b) => a + b, 0), 0);
        expect(sum).toSatisfy(Number.isFinite);
        expect(sum).toBeGreaterThanOrEqual(counted);
        counted = sum;
      });
    }),
    { numRuns: 60 },
  );
});
