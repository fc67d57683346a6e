/** What the outside sees: plain JSON without NaN or Infinity, counters that only rise, copies that never change. */
import { describe, expect, it } from 'vitest';
import { createPartition, foldEvent, type Partition, viewPartition } from '../../../agent/core/fold.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { createEmitter, MINUTE, SECOND, T0 } from '../../kit/events.ts';
import { createFleet, type Fleet, QUICK } from '../../kit/fleet.ts';
import { foldAll, partitionWithBaseline, recording } from '../../kit/recording.ts';

/** Paths of numbers that are none, and of anything JSON has no word for. */
function strangers(value: unknown, path = ''): string[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} = ${value}`];
  if (Array.isArray(value)) return value.flatMap((item, i) => strangers(item, `${path}[${i}]`));
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.entries(value).flatMap(([key, item]) => strangers(item, `${path}.${key}`));
  return [`${path} is a ${Object.prototype.toString.call(value)}`];
}

/** Every counter of a view by name. */
function countersOf(partition: Partition): Map<string, number> {
  const counters = new Map<string, number>();
  for (const model of viewPartition(partition).models) {
    for (const group of ['events', 'rejected', 'late'] as const)
      for (const [key, count] of Object.entries(model[group]))
        counters.set(`${model.model}/${group}/${key}`, count);
    counters.set(`${model.model}/duplicates`, model.duplicates);
    for (const { kind, where, total } of model.nonfinite)
      counters.set(`${model.model}/nonfinite/${kind}/${where}`, total);
  }
  return counters;
}

describe.each([
  'deploy-epsilon',
  'fp16-overflow',
  'one-bad-pod',
  'training-diverge-high-lr',
  'training-fp16-ln-zero-eps-nan',
])('the view of %s', (name) => {
  it('is JSON at any time, and its counters only rise', () => {
    const partition = name.startsWith('training')
      ? createPartition(DEFAULT_SETTINGS)
      : partitionWithBaseline();
    let before = countersOf(partition);
    recording(name).forEach((event, i) => {
      foldEvent(partition, event, null);
      if (i % 97 !== 0) return;
      const view = viewPartition(partition);
      expect(strangers(view)).toEqual([]);
      expect(JSON.parse(JSON.stringify(view))).toEqual(view);
      const now = countersOf(partition);
      for (const [key, count] of before) expect(now.get(key), key).toBeGreaterThanOrEqual(count);
      before = now;
    });
    const total = [...before].filter(([key]) => key.includes('/events/')).reduce((sum, [, n]) => sum + n, 0);
    expect(total).toBeGreaterThan(0);
  });
});

describe('numbers without a value', () => {
  const HUGE = 1e300;
  const cells = [
    { mean: null, variance: null, count: 0, nan: 10, min: null, max: null },
    { mean: 0, variance: 0, count: 10, min: 0, max: 0 },
    { mean: HUGE, variance: HUGE, count: 2 ** 53, min: -HUGE, max: HUGE },
    { mean: -HUGE, variance: 0, count: 1 },
    { mean: 1e-300, variance: 1e-300, count: 1 },
  ];

  it('are null in the view and absent from incident lines, whatever was sent', () => {
    const partition = createPartition({ ...QUICK, calibration: { ticks: 2, flushes: 2 } });
    const emitter = createEmitter('pod-0');
    for (let i = 0; i < 120; i++) {
      const cell = cells[Math.floor(i / 7) % cells.length]!;
      const event = emitter.flush(
        T0 + i * 3 * SECOND,
        { a: { input: cell, output: cell } },
        { requests: 1 + (i % 3) },
      );
      foldEvent(partition, event, null);
      expect(strangers(viewPartition(partition))).toEqual([]);
    }
    for (const line of partition.findings) expect(strangers(line)).toEqual([]);
    expect(partition.findings.length).toBeGreaterThan(0);
  });
});

it('a view is a copy: folding on does not change it', () => {
  const fleet = createFleet();
  fleet.play(2 * MINUTE, { nan: () => 1 });
  const view = viewPartition(fleet.partition);
  const text = JSON.stringify(view);
  fleet.play(5 * MINUTE, { mean: () => 5 });
  fleet.send('deployment', { version: 'v1' });
  expect(JSON.stringify(view)).toBe(text);
});

describe('a stream', () => {
  it('shows its numbers beside those of its baselines', () => {
    const fleet = createFleet();
    fleet.play(3 * MINUTE);
    const stream = fleet.stream();
    expect(stream).toMatchObject({
      id: 'serving/v1/stable',
      environment: 'default',
      model: 'm',
      version: 'v1',
      role: 'stable',
      run: null,
      layers: ['a', 'b'],
      requests: 300,
      watermarkMs: fleet.nowMs,
      tickEndMs: fleet.nowMs - 10 * SECOND,
      training: null,
    });
    const [cell] = stream.cells;
    expect(cell).toMatchObject({ layer: 'a', site: 'input', min: -10, max: 10 });
    expect(cell!.variance).toBeCloseTo(4, 0);
    expect(cell!.scores.map(({ against }) => against)).toEqual(['reference', 'rolling', 'peers']);
    const [score] = cell!.scores;
    expect(Math.abs(cell!.mean! - score!.baselineMean!)).toBeLessThan(score!.baselineMeanBand!);
    expect(cell!.variance! / score!.baselineVariance!).toBeLessThan(score!.baselineVarianceFactor!);
    expect(score!.histogramKlNats).toBeNull();
  });

  it('that calibrates has numbers, and no scores but those of its sources among each other', () => {
    const against = (fleet: Fleet) =>
      fleet.stream().cells.map(({ scores }) => scores.map((score) => score.against));
    const fleet = createFleet();
    fleet.play(20 * SECOND);
    expect(against(fleet)).toEqual([['peers'], ['peers'], ['peers'], ['peers']]);
    const alone = createFleet({ pods: ['pod-0'] });
    alone.play(20 * SECOND);
    expect(against(alone)).toEqual([[], [], [], []]);
  });

  it('that has heard nothing yet is there all the same', () => {
    const fleet = createFleet();
    fleet.send('manifest', { layers: ['a'] });
    expect(fleet.stream()).toMatchObject({
      state: 'calibrating',
      watermarkMs: null,
      tickEndMs: null,
      sources: [],
      cells: [],
      calibration: { ticks: 0, progress: 0, remainingMs: null },
    });
  });
});

it('totals of NaN and Inf are there from 0, in both directions', () => {
  const partition = foldAll(createPartition(DEFAULT_SETTINGS), [createEmitter('pod-0').sign(T0)]);
  expect(viewPartition(partition).models[0]!.nonfinite).toEqual(
    ['nan', 'inf'].flatMap((kind) => ['forward', 'backward'].map((where) => ({ kind, where, total: 0 }))),
  );
});
