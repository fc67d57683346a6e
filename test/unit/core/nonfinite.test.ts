/** NaN and Inf in serving: counted from columns alone, told of at once, whatever kind of event brings them. */
import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Fleet } from '../../kit/fleet.ts';

const totals = (fleet: Fleet) =>
  Object.fromEntries(fleet.model().nonfinite.map(({ kind, where, total }) => [`${kind}/${where}`, total]));
const eventsOf = (lines: readonly { event: string }[]) => lines.map(({ event }) => event);
const cell = (nan: number, inf = 0) => ({ mean: 1, variance: 1, count: 10, nan, inf });

describe('NaN in a flush', () => {
  it('opens an incident with that event, long before its tick closes, while still calibrating', () => {
    const fleet = createFleet();
    const event = fleet
      .emitter('pod-1')
      .flush(T0 + SECOND, { a: { output: cell(0) }, b: { input: cell(2, 1) } });
    expect(fleet.fold(event)).toMatchObject([
      {
        event: 'opened',
        time: event.time,
        severity: 'page',
        layers: ['b'],
        sources: ['pod-1'],
        evidence: { nan_elements: 2, inf_elements: 1, where: 'forward' },
      },
    ]);
    expect(fleet.stream().state).toBe('drifting');
    expect(totals(fleet)).toEqual({
      'nan/forward': 2,
      'inf/forward': 1,
      'nan/backward': 0,
      'inf/backward': 0,
    });
    expect(fleet.model().nonfiniteDay).toEqual([
      { version: 'v1', layer: 'b', site: 'input', kind: 'nan', where: 'forward', elements: 2 },
      { version: 'v1', layer: 'b', site: 'input', kind: 'inf', where: 'forward', elements: 1 },
    ]);
    expect(fleet.model().nonfiniteLastSeenMs).toBe(T0 + SECOND);
  });

  it('that comes late, or with a bad clock, is counted and told of all the same', () => {
    const fleet = createFleet();
    fleet.play(MINUTE);
    for (const [atMs, total] of [
      [T0 + 20 * SECOND, 1],
      [T0 + HOUR, 2],
    ] as const) {
      fleet.fold(fleet.emitter('pod-0').flush(atMs, { a: { input: cell(1) } }));
      expect(totals(fleet)['nan/forward']).toBe(total);
    }
    expect(fleet.model().incidents).toHaveLength(1);
  });

  it('keeps its drift from being told as a fault of its own, and names who saw it', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = fleet.play(MINUTE, { nan: (_, layer) => (layer === 'a' ? 1 : 0), mean: () => 9 });
    expect(eventsOf(told)).toEqual(['opened', 'changed']);
    const detectors = ['nonfinite', 'activation_mean'];
    expect(fleet.model().incidents).toMatchObject([{ detectors, cause: 'nonfinite', layers: ['a'] }]);
  });

  it('that is over is resolved, and learning goes on', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE, { nan: (pod) => (pod === 'pod-0' ? 1 : 0) });
    const told = fleet.play(6 * MINUTE);
    expect(eventsOf(told)).toEqual(['resolved']);
    expect(fleet.play(2 * MINUTE)).toEqual([]);
    expect(fleet.stream().state).toBe('guarded');
  });

  it('of a probe opens an incident of the stream it probes', () => {
    const fleet = createFleet();
    fleet.play(2 * MINUTE);
    const told = fleet.fold(
      fleet.emitter('pod-0').flush(fleet.nowMs, { a: { input: cell(1) } }, { probe: 'p' }),
    );
    expect(told).toMatchObject([{ event: 'opened', role: 'stable' }]);
    expect(eventsOf(fleet.play(6 * MINUTE))).toEqual(['resolved']);
  });

  it('of shadow traffic opens an incident that ends when the shadow is clean again', () => {
    const fleet = createFleet();
    const given = { role: 'shadow' };
    expect(eventsOf(fleet.play(MINUTE, { given }))).toEqual([]);
    expect(eventsOf(fleet.play(30 * SECOND, { given, nan: () => 1 }))[0]).toBe('opened');
    expect(eventsOf(fleet.play(6 * MINUTE, { given }))).toEqual(['resolved']);
    expect(fleet.model().incidents).toMatchObject([{ role: 'shadow', status: 'resolved' }]);
  });
});

describe('an early notice', () => {
  it('opens the incident and counts nothing: its elements come again in a flush', () => {
    const fleet = createFleet();
    fleet.play(20 * SECOND);
    const body = { layer: 'b', site: 'input', nan: 7, where: 'forward' };
    expect(fleet.send('nonfinite', body, 'pod-1')).toMatchObject([
      { event: 'opened', layers: ['b'], sources: ['pod-1'], severity: 'page' },
    ]);
    expect(totals(fleet)['nan/forward']).toBe(0);
    expect(fleet.play(SECOND, { nan: (pod, layer) => (pod === 'pod-1' && layer === 'b' ? 7 : 0) })).toEqual(
      [],
    );
    // Input and output of the flush.
    expect(totals(fleet)['nan/forward']).toBe(14);
    expect(fleet.model().incidents).toHaveLength(1);
  });

  it('of a run belongs to the run', () => {
    const fleet = createFleet();
    const body = { layer: 'block', nan: 1, where: 'backward', run: 'r1', step: 5 };
    expect(fleet.send('nonfinite', body, 'rank-0')).toMatchObject([
      { event: 'opened', run: 'r1', step: 5, role: null, layers: ['block'], scope: 'training' },
    ]);
  });
});
