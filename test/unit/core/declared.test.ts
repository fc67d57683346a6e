/** What streams declare against reference, training and peers, as events bring it: whose weights are the same, and what is kept. */
import { describe, expect, it } from 'vitest';
import { declaredOf } from '../../../agent/core/declared.ts';
import { exportReferences, pinReferences, restorePartition, takeDirty } from '../../../agent/core/fold.ts';
import { exportReference, importReference } from '../../../agent/core/reference.ts';
import { type Given, HOUR, MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, type Fleet, QUICK } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';

const SETTINGS = { ...QUICK, leastEffectSigmas: 1 };
const PODS = ['pod-0', 'pod-1', 'pod-2'];
const sha = (digit: string) => [digit.repeat(64), digit.repeat(64)];
const NATIVE = { layers: ['a', 'b'], epsilon: [1e-12, 1e-12], parameters_sha256: sha('a') };
const FUSED = { ...NATIVE, epsilon: [0.05, 0.05] };
const OTHER_WEIGHTS = { ...NATIVE, parameters_sha256: sha('b') };

const declare = (fleet: Fleet, body: Given, pods = PODS) =>
  pods.flatMap((pod) => fleet.send('manifest', body, pod));
const V2 = { version: 'v2' };

function guarded(body: Given | null = NATIVE, given: Given = {}): Fleet {
  const fleet = createFleet({ settings: SETTINGS, given });
  if (body !== null) declare(fleet, body);
  expect(fleet.play(2 * MINUTE)).toEqual([]);
  expect(fleet.stream().state).toBe('guarded');
  return fleet;
}

/** What differs in the stream of a version now. */
function differences(fleet: Fleet, version = 'v1') {
  const model = onlyModel(fleet.partition);
  const stream = model.streams.get(`serving/${version}/stable`)!;
  const reference = model.references.find(({ id }) => id === stream.reference) ?? null;
  const declared = declaredOf(model, stream, reference);
  return declared?.differences.map((one) => [
    one.against,
    one.field,
    one.layer,
    declared.sourcesOf(one).join(' '),
  ]);
}
const shifted = { mean: (_: string, layer: string) => (layer === 'b' ? 3 : 0) };

describe('what a stream declares', () => {
  it('is nothing before it says so, and differs from nothing where nothing else is known', () => {
    const fleet = guarded(null);
    expect(differences(fleet)).toBeUndefined();
    declare(fleet, FUSED);
    expect(differences(fleet)).toEqual([]);
  });

  it('is held against what its reference declared', () => {
    const fleet = guarded();
    expect(differences(fleet)).toEqual([]);
    declare(fleet, FUSED, ['pod-2']);
    expect(differences(fleet)).toEqual([
      ['reference', 'epsilon', 'a', 'pod-2'],
      ['reference', 'epsilon', 'b', 'pod-2'],
    ]);
    declare(fleet, FUSED);
    expect(differences(fleet)?.[0]).toEqual(['reference', 'epsilon', 'a', '']);
  });

  it('is held against peers where the reference declares nothing', () => {
    const fleet = guarded(null);
    declare(fleet, NATIVE, ['pod-0', 'pod-1']);
    declare(fleet, FUSED, ['pod-2']);
    expect(differences(fleet)?.[0]).toEqual(['peers', 'epsilon', 'a', 'pod-2']);
    // Of two that are left none is right.
    fleet.send('source', { status: 'stopping' }, 'pod-0');
    expect(differences(fleet)?.[0]).toEqual(['peers', 'epsilon', 'a', '']);
  });

  it('does not count sources that are not heard any more', () => {
    const fleet = guarded(null);
    declare(fleet, NATIVE, ['pod-0', 'pod-1']);
    declare(fleet, FUSED, ['pod-2']);
    fleet.play(5 * MINUTE, { pods: ['pod-0', 'pod-1'] });
    expect(differences(fleet)).toHaveLength(2);
    fleet.play(10 * MINUTE, { pods: ['pod-0', 'pod-1'] });
    expect(differences(fleet)).toEqual([]);
  });

  it('is held against the version before, while there is no reference', () => {
    const fleet = createFleet({ settings: SETTINGS });
    declare(fleet, NATIVE);
    fleet.play(20 * SECOND);
    fleet.send('deployment', { ...V2, previous_version: 'v1' });
    declare(fleet, { ...FUSED, ...V2 });
    expect(differences(fleet, 'v2')).toHaveLength(2);
    expect(differences(fleet)).toEqual([]);
  });

  it('does not differ by parameters, when all of the version before has others', () => {
    const fleet = createFleet({ settings: SETTINGS });
    declare(fleet, NATIVE);
    fleet.send('deployment', { ...V2, previous_version: 'v1' });
    declare(fleet, { ...OTHER_WEIGHTS, ...V2 });
    expect(differences(fleet, 'v2')).toEqual([]);
  });

  it('is not held against a version of another checkpoint', () => {
    const fleet = createFleet({ settings: SETTINGS });
    declare(fleet, { ...NATIVE, checkpoint: 'one' });
    fleet.send('deployment', { ...V2, previous_version: 'v1', checkpoint: 'two' });
    declare(fleet, { ...FUSED, ...V2 });
    expect(differences(fleet, 'v2')).toEqual([]);
  });
});

describe('what a training run declares', () => {
  const trained = { run: 'r1', step: 0 };
  const serve = (fleet: Fleet) => {
    declare(fleet, { ...FUSED, checkpoint: 'ck' });
    return differences(fleet);
  };
  const EXPECTED = [
    ['training', 'epsilon', 'a', ''],
    ['training', 'epsilon', 'b', ''],
  ];

  it('holds for the checkpoint it names, parameters left out', () => {
    const fleet = createFleet({ settings: SETTINGS });
    fleet.send('manifest', { ...OTHER_WEIGHTS, ...trained, checkpoint: 'ck' }, 'rank-0');
    expect(serve(fleet)).toEqual(EXPECTED);
    expect(fleet.play(20 * SECOND, { given: { checkpoint: 'ck' } })).toMatchObject([
      {
        event: 'opened',
        cause: 'epsilon_mismatch',
        layers: ['a'],
        evidence: { declared_against: 'training' },
      },
    ]);
  });

  it.each([
    ['later', ['manifest', 'validation']],
    ['before', ['validation', 'manifest']],
  ])('holds for a checkpoint that the run names %s', (_, kinds) => {
    const fleet = createFleet({ settings: SETTINGS });
    for (const kind of kinds)
      if (kind === 'manifest') fleet.send('manifest', { ...NATIVE, ...trained }, 'rank-0');
      else fleet.send('validation', { ...trained, checkpoint: 'ck', metrics: [] }, 'rank-0');
    expect(serve(fleet)).toEqual(EXPECTED);
  });

  it('is not told again once it is accepted', () => {
    const fleet = createFleet({ settings: SETTINGS });
    const given = { checkpoint: 'ck' };
    fleet.send('manifest', { ...NATIVE, ...trained, ...given }, 'rank-0');
    serve(fleet);
    const [opened] = fleet.play(20 * SECOND, { given });
    fleet.send('baseline', { action: 'relearn', since: opened!.onset });
    expect(fleet.play(3 * MINUTE, { given })).toEqual([]);
    expect(differences(fleet)).toEqual(EXPECTED);
  });

  it('is kept of every checkpoint of a run, and not for others', () => {
    const fleet = createFleet({ settings: SETTINGS });
    fleet.send('manifest', { ...NATIVE, ...trained }, 'rank-0');
    for (const checkpoint of ['ck', 'ck-2'])
      fleet.send('validation', { ...trained, checkpoint, metrics: [] }, 'rank-0');
    expect(serve(fleet)).toEqual(EXPECTED);
    declare(fleet, { ...FUSED, ...V2, checkpoint: 'unheard-of' });
    expect(differences(fleet, 'v2')).toEqual([]);
  });

  it('comes back from a store', () => {
    const fleet = createFleet({ settings: SETTINGS });
    fleet.send('manifest', { ...NATIVE, ...trained, checkpoint: 'ck' }, 'rank-0');
    serve(fleet);
    const restored = restorePartition(SETTINGS, takeDirty(fleet.partition).set);
    expect(onlyModel(restored).trained).toEqual(onlyModel(fleet.partition).trained);
    expect(differences({ ...fleet, partition: restored })).toEqual(EXPECTED);
  });

  it('is bounded', () => {
    const fleet = createFleet({ settings: SETTINGS });
    for (let i = 0; i < 200; i++) {
      fleet.nowMs += SECOND;
      const epsilon = [i + 1, i + 1];
      fleet.send('manifest', { ...NATIVE, epsilon, run: `r${i}`, step: 0, checkpoint: `ck${i}` }, 'rank-0');
    }
    const { trained: kept } = onlyModel(fleet.partition);
    expect([...kept.checkpoints.keys()].sort()).toEqual(
      [192, 193, 194, 195, 196, 197, 198, 199].map((i) => `ck${i}`),
    );
    expect([kept.texts.size, kept.runs.size]).toEqual([8, 8]);
  });
});

describe('checksums of parameters', () => {
  it('tell other weights, which learn anew and are no drift', () => {
    const fleet = guarded();
    declare(fleet, { ...OTHER_WEIGHTS, ...V2 });
    expect(fleet.play(MINUTE, { ...shifted, given: V2 })).toEqual([]);
    fleet.play(2 * MINUTE, { ...shifted, given: V2 });
    expect(fleet.stream('serving/v2/stable').reference).toBe('learned from v2');
  });

  it('tell the same weights under another name of the checkpoint', () => {
    const fleet = guarded(NATIVE, { checkpoint: 'one' });
    const two = { ...V2, checkpoint: 'two' };
    declare(fleet, { ...NATIVE, ...two });
    fleet.play(10 * SECOND, { given: two });
    expect(fleet.stream('serving/v2/stable').reference).toBe('learned from v1');
  });

  it('of one source among its peers are corrupted weights', () => {
    const fleet = guarded();
    declare(fleet, { ...NATIVE, parameters_sha256: [NATIVE.parameters_sha256[0], 'c'.repeat(64)] }, [
      'pod-1',
    ]);
    expect(fleet.play(20 * SECOND)).toMatchObject([
      { event: 'opened', cause: 'weight_corruption', layers: ['b'], sources: ['pod-1'], scope: 'source' },
    ]);
    expect(fleet.stream().reference).toBe('learned from v1');
  });

  it('that all sources have changed to, one after the other, are other weights', () => {
    const fleet = guarded();
    for (const pod of PODS) {
      declare(fleet, OTHER_WEIGHTS, [pod]);
      if (pod !== 'pod-2') expect(fleet.stream().reference).toBe('learned from v1');
    }
    expect(fleet.stream()).toMatchObject({ state: 'calibrating', reference: null });
  });

  it('of the sources that are left decide', () => {
    const fleet = guarded();
    declare(fleet, OTHER_WEIGHTS, ['pod-1', 'pod-2']);
    expect(fleet.stream().reference).toBe('learned from v1');
    fleet.send('source', { status: 'stopping' }, 'pod-0');
    expect(fleet.stream().reference).toBeNull();
  });
});

describe('a reference', () => {
  it('takes along what was declared, out of a recording and as bytes', () => {
    const [named] = exportReferences(guarded().partition);
    const reference = importReference(exportReference(named!.reference));
    expect(JSON.parse(reference.manifest)).toEqual(NATIVE);
    const fleet = createFleet({ settings: SETTINGS });
    pinReferences(fleet.partition, [{ ...named!, reference }]);
    declare(fleet, FUSED);
    expect(differences(fleet)).toHaveLength(2);
  });
});

describe('what a source has declared', () => {
  it('is compared once, however many ticks pass', () => {
    const fleet = guarded();
    declare(fleet, FUSED, ['pod-2']);
    fleet.play(20 * SECOND);
    const model = onlyModel(fleet.partition);
    const stream = model.streams.get('serving/v1/stable')!;
    const reference = model.references.find(({ id }) => id === stream.reference)!;
    const one = declaredOf(model, stream, reference)!.differences;
    fleet.play(20 * SECOND);
    expect(declaredOf(model, stream, reference)!.differences).toBe(one);
  });

  it('makes room when it is gone', () => {
    const fleet = createFleet({ settings: SETTINGS });
    for (let i = 0; i < 8; i++) fleet.send('manifest', { ...NATIVE, epsilon: [i, i] }, `old-${i}`);
    fleet.nowMs += 25 * HOUR;
    declare(fleet, FUSED, ['pod-0']);
    const stream = onlyModel(fleet.partition).streams.get('serving/v1/stable')!;
    expect([...stream.manifestOf.keys()]).toEqual(['pod-0']);
    expect(stream.manifests.size).toBe(1);
  });

  it('does no harm when a store has damaged it', () => {
    const fleet = guarded();
    const stream = onlyModel(fleet.partition).streams.get('serving/v1/stable')!;
    const [id] = stream.manifests.keys();
    stream.manifests.set(id!, '{"layers":');
    const restored = restorePartition(SETTINGS, takeDirty(fleet.partition).set);
    expect(differences({ ...fleet, partition: restored })).toBeUndefined();
  });
});
