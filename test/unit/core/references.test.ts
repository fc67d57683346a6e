/** References taken from one folded recording and put into another state. */
import { describe, expect, it } from 'vitest';
import { createPartition, exportReferences, pinReferences, takeDirty } from '../../../agent/core/fold.ts';
import { MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, QUICK } from '../../kit/fleet.ts';

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

  it('of nothing are none', () => {
    expect(exportReferences(createPartition(QUICK))).toEqual([]);
  });
});
