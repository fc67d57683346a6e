/** Stored parts: what changed is written, what is gone is removed, and damaged bytes are refused as such. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../agent/core/codec.ts';
import {
  createPartition,
  foldEvent,
  type Partition,
  restorePartition,
  takeDirty,
  viewPartition,
} from '../../../agent/core/fold.ts';
import { STATE_SCHEMA } from '../../../agent/core/parts.ts';
import { MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, QUICK } from '../../kit/fleet.ts';

/** A state with something in every part. */
function fullFleet() {
  const fleet = createFleet();
  fleet.send('manifest', { layers: ['a', 'b'], epsilon: [1e-5, 1e-5] }, 'pod-0');
  fleet.send('deployment', { version: 'v1', change: 'first' });
  fleet.play(2 * MINUTE, { probabilities: [0.5, 0.5] });
  fleet.play(40 * SECOND, { mean: () => 5, nan: () => 1 });
  fleet.play(20 * SECOND, { given: { version: 'v/2 ä', role: 'canary' } });
  fleet.play(20 * SECOND, { given: { version: 'v3', checkpoint: 'retrained' } });
  fleet.send('training_step', { run: 'r/1', step: 3, loss: 2, groups: ['g'], grad_norms: [1] }, 'rank-0');
  fleet.send('manifest', { run: 'r/1', layers: ['a'], epsilon: [1e-5] }, 'rank-0');
  fleet.send('source', { status: 'alive', node: 'n1' }, 'pod-0');
  return fleet;
}

/** The kind of a part, by its name. */
function kindOf(name: string, bytes: Uint8Array): string {
  if (name.endsWith('/series') && bytes.length === 2) return 'series of nothing';
  return /\/(bucket|reference|run)\//.exec(name)?.[1] ?? name.split('/').at(-1)!;
}

function store() {
  const stored = new Map<string, Uint8Array>();
  return {
    stored,
    commit(partition: Partition) {
      const { set, remove } = takeDirty(partition);
      for (const name of remove) stored.delete(name);
      for (const [name, bytes] of set) stored.set(name, bytes);
      return { set, remove };
    },
  };
}

describe('parts', () => {
  it('of a full state are of every kind', () => {
    const { stored, commit } = store();
    commit(fullFleet().partition);
    const kinds = new Set([...stored].map(([name, bytes]) => kindOf(name, bytes)));
    expect([...kinds].sort()).toEqual(
      [
        ...['head', 'reference', 'run', 'trained'],
        ...['bucket', 'hours', 'last', 'open', 'series', 'series of nothing'],
      ].sort(),
    );
  });

  it('make the same state again, with the same view', () => {
    const fleet = fullFleet();
    const { stored, commit } = store();
    commit(fleet.partition);
    const restored = restorePartition(QUICK, stored);
    expect(viewPartition(restored)).toEqual(viewPartition(fleet.partition));
    expect(takeDirty(restored)).toEqual({ set: new Map(), remove: [] });
  });

  it('are written only when they changed', () => {
    const fleet = fullFleet();
    const { commit } = store();
    fleet.play(SECOND);
    commit(fleet.partition);
    expect(commit(fleet.partition)).toEqual({ set: new Map(), remove: [] });
    fleet.play(SECOND);
    const names = [...commit(fleet.partition).set.keys()].map((name) => name.replace(/^default%2Fm\//, ''));
    expect(names.sort()).toEqual(['head', 'head', 'serving/v1/stable/head', 'serving/v1/stable/open'].sort());
  });

  it('have names in which nothing from outside can be taken for a separator', () => {
    const { stored, commit } = store();
    commit(fullFleet().partition);
    for (const name of stored.keys()) expect(name).toMatch(/^[A-Za-z0-9%/._\-~!*'()]+$/);
    const names = [...stored.keys()].map((name) => name.replace(/^default%2Fm\//, ''));
    expect(names).toContain('serving/v%2F2%20%C3%A4/canary/head');
    expect(names).toContain('run/r%2F1');
  });

  it('of another schema are refused', () => {
    const { stored, commit } = store();
    commit(fullFleet().partition);
    for (const [name, bytes] of stored) {
      const newer = bytes.slice();
      newer[0] = STATE_SCHEMA + 1;
      const fields = new Map(stored).set(name, newer);
      expect(() => restorePartition(QUICK, fields), name).toThrow(CodecError);
    }
  });

  it.each([['a model without its head', 'default%2Fm/head']])('are refused as a whole for %s', (_, name) => {
    const { stored, commit } = store();
    commit(fullFleet().partition);
    expect(stored.delete(name)).toBe(true);
    expect(() => restorePartition(QUICK, stored)).toThrow(CodecError);
  });

  it('of no bytes, or cut off anywhere, are refused', () => {
    const { stored, commit } = store();
    commit(fullFleet().partition);
    for (const [name, bytes] of stored) {
      const cut = new Set([0, 1, 2, bytes.length >> 1, bytes.length - 1].filter((n) => n < bytes.length));
      for (const length of cut) {
        const fields = new Map(stored).set(name, bytes.slice(0, length));
        expect(() => restorePartition(QUICK, fields), `${name} ${length}`).toThrow(CodecError);
      }
    }
  });

  it('that are damaged are refused, or make a state that can be folded on and viewed', () => {
    const fleet = fullFleet();
    const { stored, commit } = store();
    commit(fleet.partition);
    const names = [...stored.keys()];
    const events = [1, 2, 30].map((s) =>
      fleet
        .emitter('pod-0')
        .flush(fleet.nowMs + s * SECOND, { a: { input: { mean: 1, variance: 1, nan: 1 } } }),
    );
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...names), damage, (name, flips) => {
        const bytes = stored.get(name)!.slice();
        for (const [at, byte] of flips) bytes[at % bytes.length] = byte;
        let restored: Partition;
        try {
          restored = restorePartition(QUICK, new Map(stored).set(name, bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
          return;
        }
        for (const event of events) foldEvent(restored, event, null);
        viewPartition(restored);
        takeDirty(restored);
      }),
      { numRuns: 1_500 },
    );
  });
});

it('an empty state has one part, and is made again from none', () => {
  const { set } = takeDirty(createPartition(QUICK));
  expect([...set.keys()]).toEqual(['head']);
  expect(viewPartition(restorePartition(QUICK, new Map()))).toEqual({ models: [], rejected: {} });
});
