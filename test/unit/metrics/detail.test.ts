/** Series of single layers: all, the worst, or none; and how `auto` changes between them. */
import { expect, test } from 'vitest';
import { METRICS, type Sample } from '../../../agent/catalog.ts';
import type { ModelView } from '../../../agent/core/view.ts';
import { createExposer, type ExposerOptions } from '../../../agent/flow/exposition.ts';
import { cell, incident, layersOf, model, NOW_MS, partition, score, stream } from './view.ts';

function exposerOf(options: Partial<ExposerOptions>) {
  const notices: boolean[] = [];
  const exposer = createExposer({
    layers: 'auto',
    topLayers: 3,
    seriesMax: 5_000,
    onLimited: (limited) => notices.push(limited),
    ...options,
  });
  const ask = (...models: ModelView[]) => exposer({ partitions: [partition(models)], nowMs: NOW_MS });
  return { ask, notices };
}

const layersIn = (samples: readonly Sample[]): string[] => [
  ...new Set(
    samples.flatMap(({ metric, labels }) =>
      metric === METRICS.activation_mean || metric === METRICS.nonfinite_elements ? [labels.layer ?? ''] : [],
    ),
  ),
];

const isLimited = (samples: readonly Sample[]) =>
  samples.find(({ metric }) => metric === METRICS.detail_limited)?.value;

const withLayers = (count: number, over: Partial<ModelView> = {}): ModelView =>
  model({ streams: [stream({ cells: layersOf(count) })], ...over });

test('"all" shows every layer, however many', () => {
  const { ask } = exposerOf({ layers: 'all', seriesMax: 100 });
  const samples = ask(withLayers(1_300));
  expect(layersIn(samples)).toHaveLength(1_300);
  expect(samples.length).toBeGreaterThan(10_000);
  expect(isLimited(samples)).toBe(0);
});

test('"none" shows no layer, but the largest and the median over them', () => {
  const { ask } = exposerOf({ layers: 'none' });
  const samples = ask(
    withLayers(11, {
      nonfiniteDay: [
        { version: 'v1', layer: 'layer.1', site: 'input', kind: 'nan', where: 'forward', elements: 1 },
      ],
    }),
  );
  expect(layersIn(samples)).toEqual([]);
  const value = (metric: object) =>
    samples.find((one) => one.metric === metric && one.labels.site === 'input')?.value;
  expect(value(METRICS.activation_shift_sigmas_max)).toBe(0.1);
  expect(value(METRICS.activation_shift_sigmas_median)).toBe(0.05);
  expect(value(METRICS.activation_kl_nats_max)).toBe(0.01);
  expect(value(METRICS.activation_kl_nats_median)).toBe(0.005);
});

test('"top" shows the K worst by the larger of mean and variance shift, with both sites', () => {
  const cells = [
    cell('quiet'),
    cell('mean', { scores: [score({ meanShiftSigmas: -3 })] }),
    cell('variance', { scores: [score({ varianceShiftSigmas: 2 })] }),
    cell('rolling', { scores: [score(), score({ against: 'rolling', meanShiftSigmas: 1 })] }),
    cell('mean', { site: 'input' }),
  ];
  const { ask } = exposerOf({ layers: 'top', topLayers: 3 });
  const samples = ask(model({ streams: [stream({ cells })] }));
  expect(layersIn(samples)).toEqual(['mean', 'variance', 'rolling']);
  expect(samples.filter(({ labels }) => labels.layer === 'mean' && labels.site === 'input')).not.toEqual([]);
});

test('"top" shows the layers an open incident names, before all others, while it is open', () => {
  const { ask } = exposerOf({ layers: 'top', topLayers: 1 });
  const cells = layersOf(20);
  const named = (status: 'open' | 'resolved') =>
    layersIn(
      ask(model({ streams: [stream({ cells })], incidents: [incident({ status, layers: ['layer.2'] })] })),
    );
  expect(named('resolved')).toEqual(['layer.19']);
  expect(named('open')).toContain('layer.2');
});

test('an incident of another version does not change which layers of this one are shown', () => {
  const { ask } = exposerOf({ layers: 'top', topLayers: 1 });
  const other = incident({ version: 'v2', layers: ['layer.2'] });
  const samples = ask(model({ streams: [stream({ cells: layersOf(20) })], incidents: [other] }));
  expect(layersIn(samples)).toEqual(['layer.19']);
});

test('"top" shows non-finite counts of the shown layers only', () => {
  const { ask } = exposerOf({ layers: 'top', topLayers: 1 });
  const counted = (layer: string) =>
    ({ version: 'v1', layer, site: 'output', kind: 'inf', where: 'forward', elements: 9 }) as const;
  const samples = ask(withLayers(20, { nonfiniteDay: [counted('layer.19'), counted('layer.3')] }));
  const counts = samples.filter(({ metric }) => metric === METRICS.nonfinite_elements);
  expect(counts.map(({ labels, value }) => [labels.layer, labels.range, value])).toEqual([
    ['layer.19', '24h', 9],
  ]);
});

test('"auto" changes to the worst above the limit and says so, and back well below it', () => {
  const { ask, notices } = exposerOf({ seriesMax: 1_000, topLayers: 3 });
  // Eight series a layer.
  expect(layersIn(ask(withLayers(110)))).toHaveLength(110);
  expect(notices).toEqual([]);

  const limited = ask(withLayers(130));
  expect(layersIn(limited)).toEqual(['layer.127', 'layer.128', 'layer.129']);
  expect(isLimited(limited)).toBe(1);
  expect(notices).toEqual([true]);

  expect(isLimited(ask(withLayers(110)))).toBe(1);
  expect(notices).toEqual([true]);

  const free = ask(withLayers(80));
  expect(layersIn(free)).toHaveLength(80);
  expect(isLimited(free)).toBe(0);
  expect(notices).toEqual([true, false]);
});

test('"auto" counts the series of all models together', () => {
  const { ask } = exposerOf({ seriesMax: 1_000 });
  const named = (name: string) =>
    model({ model: name, streams: [stream({ model: name, cells: layersOf(70) })] });
  expect(isLimited(ask(named('a')))).toBe(0);
  expect(isLimited(ask(named('a'), named('b')))).toBe(1);
});

test('a stream that is gone is forgotten, and begins anew when it comes back', () => {
  const { ask } = exposerOf({ layers: 'top', topLayers: 1 });
  const early = layersOf(5).map((one) => ({ ...one, scores: [score()] }));
  ask(withLayers(5));
  const before = layersIn(ask(model({ streams: [stream({ cells: early })] })));
  expect(before).toContain('layer.4');
  ask(model());
  expect(layersIn(ask(model({ streams: [stream({ cells: early })] })))).toEqual(['layer.0']);
});

test('a number of layers below one is refused', () => {
  expect(() => exposerOf({ topLayers: 0 })).toThrow('topLayers must be a whole number from 1 on, not 0');
});
