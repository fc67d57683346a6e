/** From detectors to incidents where a stream is young or a rollout has begun: what is told, once, and of whom. */
import { describe, expect, it } from 'vitest';
import type { FindingLine } from '../../../agent/core/incident.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { DAY, MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, type Fleet, type Odd } from '../../kit/fleet.ts';

const V1 = 'serving/v1/stable';
const V2 = 'serving/v2/stable';
const told = (lines: readonly FindingLine[]) => lines.map(({ event, cause }) => [event, cause]);
/** Traffic that moves: every layer sees it, the first one first. */
const moved = (by: number): Odd => ({ mean: () => by });

describe('traffic that moves in the first week', () => {
  /** Half an hour of quiet, a move of a minute that is told, and a quarter of an hour until it is over. */
  function movedFleet(): Fleet {
    const fleet = createFleet();
    expect(fleet.play(30 * MINUTE, { probabilities: THEN })).toEqual([]);
    const lines = [...fleet.play(MINUTE, { ...moved(1), probabilities: THEN })];
    lines.push(...fleet.play(15 * MINUTE, { probabilities: THEN }));
    expect(told(lines)).toEqual([
      ['opened', 'input_shift'],
      ['resolved', 'input_shift'],
    ]);
    return fleet;
  }
  const THEN = [0.5, 0.3, 0.2];
  const NOW = [0.2, 0.2, 0.6];

  it('is a ticket once a day', () => {
    const fleet = movedFleet();
    expect(fleet.play(MINUTE, moved(3))).toEqual([]);
    expect(fleet.play(15 * MINUTE)).toEqual([]);
    fleet.nowMs += DAY;
    fleet.play(MINUTE);
    expect(told(fleet.play(MINUTE, moved(3)))).toEqual([['opened', 'input_shift']]);
  });

  it('pages all the same where the output leaves its budget', () => {
    const fleet = movedFleet();
    const lines = fleet.play(MINUTE, { ...moved(3), probabilities: NOW });
    expect(lines[0]).toMatchObject({ event: 'opened', severity: 'page' });
  });

  it('hides no fault that is none of the traffic', () => {
    const fleet = movedFleet();
    const lines = fleet.play(MINUTE, { mean: (_, layer) => (layer === 'b' ? 3 : 0) });
    expect(told(lines)).toEqual([['opened', 'weight_corruption']]);
  });

  it('hides no source that is alone', () => {
    const fleet = movedFleet();
    const lines = fleet.play(10 * MINUTE, { mean: (pod) => (pod === 'pod-1' ? 0.6 : 0) });
    expect(lines[0]).toMatchObject({ event: 'opened', severity: 'ticket', sources: ['pod-1'] });
    expect(lines[0]).toMatchObject({ cause: 'input_shift' });
  });

  it('is told each time once the week is over', () => {
    const fleet = createFleet();
    fleet.play(5 * MINUTE);
    fleet.nowMs += 7 * DAY;
    fleet.play(MINUTE);
    for (const reopened of [false, true]) {
      const [opened] = fleet.play(MINUTE, moved(3));
      expect(opened).toMatchObject({ event: 'opened', cause: 'input_shift', reopened });
      expect(fleet.play(5 * MINUTE)).toMatchObject([{ event: 'resolved' }]);
    }
  });
});

it('a source that is far off its peers is a ticket while the stream calibrates, and a page once it is guarded', () => {
  const fleet = createFleet({ settings: DEFAULT_SETTINGS });
  fleet.play(2 * MINUTE);
  const early = fleet.play(2 * MINUTE, { mean: (pod) => (pod === 'pod-1' ? 3 : 0) });
  expect(early[0]).toMatchObject({ event: 'opened', severity: 'ticket', sources: ['pod-1'] });
  expect(early.filter(({ severity }) => severity === 'page')).toEqual([]);
  const guarded = createFleet();
  guarded.play(30 * MINUTE);
  const late = guarded.play(2 * MINUTE, { mean: (pod) => (pod === 'pod-1' ? 3 : 0) });
  expect(late[0]).toMatchObject({ event: 'opened', severity: 'page', sources: ['pod-1'] });
});

describe('a rollout, pod by pod', () => {
  const PODS = ['pod-0', 'pod-1', 'pod-2'];

  /** So many pods of three send under v2, the others under v1; `odd` is what v2 does. */
  function play(fleet: Fleet, ms: number, moved: number, odd: Odd): FindingLine[] {
    const lines: FindingLine[] = [];
    for (let passed = 0; passed < ms; passed += SECOND) {
      const fromMs = fleet.nowMs;
      const next = { ...odd, pods: PODS.slice(0, moved), given: { version: 'v2' } };
      lines.push(...fleet.play(SECOND, next));
      fleet.nowMs = fromMs;
      lines.push(...fleet.play(SECOND, { pods: PODS.slice(moved) }));
    }
    return lines;
  }
  function deployedFleet(): Fleet {
    const fleet = createFleet({ given: { checkpoint: 'ck' } });
    expect(fleet.play(2 * MINUTE)).toEqual([]);
    fleet.send('deployment', { version: 'v2', previous_version: 'v1', checkpoint: 'ck' });
    return fleet;
  }
  const WRONG: Odd = { mean: (_, layer) => (layer === 'b' ? 3 : 0) };

  it('begins with one source to blame, and is the rollout once the next one shows it too: one incident', () => {
    const fleet = deployedFleet();
    const lines = [1, 2, 3].flatMap((moved) => play(fleet, MINUTE, moved, WRONG));
    expect(lines.map(({ event, version, scope, sources }) => [event, version, scope, sources])).toEqual([
      ['opened', 'v2', 'source', ['pod-0']],
      ['changed', 'v2', 'rollout', []],
    ]);
    expect(lines[0]!.id).toBe(lines[1]!.id);
    expect(lines[0]).toMatchObject({ layers: ['b'], deployment: { version: 'v2', minutes: 0 } });
  });

  it('that goes well is no incident: who moves on is neither silent nor odd', () => {
    const fleet = deployedFleet();
    const lines = [1, 2, 3].flatMap((moved) => play(fleet, 2 * MINUTE, moved, {}));
    expect(lines).toEqual([]);
    expect(fleet.stream(V1).state).toBe('stopped');
    expect(fleet.stream(V2).state).toBe('guarded');
  });

  it('blames nobody by name where one source is all there is', () => {
    const fleet = createFleet({ pods: ['pod-0'], given: { checkpoint: 'ck' } });
    fleet.play(2 * MINUTE);
    fleet.send('deployment', { version: 'v2', previous_version: 'v1', checkpoint: 'ck' });
    const [opened] = fleet.play(MINUTE, { ...WRONG, given: { version: 'v2' } });
    expect(opened).toMatchObject({ event: 'opened', version: 'v2', scope: 'rollout', sources: [] });
  });

  it('of a pod that stays behind and dies is told as silence', () => {
    const fleet = deployedFleet();
    play(fleet, MINUTE, 1, {});
    const lines = fleet.play(2 * MINUTE, { pods: ['pod-2'] });
    expect(lines).toMatchObject([
      { event: 'opened', cause: 'telemetry_gap', version: 'v1', sources: ['pod-1'] },
    ]);
  });
});
