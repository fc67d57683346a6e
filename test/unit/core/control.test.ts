/** Control records in the middle of traffic: references, planned windows, deployments, and what sources say. */
import { describe, expect, it } from 'vitest';
import { takeDirty } from '../../../agent/core/fold.ts';
import { exportReference, type Reference } from '../../../agent/core/reference.ts';
import { formatTime } from '../../../agent/core/time.ts';
import { HOUR, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Fleet, type Odd } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';

const SHIFTED: Odd = { mean: (_, layer) => (layer === 'b' ? 3 : 0) };
const at = (offsetMs: number): string => formatTime(T0 + offsetMs);

function guardedFleet(given: Record<string, unknown> = {}): Fleet {
  const fleet = createFleet({ given });
  fleet.play(2 * MINUTE);
  expect(fleet.stream('serving/v1/stable').state).toBe('guarded');
  return fleet;
}

/** What a fleet of this kind of traffic has learnt, as `baseline export`. */
function exported(odd: Odd = {}): string {
  const fleet = createFleet({ seed: 77 });
  fleet.play(2 * MINUTE, odd);
  return Buffer.from(exportReference(onlyModel(fleet.partition).references[0] as Reference)).toString(
    'base64',
  );
}
const eventsOf = (lines: readonly { event: string }[]) => lines.map(({ event }) => event);

describe('baseline pin', () => {
  it('of a time range holds the stream against its whole buckets in that range', () => {
    const fleet = createFleet();
    fleet.play(25 * MINUTE);
    fleet.send('baseline', { action: 'pin', reference: 'good', since: at(0), until: at(10 * MINUTE) });
    expect(fleet.stream().reference).toBe('pinned good');
    const { bucket } = onlyModel(fleet.partition).references.find((r) => r.id === 'good')!;
    expect([bucket.fromMs, bucket.toMs, bucket.ticks]).toEqual([T0, T0 + 10 * MINUTE, 60]);
    expect(eventsOf(fleet.play(20 * SECOND, SHIFTED))).toEqual(['opened']);
  });

  it('of exported data guards a stream that has learnt nothing yet', () => {
    const fleet = createFleet();
    fleet.play(15 * SECOND);
    expect(fleet.stream().state).toBe('calibrating');
    fleet.send('baseline', { action: 'pin', reference: 'shipped', data: exported() });
    expect(fleet.stream()).toMatchObject({ state: 'guarded', reference: 'pinned shipped' });
    expect(fleet.play(MINUTE)).toEqual([]);
    expect(eventsOf(fleet.play(20 * SECOND, SHIFTED))).toEqual(['opened']);
  });

  it('has an id that follows from what is pinned, where none is given', () => {
    const ids = [1, 2].map(() => {
      const fleet = createFleet();
      fleet.play(15 * SECOND);
      fleet.send('baseline', { action: 'pin', data: exported() });
      return fleet.stream().reference;
    });
    expect(ids[0]).toMatch(/^pinned [0-9a-f]{16}$/);
    expect(ids[1]).toBe(ids[0]);
  });

  it('goes before what was learnt, and the newest before older ones', () => {
    const fleet = guardedFleet();
    expect(fleet.stream().reference).toBe('learned from v1');
    fleet.send('baseline', { action: 'pin', reference: 'first', data: exported() });
    fleet.play(SECOND);
    fleet.send('baseline', { action: 'pin', reference: 'second', data: exported() });
    expect(fleet.stream().reference).toBe('pinned second');
  });

  it.each([
    ['data that is no export', { data: Buffer.from('hello').toString('base64') }],
    ['an export that was cut off', { data: exported().slice(0, 400) }],
    ['a range without buckets', { since: at(-2 * HOUR), until: at(-HOUR) }],
    ['a range of a version nobody knows', { since: at(0), until: at(HOUR), from_version: 'v9' }],
  ])('of %s is counted and changes nothing', (_, body) => {
    const fleet = guardedFleet();
    const before = onlyModel(fleet.partition).references;
    fleet.send('baseline', { action: 'pin', reference: 'bad', ...body });
    expect(fleet.model().rejected).toEqual({ bad_baseline: 1 });
    expect(onlyModel(fleet.partition).references).toEqual(before);
    expect(fleet.stream().reference).toBe('learned from v1');
  });
});

describe('baseline unpin', () => {
  it('goes back to what was learnt', () => {
    const fleet = guardedFleet();
    fleet.send('baseline', { action: 'pin', reference: 'good', data: exported() });
    fleet.send('baseline', { action: 'unpin', reference: 'good' });
    expect(fleet.stream()).toMatchObject({ state: 'guarded', reference: 'learned from v1' });
    expect(fleet.model().rejected).toEqual({});
  });

  it('takes the stored part away', () => {
    const fleet = guardedFleet();
    fleet.send('baseline', { action: 'pin', reference: 'a/b', data: exported() });
    const { set } = takeDirty(fleet.partition);
    const part = [...set.keys()].find((name) => name.includes('/reference/a'));
    fleet.send('baseline', { action: 'unpin', reference: 'a/b' });
    expect(takeDirty(fleet.partition).remove).toContain(part);
  });

  it('calibrates where nothing else is known', () => {
    const fleet = createFleet();
    fleet.play(15 * SECOND);
    fleet.send('baseline', { action: 'pin', reference: 'good', data: exported() });
    fleet.send('baseline', { action: 'unpin' });
    expect(fleet.stream()).toMatchObject({ state: 'calibrating', reference: null });
  });

  it('of a reference nobody pinned is counted', () => {
    const fleet = guardedFleet();
    fleet.send('baseline', { action: 'unpin', reference: 'learned/v1/stable' });
    expect(fleet.model().rejected).toEqual({ unknown_reference: 1 });
    expect(fleet.stream().reference).toBe('learned from v1');
  });
});

describe('baseline relearn', () => {
  it('forgets and calibrates anew', () => {
    const fleet = guardedFleet();
    fleet.send('baseline', { action: 'relearn', since: at(2 * MINUTE) });
    expect(fleet.stream()).toMatchObject({ state: 'calibrating', reference: null });
    expect(fleet.stream().calibration.ticks).toBe(0);
    expect(fleet.play(80 * SECOND, SHIFTED)).toEqual([]);
    expect(fleet.stream()).toMatchObject({ state: 'guarded', reference: 'learned from v1' });
    expect(fleet.play(MINUTE, SHIFTED)).toEqual([]);
  });

  /** An incident that goes on for a minute, then accepted from its onset. */
  function accepted(fleet: Fleet) {
    const [opened] = fleet.play(MINUTE, SHIFTED);
    expect(opened!.event).toBe('opened');
    return { opened: opened!, told: fleet.send('baseline', { action: 'relearn', since: opened!.onset }) };
  }

  it('from the onset of an incident accepts it as the new normal', () => {
    const fleet = guardedFleet();
    const { opened, told } = accepted(fleet);
    expect(told).toMatchObject([{ event: 'resolved', id: opened.id }]);
    expect(fleet.model().incidents).toMatchObject([{ status: 'accepted' }]);
    // What was set aside since the onset counts at once.
    expect(fleet.stream().calibration.ticks).toBeGreaterThanOrEqual(5);
    expect(fleet.play(3 * MINUTE, SHIFTED)).toEqual([]);
    expect(fleet.stream().state).toBe('guarded');
    expect(eventsOf(fleet.play(30 * SECOND))).toEqual(['opened']);
  });

  it('holds although another reference was pinned before', () => {
    const fleet = guardedFleet();
    fleet.send('baseline', { action: 'pin', reference: 'good', data: exported() });
    const { opened } = accepted(fleet);
    fleet.send('deployment', { version: 'v1', change: 'restart' });
    expect(fleet.play(3 * MINUTE, SHIFTED)).toEqual([]);
    expect(fleet.stream()).toMatchObject({ state: 'guarded', reference: 'learned from v1' });
    expect(fleet.model().incidents).toMatchObject([{ id: opened.id, status: 'accepted' }]);
  });

  it('does not keep a reference from being pinned later', () => {
    const fleet = guardedFleet();
    fleet.send('baseline', { action: 'relearn', since: at(2 * MINUTE) });
    fleet.play(10 * SECOND);
    fleet.send('baseline', { action: 'pin', reference: 'good', data: exported() });
    expect(fleet.stream()).toMatchObject({ state: 'guarded', reference: 'pinned good' });
  });

  it('is about its own version and role', () => {
    const fleet = guardedFleet();
    fleet.play(30 * SECOND, { given: { role: 'canary' } });
    fleet.send('baseline', { action: 'relearn', role: 'canary', since: at(0) });
    expect(fleet.stream('serving/v1/stable').reference).toBe('learned from v1');
    expect(fleet.stream('serving/v1/canary').reference).toBeNull();
  });
});

describe('maintenance', () => {
  const window = (fleet: Fleet, forMs: number) =>
    fleet.send('maintenance', { until: formatTime(fleet.nowMs + forMs), reason: 'planned' });

  it('mutes until its end, and everything is recorded', () => {
    const fleet = guardedFleet();
    window(fleet, 2 * MINUTE);
    expect(fleet.model().maintenanceUntilMs).toBe(fleet.nowMs + 2 * MINUTE);
    const [opened] = fleet.play(MINUTE, SHIFTED);
    expect(opened).toMatchObject({ event: 'opened', suppressed: 'maintenance' });
    const [changed] = fleet.play(2 * MINUTE, SHIFTED);
    expect(changed).toMatchObject({ event: 'changed', id: opened!.id, suppressed: null });
  });

  it('ends at once with an end that is now', () => {
    const fleet = guardedFleet();
    window(fleet, HOUR);
    fleet.play(10 * SECOND);
    window(fleet, 0);
    expect(fleet.model().maintenanceUntilMs).toBeNull();
    expect(fleet.play(20 * SECOND, SHIFTED)).toMatchObject([{ suppressed: null }]);
  });
});

describe('source', () => {
  it('that stops is gone, not silent', () => {
    const fleet = guardedFleet();
    fleet.send('source', { status: 'stopping', sent: {}, dropped: {} }, 'pod-1');
    expect(fleet.play(3 * MINUTE, { pods: ['pod-0', 'pod-2'] })).toEqual([]);
    const status = fleet.stream().sources.map(({ source, status: s }) => [source, s]);
    expect(status).toEqual([
      ['pod-0', 'live'],
      ['pod-1', 'stopped'],
      ['pod-2', 'live'],
    ]);
  });

  it('that only lives says nothing about time', () => {
    const fleet = guardedFleet();
    const { watermarkMs } = fleet.stream();
    fleet.nowMs += HOUR;
    fleet.send('source', { status: 'alive' }, 'pod-1');
    expect(fleet.stream().watermarkMs).toBe(watermarkMs);
  });

  it('that stops last ends the stream, its ticks and its incidents', () => {
    const fleet = guardedFleet();
    const [opened] = fleet.play(MINUTE, SHIFTED);
    const told = ['pod-0', 'pod-1', 'pod-2'].flatMap((pod) =>
      fleet.send('source', { status: 'stopping' }, pod),
    );
    expect(told).toMatchObject([{ event: 'resolved', id: opened!.id }]);
    expect(fleet.stream()).toMatchObject({ state: 'stopped', tickEndMs: fleet.nowMs });
    expect(fleet.play(30 * SECOND)).toEqual([]);
    expect(fleet.stream().state).toBe('guarded');
  });

  it('that stops under another version does not end this one', () => {
    const fleet = guardedFleet();
    fleet.send('source', { status: 'stopping', version: 'v0' }, 'pod-1');
    expect(fleet.stream().sources.map(({ status }) => status)).toEqual(['live', 'live', 'live']);
  });
});

describe('what is kept of controls', () => {
  it('is bounded: deployments', () => {
    const fleet = createFleet();
    for (let i = 0; i < 100; i++) {
      fleet.nowMs += SECOND;
      fleet.send('deployment', { version: `v${i}` });
    }
    const { deployments } = fleet.model();
    expect(deployments).toHaveLength(32);
    expect(deployments.map(({ version }) => version).slice(0, 2)).toEqual(['v99', 'v98']);
  });

  it('is bounded: manifests', () => {
    const fleet = createFleet();
    for (let i = 0; i < 3_000; i++) fleet.send('manifest', { layers: ['a'], epsilon: [i + 1] }, `pod-${i}`);
    const [stream] = onlyModel(fleet.partition).streams.values();
    expect(stream!.manifests.size).toBeLessThanOrEqual(8);
    expect(stream!.manifestOf.size).toBeLessThanOrEqual(1_024);
  });

  it('is one manifest for all sources that declare the same, and none nobody declares', () => {
    const fleet = createFleet();
    const bodies = () => {
      const [stream] = onlyModel(fleet.partition).streams.values();
      return [...stream!.manifests.values()].map((text) => JSON.parse(text).epsilon);
    };
    for (const pod of ['pod-0', 'pod-1']) fleet.send('manifest', { layers: ['a'], epsilon: [1e-5] }, pod);
    expect(bodies()).toEqual([[1e-5]]);
    fleet.send('manifest', { layers: ['a'], epsilon: [1e-6] }, 'pod-0');
    expect(bodies()).toEqual([[1e-5], [1e-6]]);
    fleet.send('manifest', { layers: ['a'], epsilon: [1e-6] }, 'pod-1');
    expect(bodies()).toEqual([[1e-6]]);
  });
});
