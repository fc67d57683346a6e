/** Which reference a version is held against, when it is guarded, and what it learns. */
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../../agent/core/bucket.ts';
import { exportReferences, pinReferences } from '../../../agent/core/fold.ts';
import type { NamedReference } from '../../../agent/core/references.ts';
import { components } from '../../../agent/core/score/components.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { DAY, HOUR, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Fleet } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';

const SHIFTED = { mean: (_: string, layer: string) => (layer === 'b' ? 3 : 0) };
const V1 = 'serving/v1/stable';
const V2 = 'serving/v2/stable';

/** Two minutes of v1, more than it takes to learn. */
function guardedFleet(given: Record<string, unknown> = {}): Fleet {
  const fleet = createFleet({ given });
  expect(fleet.play(2 * MINUTE)).toEqual([]);
  expect(fleet.stream(V1).state).toBe('guarded');
  return fleet;
}
const opened = (lines: readonly { event: string }[]) => lines.filter(({ event }) => event === 'opened');

describe('calibration', () => {
  it('is done after 60 ticks and 600 flushes, and says how far it is', () => {
    const fleet = createFleet({ settings: DEFAULT_SETTINGS, pods: ['pod-0'] });
    const seen: [string, number, number | null][] = [];
    for (let minute = 0; minute < 11; minute++) {
      fleet.play(MINUTE);
      const { state, calibration } = fleet.stream();
      seen.push([state, calibration.progress, calibration.remainingMs]);
    }
    expect(seen.map(([state]) => state)).toEqual([...Array(10).fill('calibrating'), 'guarded']);
    const progress = seen.map(([, p]) => p);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress[4]).toBeCloseTo(0.5, 1);
    // At the end of minute 5 some 29 ticks are closed, so 31 are still to come.
    expect(seen[4]![2]).toBeGreaterThanOrEqual(30 * 10 * SECOND);
    expect(seen[4]![2]).toBeLessThanOrEqual(32 * 10 * SECOND);
    expect(seen.at(-1)!.slice(1)).toEqual([1, 0]);
  });

  it('waits for flushes where those are the fewer', () => {
    const fleet = createFleet({ settings: DEFAULT_SETTINGS, pods: ['pod-0'] });
    fleet.play(15 * MINUTE, { everyMs: 5 * SECOND });
    const { state, calibration } = fleet.stream();
    expect(state).toBe('calibrating');
    expect(calibration.ticks).toBeGreaterThan(60);
    expect(calibration.flushes).toBeLessThan(200);
    expect(calibration.progress).toBeCloseTo(calibration.flushes / 600, 9);
    // Two flushes a tick: the other 420 take 210 ticks.
    expect(calibration.remainingMs! / (10 * SECOND)).toBeCloseTo((600 - calibration.flushes) / 2, -1);
  });

  it('opens no drift incident, whatever comes', () => {
    const fleet = createFleet();
    expect(fleet.play(40 * SECOND)).toEqual([]);
    expect(fleet.play(15 * SECOND, { mean: () => 50 })).toEqual([]);
  });
});

describe('a new version', () => {
  it('with the same weights is held against what the old one learnt, from its first tick', () => {
    const fleet = guardedFleet({ checkpoint: 'ck' });
    const lines = fleet.play(20 * SECOND, { ...SHIFTED, given: { version: 'v2' } });
    expect(opened(lines)).toMatchObject([{ version: 'v2', layers: ['b'] }]);
    expect(fleet.stream(V2)).toMatchObject({ reference: 'learned from v1', state: 'drifting' });
  });

  it('with neither naming weights is held against it as well', () => {
    const fleet = guardedFleet();
    expect(opened(fleet.play(20 * SECOND, { ...SHIFTED, given: { version: 'v2' } }))).toHaveLength(1);
  });

  it.each([
    ['other weights', { checkpoint: 'ck' }, { checkpoint: 'retrained' }],
    ['weights where the old one names none', {}, { checkpoint: 'retrained' }],
    ['no weights where the old one names some', { checkpoint: 'ck' }, { checkpoint: undefined }],
  ])('with %s calibrates, and opens no incident', (_, old, given) => {
    const fleet = guardedFleet(old);
    expect(fleet.play(45 * SECOND, { ...SHIFTED, given: { version: 'v2', ...given } })).toEqual([]);
    expect(fleet.stream(V2)).toMatchObject({ state: 'calibrating', reference: null });
    fleet.play(MINUTE, { ...SHIFTED, given: { version: 'v2', ...given } });
    expect(fleet.stream(V2)).toMatchObject({ state: 'guarded', reference: 'learned from v2' });
  });

  it('has the weights its deployment names, told before its first event', () => {
    const fleet = guardedFleet();
    fleet.send('deployment', { version: 'v2', previous_version: 'v1', checkpoint: 'retrained' });
    expect(fleet.play(45 * SECOND, { ...SHIFTED, given: { version: 'v2' } })).toEqual([]);
    expect(fleet.stream(V2)).toMatchObject({ state: 'calibrating', checkpoint: 'retrained' });
  });

  it('calibrates from when a late deployment says that its weights are others', () => {
    const fleet = guardedFleet();
    fleet.play(12 * SECOND, { given: { version: 'v2' } });
    expect(fleet.stream(V2)).toMatchObject({ state: 'guarded', reference: 'learned from v1' });
    fleet.send('deployment', { version: 'v2', checkpoint: 'retrained' });
    expect(fleet.stream(V2)).toMatchObject({ state: 'calibrating', reference: null });
    expect(fleet.play(30 * SECOND, { ...SHIFTED, given: { version: 'v2' } })).toEqual([]);
  });

  it('is guarded from when a late deployment says that its weights are the same', () => {
    const fleet = guardedFleet({ checkpoint: 'ck' });
    fleet.play(12 * SECOND, { given: { version: 'v2', checkpoint: undefined } });
    expect(fleet.stream(V2).state).toBe('calibrating');
    fleet.send('deployment', { version: 'v2', checkpoint: 'ck' });
    expect(fleet.stream(V2)).toMatchObject({ state: 'guarded', reference: 'learned from v1' });
  });

  it('ends the old one once its pods send under the new', () => {
    const fleet = guardedFleet({ checkpoint: 'ck' });
    fleet.play(MINUTE, { given: { version: 'v2' } });
    expect(fleet.stream(V1).state).toBe('stopped');
    expect(fleet.stream(V2).state).toBe('guarded');
    expect(fleet.model().incidents).toEqual([]);
  });
});

describe('while an incident is open', () => {
  const entered = (fleet: Fleet) => {
    const [stream] = [...fleet.partition.models.values()][0]!.streams.values();
    return stream!.baseline;
  };
  const ticksIn = (fleet: Fleet) =>
    [...entered(fleet).rolling.flat(), ...entered(fleet).waiting].reduce((sum, b) => sum + b.ticks, 0);

  it('nothing is learnt, and afterwards learning goes on without its ticks', () => {
    const fleet = guardedFleet();
    const lines = fleet.play(3 * MINUTE, SHIFTED);
    expect(opened(lines)).toHaveLength(1);
    const learnt = ticksIn(fleet);
    fleet.play(MINUTE, SHIFTED);
    expect(ticksIn(fleet)).toBe(learnt);
    expect(entered(fleet).setAside!.ticks).toBeGreaterThan(20);
    const after = fleet.play(5 * MINUTE);
    expect(after.map(({ event }) => event)).toEqual(['resolved']);
    expect(entered(fleet).setAside).toBeNull();
    expect(ticksIn(fleet)).toBeGreaterThan(learnt);
    // Three of the five minutes were waited for.
    expect(ticksIn(fleet)).toBeLessThan(learnt + 14);
  });

  it('of a hard rule nothing is learnt either', () => {
    const fleet = guardedFleet();
    fleet.play(20 * SECOND, { nan: () => 1 });
    const learnt = ticksIn(fleet);
    fleet.play(2 * MINUTE);
    expect(ticksIn(fleet)).toBe(learnt);
  });
});

describe('what a version has learnt', () => {
  const referenceOf = (fleet: Fleet, id = 'learned/v1/stable') =>
    onlyModel(fleet.partition).references.find((r) => r.id === id)!;

  it('grows in its first week by what came after it, for an hour knows more than a minute', () => {
    const fleet = guardedFleet();
    const { createdMs, bucket } = structuredClone(referenceOf(fleet));
    expect(fleet.play(HOUR, { everyMs: 10 * SECOND })).toEqual([]);
    const grown = referenceOf(fleet);
    expect(grown.bucket.ticks).toBeGreaterThan(300);
    expect(grown.bucket.requests).toBeGreaterThan(bucket.requests);
    expect(grown.bucket.fromMs).toBe(bucket.fromMs);
    expect([grown.createdMs, createdMs <= T0 + 2 * MINUTE]).toEqual([createdMs, true]);
    expect(errorOf(grown.bucket)).toBeLessThan(errorOf(bucket) / 2);
  });

  it('does not change after its first week', () => {
    const fleet = guardedFleet();
    fleet.nowMs += 7 * DAY;
    // What waited then is of that week still.
    fleet.play(15 * MINUTE, { everyMs: 10 * SECOND });
    const before = structuredClone(referenceOf(fleet).bucket);
    fleet.play(HOUR, { everyMs: 10 * SECOND });
    expect(referenceOf(fleet).bucket).toEqual(before);
  });

  it('does not change by a fault, however long it lasts', () => {
    const fleet = guardedFleet();
    const before = structuredClone(referenceOf(fleet).bucket);
    fleet.play(HOUR, { ...SHIFTED, everyMs: 10 * SECOND });
    expect(referenceOf(fleet).bucket.ticks - before.ticks).toBeLessThanOrEqual(12);
    const cell = components(referenceOf(fleet).bucket.cells, 2, 'mean')!;
    expect(Math.abs(cell.mean)).toBeLessThan(0.1);
  });

  it('takes in traffic that moves in the first week, and no longer after it', () => {
    const meanAfterMove = (waitMs: number): number => {
      const fleet = guardedFleet();
      fleet.nowMs += waitMs;
      fleet.play(15 * MINUTE, { everyMs: 10 * SECOND });
      const lines = fleet.play(HOUR, { mean: () => 1, everyMs: 10 * SECOND });
      expect(lines[0]).toMatchObject({ event: 'opened', scope: 'input' });
      return components(referenceOf(fleet).bucket.cells, 0, 'mean')!.mean;
    };
    expect(meanAfterMove(0)).toBeGreaterThan(0.2);
    expect(meanAfterMove(7 * DAY)).toBeLessThan(0.1);
  });

  it('does not change while another reference is pinned, and that one never does', () => {
    const fleet = guardedFleet();
    pinReferences(fleet.partition, exportReferences(fleet.partition).map(renamed));
    const before = structuredClone(onlyModel(fleet.partition).references.map(({ bucket }) => bucket));
    fleet.play(HOUR, { everyMs: 10 * SECOND });
    expect(fleet.stream(V1).reference).toBe('pinned good');
    expect(onlyModel(fleet.partition).references.map(({ bucket }) => bucket)).toEqual(before);
  });

  const renamed = (named: NamedReference): NamedReference => ({
    ...named,
    reference: { ...named.reference, id: 'good' },
  });
  const errorOf = (bucket: Bucket) => components(bucket.cells, 0, 'mean')!.errorVariance ** 0.5;
});
