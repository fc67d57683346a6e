/** The queue of the intake against a plain list that does the same slowly, over any sequence of operations. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costBytes, createIntakeQueue, type QueuedEvent } from '../../agent/flow/intake-queue.ts';

const KEPT_LONGEST = ['nonfinite', 'baseline', 'maintenance', 'deployment'];
const KINDS = ['activations', 'outputs', 'source', ...KEPT_LONGEST];

const event = (kind: string, bytes = 10): QueuedEvent => ({
  key: 'default/m',
  value: new Uint8Array(bytes),
  kind,
});
const COST = costBytes(event('activations'));

/** A queue that holds exactly so many events of the usual size. */
const queueFor = (events: number) => createIntakeQueue(events * COST);

describe('intake queue', () => {
  test('gives events back in the order they came, whatever their class', () => {
    const queue = queueFor(10);
    const events = ['outputs', 'nonfinite', 'activations', 'deployment', 'outputs'].map((kind) =>
      event(kind),
    );
    for (const one of events) expect(queue.add(one)).toEqual([]);
    expect(queue.take({ bytes: 3 * COST, events: 99 })).toEqual(events.slice(0, 3));
    queue.settle();
    expect(queue.take({ bytes: 99 * COST, events: 99 })).toEqual(events.slice(3));
  });

  test('drops the oldest ordinary event first, and a control event only when nothing else is left', () => {
    const queue = queueFor(3);
    const [control, first, second] = [event('maintenance'), event('outputs'), event('activations')];
    for (const one of [control, first, second]) queue.add(one);
    expect(queue.add(event('nonfinite'))).toEqual([first]);
    expect(queue.add(event('baseline'))).toEqual([second]);
    expect(queue.add(event('deployment'))).toEqual([control]);
  });

  test('drops an ordinary event at once when only control events are there', () => {
    const queue = queueFor(2);
    for (const kind of ['baseline', 'deployment']) queue.add(event(kind));
    const late = event('activations');
    expect(queue.add(late)).toEqual([late]);
    expect(queue.size()).toBe(2);
  });

  test('never drops what is on its way, and counts it as held', () => {
    const queue = queueFor(2);
    const [first, second, third] = [event('outputs'), event('outputs'), event('outputs')];
    queue.add(first);
    queue.add(second);
    expect(queue.take({ bytes: COST, events: 1 })).toEqual([first]);
    expect(queue.bytes()).toBe(2 * COST);
    expect(queue.add(third)).toEqual([second]);
    queue.giveBack();
    expect(queue.take({ bytes: 9 * COST, events: 9 })).toEqual([first, third]);
  });

  test('takes an event larger than a batch alone', () => {
    const queue = queueFor(100);
    const large = event('outputs', 5 * COST);
    queue.add(large);
    queue.add(event('outputs'));
    expect(queue.take({ bytes: COST, events: 9 })).toEqual([large]);
  });

  test('agrees with a plain list over any operations, and never holds more than it may', () => {
    const operation = fc.oneof(
      fc.record({
        do: fc.constant('add' as const),
        kind: fc.constantFrom(...KINDS),
        bytes: fc.nat(4 * COST),
      }),
      fc.record({
        do: fc.constant('take' as const),
        events: fc.integer({ min: 1, max: 5 }),
        bytes: fc.nat(6 * COST),
      }),
      fc.record({ do: fc.constantFrom('settle' as const, 'giveBack' as const) }),
    );
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 200 }),
        fc.integer({ min: 12, max: 40 }),
        (operations, room) => {
          const queue = queueFor(room);
          const model = createModel(room * COST);
          for (const one of operations) {
            if (one.do === 'add') {
              const added = event(one.kind, one.bytes);
              expect(queue.add(added)).toEqual(model.add(added));
            } else if (one.do === 'take') {
              if (model.batch.length > 0) expect(() => queue.take(one)).toThrow();
              else expect(queue.take(one)).toEqual(model.take(one));
            } else {
              queue[one.do]();
              model[one.do]();
            }
            const held = [...model.batch, ...model.waiting];
            expect(queue.size()).toBe(held.length);
            expect(queue.bytes()).toBe(held.reduce((sum, each) => sum + costBytes(each), 0));
            expect(queue.bytes()).toBeLessThanOrEqual(room * COST);
          }
          const held = [...model.batch, ...model.waiting];
          expect(new Set(queue.clear())).toEqual(new Set(held));
          expect(queue.bytes()).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('keeps its order over thousands of events', () => {
    const queue = createIntakeQueue(1e9);
    const kinds = Array.from({ length: 5_000 }, (_, at) => (at % 7 === 0 ? 'nonfinite' : 'outputs'));
    const events = kinds.map((kind) => event(kind));
    const out: QueuedEvent[] = [];
    for (const [at, one] of events.entries()) {
      queue.add(one);
      if (at % 3 !== 0) continue;
      const batch = queue.take({ bytes: 1e9, events: 3 });
      if (at % 2) {
        queue.giveBack();
      } else {
        out.push(...batch);
        queue.settle();
      }
    }
    out.push(...queue.take({ bytes: 1e9, events: 1e9 }));
    expect(out).toEqual(events);
    expect(out.every((one, at) => one === events[at])).toBe(true);
  });
});

function createModel(bytesMax: number) {
  const sum = (events: QueuedEvent[]) => events.reduce((bytes, each) => bytes + costBytes(each), 0);
  const model = {
    waiting: [] as QueuedEvent[],
    batch: [] as QueuedEvent[],
    add(added: QueuedEvent): QueuedEvent[] {
      model.waiting.push(added);
      const dropped: QueuedEvent[] = [];
      while (sum(model.waiting) + sum(model.batch) > bytesMax) {
        const ordinary = model.waiting.findIndex(({ kind }) => !KEPT_LONGEST.includes(kind));
        dropped.push(...model.waiting.splice(Math.max(ordinary, 0), 1));
      }
      return dropped;
    },
    take({ bytes, events }: { bytes: number; events: number }): QueuedEvent[] {
      let count = Math.min(1, model.waiting.length);
      while (
        count < Math.min(events, model.waiting.length) &&
        sum(model.waiting.slice(0, count + 1)) <= bytes
      )
        count++;
      model.batch = model.waiting.splice(0, count);
      return [...model.batch];
    },
    settle() {
      model.batch = [];
    },
    giveBack() {
      model.waiting.unshift(...model.batch);
      model.batch = [];
    },
  };
  return model;
}
