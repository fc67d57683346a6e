/** Runs: their last step as it is shown, and the hard rule on steps. */
import { describe, expect, it } from 'vitest';
import { SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Fleet } from '../../kit/fleet.ts';

const GROUPS = ['embedding', 'block', 'head'];
const ZERO = [0, 0, 0];

/** A run whose ranks send one step after the other. */
function createRun(ranks: readonly string[] = ['rank-0']) {
  const fleet = createFleet();
  const step = (at: number, body: Record<string, unknown> = {}, only: readonly string[] = ranks) =>
    only.flatMap((rank) => {
      fleet.nowMs = T0 + at * SECOND;
      const more = { loss: 2, learning_rate: 0.1, grad_norm: 1, groups: GROUPS, grad_norms: [1, 2, 3] };
      return fleet.send('training_step', { run: 'r1', step: at, ...more, ...body }, rank);
    });
  return { fleet, step };
}
const runOf = (fleet: Fleet) => fleet.stream('run/r1');

describe('a run', () => {
  it('shows its last step, whatever comes late', () => {
    const { fleet, step } = createRun(['rank-0', 'rank-1']);
    step(0, {}, ['rank-0']);
    step(2, { loss: 1.5, grad_norms: [1, null, 0] }, ['rank-0']);
    step(1, { loss: 9 }, ['rank-1']);
    expect(runOf(fleet)).toMatchObject({
      role: null,
      run: 'r1',
      step: 2,
      state: 'guarded',
      sources: [{ source: 'rank-0' }, { source: 'rank-1' }],
      training: {
        loss: 1.5,
        learningRate: 0.1,
        gradNorm: 1,
        gradNorms: [
          { group: 'embedding', norm: 1 },
          { group: 'block', norm: null },
          { group: 'head', norm: 0 },
        ],
      },
    });
  });

  it('shows its validation and its checkpoint', () => {
    const { fleet, step } = createRun();
    step(0);
    const metrics = [
      { name: 'loss', value: null, goal: 'min' },
      { name: 'accuracy', value: 0.8, goal: 'max' },
    ];
    fleet.send('validation', { run: 'r1', step: 0, checkpoint: 'ck-0', metrics }, 'eval');
    expect(runOf(fleet).training!.validation).toEqual(metrics);
    expect(runOf(fleet).checkpoint).toBe('ck-0');
  });

  it.each(['finished', 'failed'])('that has %s is stopped, until it starts again', (status) => {
    const { fleet, step } = createRun();
    step(0);
    fleet.send('run', { run: 'r1', status }, 'rank-0');
    expect(runOf(fleet).state).toBe('stopped');
    fleet.send('run', { run: 'r1', status: 'started' }, 'rank-0');
    expect(runOf(fleet).state).toBe('guarded');
  });
});

describe('NaN in a run', () => {
  it('pages at its step, at the first group of the forward pass', () => {
    const { fleet, step } = createRun();
    step(0);
    const told = step(1, { nan_forward: [0, 3, 5], nan_backward: [9, 9, 9], loss: null });
    expect(told).toMatchObject([
      {
        event: 'opened',
        run: 'r1',
        role: null,
        step: 1,
        severity: 'page',
        layers: ['block'],
        scope: 'training',
        evidence: { nan_elements: 8, where: 'forward' },
      },
    ]);
    expect(runOf(fleet).state).toBe('drifting');
    const totals = fleet.model().nonfinite.map(({ kind, where, total }) => [kind, where, total]);
    expect(totals).toEqual([
      ['nan', 'forward', 8],
      ['nan', 'backward', 27],
      ['inf', 'forward', 0],
      ['inf', 'backward', 0],
    ]);
  });

  it('of the backward pass alone begins with the last group: that gradient is computed first', () => {
    const { step } = createRun();
    const told = step(0, { nan_forward: ZERO, inf_backward: [1, 1, 0] });
    expect(told).toMatchObject([{ layers: ['block'], evidence: { inf_elements: 2, where: 'backward' } }]);
  });

  it.each([
    ['a loss', { loss: null }, 'NaN in the loss (forward)'],
    ['a gradient norm', { grad_norm: null }, 'NaN in the gradient norm (forward)'],
  ])('of %s that no group explains is told as such', (_, body, says) => {
    const { fleet, step } = createRun();
    const [line] = step(0, { nan_forward: ZERO, ...body });
    expect(line).toMatchObject({ event: 'opened', layers: [] });
    expect(line!.message).toContain(says);
    // Elements are counted from columns only.
    expect(fleet.model().nonfinite.every(({ total }) => total === 0)).toBe(true);
  });

  it('of a loss that is absent is no NaN', () => {
    const { step } = createRun();
    expect(step(0, { loss: undefined, grad_norm: undefined })).toEqual([]);
  });

  it('is over after thirty steps without', () => {
    const { step } = createRun();
    step(0, { nan_forward: [1, 0, 0] });
    const told = Array.from({ length: 40 }, (_, i) => step(i + 1)).flat();
    expect(told).toMatchObject([{ event: 'resolved', step: 30 }]);
  });

  it('in some ranks names them, in all names none', () => {
    const ranks = ['rank-0', 'rank-1', 'rank-2'];
    const nan = { nan_forward: [1, 0, 0] };
    const some = createRun(ranks);
    some.step(0);
    some.step(1, nan, ['rank-0', 'rank-2']);
    const told = [...some.step(1, {}, ['rank-1']), ...some.step(2, nan, ['rank-0'])];
    expect(told).toMatchObject([{ event: 'changed', sources: ['rank-0', 'rank-2'] }]);
    const all = createRun(ranks);
    all.step(0);
    all.step(1, nan);
    expect(all.step(2, nan, ['rank-0'])).toMatchObject([
      { event: 'changed', sources: [], scope: 'training' },
    ]);
  });
});
