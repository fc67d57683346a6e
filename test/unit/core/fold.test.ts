/** What the fold lets in and where, what it counts, and how it stays within bounds whatever comes. */
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../../agent/core/decode/refusal.ts';
import {
  createPartition,
  foldEvent,
  foldRefusal,
  type Partition,
  restorePartition,
  takeDirty,
  viewPartition,
} from '../../../agent/core/fold.ts';
import { LIMITS } from '../../../agent/core/limits.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { createEmitter, DAY, HOUR, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Odd } from '../../kit/fleet.ts';
import { onlyModel, stateOf } from '../../kit/recording.ts';

const SHIFTED: Odd = { mean: () => 5 };
const cell = { mean: 1, variance: 2, count: 10 };
const LAYER = { a: { input: cell } };

const bytesOf = (partition: Partition): number =>
  [...takeDirty(partition).set.values()].reduce((sum, bytes) => sum + bytes.length, 0);

/** Plays the same twice: equal bytes, and their size. */
function sizeOfTwo(play: (partition: Partition) => void): { bytes: number; partition: Partition } {
  const [one, other] = [createPartition(DEFAULT_SETTINGS), createPartition(DEFAULT_SETTINGS)];
  play(one);
  play(other);
  const state = stateOf(one);
  expect(stateOf(other)).toEqual(state);
  const bytes = [...state.values()].reduce((sum, hex) => sum + hex.length / 2, 0);
  return { bytes, partition: one };
}

describe('traffic', () => {
  it.each([
    ['shadow traffic', { role: 'shadow' }],
    ['a training run', { run: 'r-1', step: 1 }],
  ])('does not include %s: nothing is learnt of it, nothing is said of it', (_, given) => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const before = stateOf(fleet.partition);
    expect(fleet.play(2 * MINUTE, { ...SHIFTED, given })).toEqual([]);
    for (const [name, bytes] of stateOf(fleet.partition))
      if (name.includes('serving/v1/stable')) expect(bytes).toBe(before.get(name));
    expect(fleet.stream('serving/v1/stable').watermarkMs).toBe(T0 + 2 * MINUTE);
  });

  it('does not include probes: they are compared with probes, and say nothing while they answer the same', () => {
    const learnt = [true, false].map((asked) => {
      const fleet = createFleet();
      for (let i = 0; i < 12; i++) {
        expect(fleet.play(10 * SECOND)).toEqual([]);
        const answer = { a: { input: { mean: 1e6, variance: 1, min: -1e9, max: 1e9 } } };
        if (asked)
          expect(fleet.fold(fleet.emitter('pod-0').flush(fleet.nowMs, answer, { probe: 'p-1' }))).toEqual([]);
      }
      const { bucket } = onlyModel(fleet.partition).references[0]!;
      return { cells: bucket.cells, flushes: bucket.flushes, requests: bucket.requests };
    });
    expect(learnt[0]).toEqual(learnt[1]);
  });

  it('of a canary is a stream of its own', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = fleet.play(30 * SECOND, { ...SHIFTED, given: { role: 'canary' } });
    expect(told.filter(({ event }) => event === 'opened')).toMatchObject([{ role: 'canary' }]);
  });
});

describe('counters', () => {
  it('count each event once by kind, repeats as duplicates, and what was skipped as missing', () => {
    const fleet = createFleet({ pods: ['pod-0'] });
    const emitter = fleet.emitter('pod-0');
    const first = emitter.flush(T0 + SECOND, LAYER);
    const lost = emitter.flush(T0 + 2 * SECOND, LAYER);
    const third = emitter.outputs(T0 + 3 * SECOND, [0.5, 0.5]);
    for (const event of [first, first, third, first]) fleet.fold(event);
    expect(fleet.model()).toMatchObject({
      events: { activations: 1, outputs: 1 },
      duplicates: 2,
      missing: 1,
    });
    fleet.fold(lost);
    expect(fleet.model()).toMatchObject({ events: { activations: 2, outputs: 1 }, missing: 0 });
  });

  it('count kinds that are only kept, too', () => {
    const fleet = createFleet();
    fleet.send('requests', { count: 3, errors: 1 });
    fleet.send('memory', { device: 'cuda:0', layers: ['a'] });
    expect(fleet.model().events).toEqual({ requests: 1, memory: 1 });
  });

  it('hold a source together across versions, roles, runs and kinds', () => {
    const fleet = createFleet({ pods: ['pod-0'] });
    fleet.play(SECOND);
    fleet.play(SECOND, { given: { version: 'v2' } });
    fleet.send('training_step', { run: 'r', step: 0 }, 'pod-0');
    fleet.play(SECOND, { given: { role: 'canary' } });
    expect(fleet.model()).toMatchObject({ missing: 0, duplicates: 0 });
  });

  it('count refusals under the model where it is known, else under the partition', () => {
    const fleet = createFleet();
    fleet.play(SECOND);
    const refusal = (model: string | null): Refusal => ({
      reason: 'bad_field',
      field: null,
      detail: '',
      kind: null,
      environment: null,
      model,
    });
    for (const model of ['m', 'm', 'nobody', null]) foldRefusal(fleet.partition, refusal(model));
    const view = viewPartition(fleet.partition);
    expect(view.rejected).toEqual({ bad_field: 2 });
    expect(view.models.map(({ model, rejected }) => [model, rejected])).toEqual([['m', { bad_field: 2 }]]);
  });
});

describe('NaN and Inf by the hour', () => {
  const nanAt = (offsetMs: number, boot: string) =>
    createEmitter('pod-0', { boot }).flush(T0 + offsetMs, { a: { input: { ...cell, nan: 3 } } });
  const dayOf = (partition: Partition) =>
    viewPartition(partition).models[0]!.nonfiniteDay.reduce((sum, { elements }) => sum + elements, 0);

  it('are those of the last day, while the totals only rise', () => {
    const partition = createPartition(DEFAULT_SETTINGS);
    const seen: number[] = [];
    for (let hour = 0; hour < 30; hour++) {
      foldEvent(partition, nanAt(hour * HOUR, `b${hour}`), null);
      seen.push(dayOf(partition));
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, hour) => 3 * Math.min(24, hour + 1)));
    expect(viewPartition(partition).models[0]!.nonfinite[0]).toMatchObject({ kind: 'nan', total: 90 });
  });

  it('are not upset by a single event of the year 2099', () => {
    const partition = createPartition(DEFAULT_SETTINGS);
    foldEvent(partition, nanAt(0, 'b0'), null);
    foldEvent(partition, nanAt(70 * 365 * DAY, 'b1'), null);
    for (let hour = 1; hour < 30; hour++) foldEvent(partition, nanAt(hour * HOUR, `c${hour}`), null);
    expect(onlyModel(partition).nonfiniteHours.size).toBeLessThanOrEqual(25);
    expect(dayOf(partition)).toBe(24 * 3);
    expect(viewPartition(partition).models[0]!.nonfiniteLastSeenMs).toBe(T0 + 29 * HOUR);
  });
});

describe('without end', () => {
  it('layers: a million names take the place of a few thousand', () => {
    const emitter = createEmitter('pod-0');
    const strangers = (event: number) => {
      const layers = Array.from({ length: 4_000 }, (_, i) => `l${event * 4_000 + i}`);
      const ones = layers.map(() => 1);
      const input = { mean: ones, variance: ones, nan: ones };
      return emitter.send('activations', T0 + event * 200, { requests: 1, layers, input });
    };
    const events = [
      emitter.flush(T0, LAYER),
      ...Array.from({ length: 250 }, (_, i) => strangers(i)),
      emitter.flush(T0 + 50 * SECOND, LAYER),
    ];
    const { bytes, partition } = sizeOfTwo((p) => {
      for (const event of events) foldEvent(p, event, null);
    });
    const [stream] = onlyModel(partition).streams.values();
    expect(stream!.layers.length).toBeLessThanOrEqual(LIMITS.layers);
    expect(stream!.layers).toContain('a');
    expect(bytes).toBeLessThan(16 << 20);
  });

  it('sources: the ones heard longest ago are forgotten, the others are not', () => {
    const { bytes, partition } = sizeOfTwo((p) => {
      const steady = createEmitter('steady');
      for (let i = 0; i < 20_000; i++) {
        const atMs = T0 + Math.floor(i / 1_000) * SECOND;
        foldEvent(p, createEmitter(`pod-${i}`).sign(atMs), null);
        if (i % 500 === 0) foldEvent(p, steady.flush(atMs, LAYER), null);
      }
    });
    const model = onlyModel(partition);
    expect(model.sequences.size).toBeLessThanOrEqual(16_384);
    expect(model.sequences.has('steady')).toBe(true);
    expect(model.sequences.has('pod-19999')).toBe(true);
    const [stream] = model.streams.values();
    expect(stream!.clock.sources.size).toBeLessThanOrEqual(1_024);
    for (const tick of stream!.open.values()) expect(tick.sources.size).toBeLessThanOrEqual(1_024);
    expect(model.late.get('too_many_sources')).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(8 << 20);
  });

  it('outputs: some names are kept, and always the same', () => {
    const { bytes, partition } = sizeOfTwo((p) => {
      const emitter = createEmitter('pod-0');
      for (let i = 0; i < 5_000; i++)
        foldEvent(p, emitter.outputs(T0 + i * 20, [0.5, 0.5], { name: `output-${i}` }), null);
    });
    const [stream] = onlyModel(partition).streams.values();
    expect(stream!.outputs.at(-1)!.sums.size).toBeLessThanOrEqual(32);
    expect(bytes).toBeLessThan(1 << 20);
  });

  it('models: the one heard longest ago is forgotten, with all its parts', () => {
    const partition = createPartition(DEFAULT_SETTINGS);
    const stored = new Map<string, Uint8Array>();
    const commit = () => {
      const { set, remove } = takeDirty(partition);
      for (const name of remove) stored.delete(name);
      for (const [name, bytes] of set) stored.set(name, bytes);
    };
    for (let i = 0; i < 1_500; i++) {
      foldEvent(partition, createEmitter('pod-0', { model: `m-${i}` }).flush(T0, LAYER), null);
      foldEvent(
        partition,
        createEmitter('pod-0', { model: 'steady' }).send('requests', T0 + i, { seq: i, count: 1, errors: 0 }),
        null,
      );
      if (i % 100 === 0) commit();
    }
    commit();
    expect(partition.models.size).toBe(1_024);
    expect(partition.models.has('default/steady')).toBe(true);
    expect(partition.models.has('default/m-0')).toBe(false);
    expect(restorePartition(DEFAULT_SETTINGS, stored).models.size).toBe(1_024);
  });

  it('versions: the stream heard longest ago is forgotten, one with an open incident last', () => {
    const partition = createPartition(DEFAULT_SETTINGS);
    const emitter = createEmitter('pod-0');
    const bad = { a: { input: { ...cell, nan: 1 } } };
    foldEvent(partition, emitter.flush(T0, bad, { version: 'broken' }), null);
    for (let i = 0; i < 200; i++)
      foldEvent(partition, emitter.flush(T0 + i * MINUTE, LAYER, { version: `v${i}` }), null);
    const { streams } = onlyModel(partition);
    expect(streams.size).toBe(64);
    expect(streams.has('serving/broken/stable')).toBe(true);
    expect(streams.has('serving/v199/stable')).toBe(true);
    expect(streams.has('serving/v9/stable')).toBe(false);
  });

  it('runs: the one heard longest ago is forgotten', () => {
    const partition = createPartition(DEFAULT_SETTINGS);
    const emitter = createEmitter('rank-0');
    for (let i = 0; i < 700; i++)
      foldEvent(partition, emitter.send('training_step', T0 + i * SECOND, { run: `r${i}`, step: 0 }), null);
    const { runs } = onlyModel(partition);
    expect([runs.size, runs.has('r0'), runs.has('r699')]).toEqual([512, false, true]);
  });

  it('refused records make no model known', () => {
    const partition = createPartition(DEFAULT_SETTINGS);
    const refusal: Refusal = {
      reason: 'not_json',
      field: null,
      detail: '',
      kind: null,
      environment: 'e',
      model: 'x',
    };
    for (let i = 0; i < 1_000; i++) foldRefusal(partition, { ...refusal, model: `m-${i}` });
    expect(partition.models.size).toBe(0);
    expect(bytesOf(partition)).toBeLessThan(100);
  });
});
