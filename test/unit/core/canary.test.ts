/** A canary beside its stable version, as the fold sees it: twins of ticks, weights, layers, and what is shown. */
import { describe, expect, it } from 'vitest';
import { compareCanary, RECENT_TICKS } from '../../../agent/core/canary.ts';
import type { FindingLine } from '../../../agent/core/incident.ts';
import { SECOND } from '../../kit/events.ts';
import { createFleet, type Fleet, type Odd } from '../../kit/fleet.ts';
import { onlyModel } from '../../kit/recording.ts';
import { bareTick } from '../../kit/ticks.ts';

const STABLE = ['pod-0', 'pod-1', 'pod-2'];

/** Both versions send in every second, the one after the other. */
function play(fleet: Fleet, seconds: number, odd: Odd = {}, stable: Odd = {}): FindingLine[] {
  const lines: FindingLine[] = [];
  for (let i = 0; i < seconds; i++) {
    const now = fleet.nowMs;
    lines.push(...fleet.play(SECOND, { pods: STABLE, ...stable }));
    fleet.nowMs = now;
    const given = { version: 'v2', role: 'canary', ...odd.given };
    lines.push(...fleet.play(SECOND, { pods: ['pod-3'], ...odd, given }));
  }
  return lines;
}

const BROKEN: Odd = { mean: (_, layer) => (layer === 'b' ? 4 : 0) };
const CANARY_ID = 'serving/v2/canary';

describe('a canary', () => {
  it('is found off its stable version while its own version is calibrating', () => {
    const fleet = createFleet({ pods: [...STABLE, 'pod-3'] });
    expect(play(fleet, 30)).toEqual([]);
    const [opened] = play(fleet, 30, BROKEN);
    expect(opened).toMatchObject({ role: 'canary', version: 'v2', layers: ['b'], event: 'opened' });
    expect(opened!.detectors).toContain('canary');
  });

  it('of other weights opens nothing, and its differences are shown all the same', () => {
    const fleet = createFleet({ pods: [...STABLE, 'pod-3'] });
    play(fleet, 5, { given: { checkpoint: 'other' } });
    expect(play(fleet, 55, { ...BROKEN, given: { checkpoint: 'other' } })).toEqual([]);
    const scores = fleet.stream(CANARY_ID).cells.flatMap((cell) => cell.scores);
    const shifts = scores.filter(({ against }) => against === 'canary').map((s) => s.meanShiftSigmas!);
    expect(Math.max(...shifts)).toBeGreaterThan(3);
  });

  it('is compared by ticks of the same time only, each once', () => {
    const fleet = createFleet({ pods: [...STABLE, 'pod-3'] });
    play(fleet, 60);
    const { streams } = onlyModel(fleet.partition);
    const last = streams.get(CANARY_ID)!.last!;
    expect(last.recent.map(({ index }) => index)).toHaveLength(RECENT_TICKS);
    expect(last.compared).toBeGreaterThanOrEqual(last.recent.at(-2)!.index);
    const model = onlyModel(fleet.partition);
    const next = { ...bareTick(last.compared + 9, 2, []), sources: [] };
    const again = compareCanary(model, streams.get(CANARY_ID)!, next, null, Int32Array.of(0, 1));
    expect(again!.pairs.filter(({ index }) => index <= last.compared)).toEqual([]);
  });

  it('shows the divergence of its outputs', () => {
    const fleet = createFleet({ pods: [...STABLE, 'pod-3'] });
    play(fleet, 40, { probabilities: [0.5, 0.5] }, { probabilities: [0.25, 0.75] });
    const [output] = fleet.stream(CANARY_ID).outputs;
    const score = output!.scores.find(({ against }) => against === 'canary');
    expect(score!.klNats).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(0.5 / 0.75), 2);
    const [stable] = fleet.stream('serving/v1/stable').outputs;
    expect(stable!.scores.filter(({ against }) => against === 'canary')).toEqual([]);
  });
});

describe('a model without a canary', () => {
  it('keeps no ticks for it', () => {
    const fleet = createFleet({ pods: STABLE });
    fleet.play(60 * SECOND);
    const [stream] = onlyModel(fleet.partition).streams.values();
    expect(stream!.last!.recent).toEqual([]);
    expect(stream!.last!.peers).not.toBeNull();
  });
});
