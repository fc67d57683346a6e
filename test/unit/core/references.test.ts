/** References taken from one folded recording and put into another state. */
import { describe, expect, it } from 'vitest';
import {
  createPartition,
  exportReferences,
  finishPartition,
  pinReferences,
  takeDirty,
} from '../../../agent/core/fold.ts';
import { HOUR_STRIDE } from '../../../agent/core/hours.ts';
import { exportReference, importReference } from '../../../agent/core/reference.ts';
import type { NamedReference } from '../../../agent/core/references.ts';
import { components } from '../../../agent/core/score/components.ts';
import { HOUR, MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, QUICK } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';

/** Ticks enough for a calibration. */
const LONGER = { ...QUICK, calibration: { ticks: 24, flushes: 60 } };

describe('references of a recording', () => {
  it('are what its streams have learnt, also while they still calibrate', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    fleet.play(30 * SECOND, { given: { version: 'v2', checkpoint: 'ck' } });
    fleet.play(15 * SECOND, { given: { version: 'v3', checkpoint: 'too-short' } });
    const found = exportReferences(fleet.partition);
    expect(
      found.map(({ environment, model, reference: r }) => [environment, model, r.id, r.checkpoint]),
    ).toEqual([
      ['default', 'm', 'learned/v1/stable', null],
      ['default', 'm', 'learned/v2/stable', 'ck'],
    ]);
    expect(found[1]!.reference.bucket.ticks).toBe(2);
  });

  it('are pinned in another state before its first record, and guard it from there', () => {
    const learnt = createFleet({ seed: 5 });
    learnt.play(2 * MINUTE);
    const fleet = createFleet();
    pinReferences(fleet.partition, exportReferences(learnt.partition));
    const [part] = takeDirty(fleet.partition).set.keys();
    expect(part).toBeDefined();
    expect(fleet.play(2 * MINUTE)).toEqual([]);
    expect(fleet.stream()).toMatchObject({ state: 'guarded', reference: 'pinned learned/v1/stable' });
    expect(fleet.play(20 * SECOND, { mean: () => 3 })).toMatchObject([{ event: 'opened' }]);
  });

  it('hold all that was seen since: of an hour more is known than of its first minute', () => {
    const fleet = createFleet();
    fleet.play(MINUTE + 10 * SECOND);
    const [minute] = exportReferences(fleet.partition);
    fleet.play(HOUR, { everyMs: 10 * SECOND });
    finishPartition(fleet.partition);
    const [hour] = exportReferences(fleet.partition);
    expect(minute!.reference.bucket.ticks).toBe(6);
    // The first hour and minute, all but the tick in which the pace changed.
    expect(hour!.reference.bucket.ticks).toBeGreaterThanOrEqual(366);
    const errorOf = (named: NamedReference) =>
      components(named.reference.bucket.cells, 0, 'mean')!.errorVariance;
    expect(errorOf(hour!)).toBeLessThan(errorOf(minute!) / 2);
    expect(hour!.reference.createdMs).toBe(minute!.reference.createdMs);
  });

  it('hold no tick of an open incident', () => {
    const fleet = createFleet();
    fleet.play(20 * MINUTE, { everyMs: 10 * SECOND });
    const [before] = exportReferences(fleet.partition);
    expect(fleet.play(10 * MINUTE, { mean: (_, layer) => (layer === 'b' ? 3 : 0) })).toMatchObject([
      { event: 'opened' },
    ]);
    const [after] = exportReferences(fleet.partition);
    expect(after!.reference.bucket.ticks).toBeLessThanOrEqual(before!.reference.bucket.ticks);
    expect(components(after!.reference.bucket.cells, 2, 'mean')!.mean).toBeLessThan(0.2);
  });

  it('are copies: exporting takes nothing from the stream, and what it learns later changes no export', () => {
    const fleet = createFleet();
    fleet.play(20 * MINUTE, { everyMs: 10 * SECOND });
    const exported = exportReferences(fleet.partition);
    const [first, again] = [structuredClone(exported), exportReferences(fleet.partition)];
    expect(again).toEqual(first);
    fleet.play(20 * MINUTE, { everyMs: 10 * SECOND });
    expect(exported).toEqual(first);
  });

  it('carry calibration and hours through their bytes into the stream that they guard', () => {
    const learnt = createFleet({ settings: LONGER });
    learnt.play(4 * HOUR, { everyMs: 30 * SECOND });
    const [named] = exportReferences(learnt.partition);
    expect(named!.reference.calibration!.phi).toHaveLength(8);
    expect(named!.reference.calibration!.runLengths.map(({ detector }) => detector)).toEqual([
      'activation_mean',
      'activation_variance',
    ]);
    expect(named!.reference.hours!.known).toBeGreaterThanOrEqual(2);
    const reference = importReference(exportReference(named!.reference));
    expect(reference.calibration).toEqual(named!.reference.calibration);
    expect(reference.hours).toEqual(named!.reference.hours);

    const fleet = createFleet({ settings: LONGER });
    fleet.play(5 * SECOND);
    pinReferences(fleet.partition, [{ ...named!, reference }]);
    const [stream] = onlyModel(fleet.partition).streams.values();
    expect(stream!.hours).toEqual(reference.hours);
    expect(stream!.hours).not.toBe(reference.hours);
  });

  it('of other layers leave their hours behind', () => {
    const learnt = createFleet({ settings: LONGER });
    learnt.play(4 * HOUR, { everyMs: 30 * SECOND });
    const fleet = createFleet({ settings: LONGER, layers: ['a', 'b', 'c'] });
    fleet.play(5 * SECOND);
    pinReferences(fleet.partition, exportReferences(learnt.partition));
    const [stream] = onlyModel(fleet.partition).streams.values();
    expect([stream!.hours.known, stream!.hours.rows.length]).toEqual([0, 12 * HOUR_STRIDE]);
  });

  it('of nothing are none', () => {
    expect(exportReferences(createPartition(QUICK))).toEqual([]);
  });
});
