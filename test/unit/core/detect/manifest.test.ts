/** What sources declare: the signal of differences that were found, and events that lead to findings and end them. */
import { describe, expect, it } from 'vitest';
import type { Declared, DeclaredDifference } from '../../../../agent/core/declared.ts';
import type { TickContext } from '../../../../agent/core/detect/contract.ts';
import { manifest } from '../../../../agent/core/detect/manifest.ts';
import { MINUTE, SECOND } from '../../../kit/events.ts';
import { createFleet, type Fleet, QUICK } from '../../../kit/fleet.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { detectorSuite, LAYERS, START_MS, trafficContexts } from './suite.ts';

const declaring = (
  differences: readonly Partial<DeclaredDifference>[],
  blamed: string[] = [],
  sinceMs = 0,
): Declared => ({
  manifest: new Map(),
  layers: LAYERS.length,
  differences: differences.map((one) => ({
    against: 'reference',
    order: LAYERS.indexOf((one.layer ?? 'middle') as (typeof LAYERS)[number]),
    layer: 'middle',
    field: 'epsilon',
    own: 0.05,
    expected: 1e-12,
    groups: [],
    ...one,
  })),
  sourcesOf: () => blamed,
  sinceMs: () => sinceMs,
});
const contexts = (differences: readonly Partial<DeclaredDifference>[], blamed?: string[]): TickContext[] =>
  trafficContexts([{}], { declared: declaring(differences, blamed) });
const ticket = { tick: 0, layer: 'middle', severity: 'ticket' } as const;
const told = (one: Partial<DeclaredDifference>, cause: string, says: string, blamed?: string[]) => ({
  contexts: contexts([one], blamed),
  ...ticket,
  says: { cause, confidence: 0.98, says, sources: blamed ?? [] },
});

detectorSuite(manifest, {
  quiet: {
    'when nobody declares anything': trafficContexts([{}]),
    'when nothing differs': contexts([]),
    'of what is declared after the tick': trafficContexts([{}], {
      declared: declaring([{}], [], START_MS + TICK_MS),
    }),
    'when only the kernel is another than the reference has': contexts([
      { field: 'kernel', own: 'fused', expected: 'native' },
    ]),
    'when only the kernel is another than training had': contexts([{ field: 'kernel', against: 'training' }]),
  },
  alarms: {
    'of an epsilon, with both values': {
      contexts: contexts([{}]),
      ...ticket,
      says: {
        cause: 'epsilon_mismatch',
        site: 'output',
        onsetMs: START_MS,
        confidence: 0.98,
        evidence: {
          declared_epsilon: 0.05,
          expected_epsilon: 1e-12,
          implied_epsilon: 0.05,
          declared_at: 'middle',
          declared_against: 'reference',
          declared_layers_differing: 1,
          declared_fields_differing: 'epsilon',
        },
        says: 'declares epsilon 0.05 at middle, its reference epsilon 1e-12',
      },
    },
    'since it was declared': {
      contexts: trafficContexts([{}, {}], { declared: declaring([{}], [], START_MS + 7_000) }),
      ...ticket,
      says: { onsetMs: START_MS + 7_000 },
    },
    'of a page, when traffic has moved as far': {
      contexts: trafficContexts([{ variance: (_, cell) => (cell === 3 ? 8 : 0) }], {
        declared: declaring([{}]),
      }),
      ...ticket,
      severity: 'page',
      says: { unit: 'request_sigmas' },
    },
    'of a ticket, when traffic has moved before that layer': {
      contexts: trafficContexts([{ variance: (_, cell) => (cell < 3 ? 8 : 0) }], {
        declared: declaring([{}]),
      }),
      ...ticket,
    },
    'of a layer that traffic does not show': {
      contexts: contexts([{ layer: 'hidden' }]),
      ...ticket,
      layer: null,
      says: {
        unit: 'ratio',
        effect: 1 / 3,
        says: 'declares epsilon 0.05 at hidden, its reference epsilon 1e-12',
      },
    },
    'of the kind of normalization': told(
      { field: 'norm', own: 'rmsnorm', expected: 'layernorm' },
      'norm_type',
      'declares rmsnorm at middle, its reference layernorm',
    ),
    'of gamma and beta that are missing': told(
      { field: 'affine', own: false, expected: true, against: 'training' },
      'missing_affine',
      'declares no gamma and beta at middle, its training gamma and beta',
    ),
    'of gamma and beta where there should be none': told(
      { field: 'affine', own: true, expected: false },
      'manifest_mismatch',
      'declares gamma and beta at middle, its reference no gamma and beta',
    ),
    'of a number format': told(
      { field: 'dtype', own: 'float16', expected: 'float32' },
      'precision_change',
      'declares dtype float16 at middle, its reference dtype float32',
    ),
    'of a width': told(
      { field: 'features', own: 768, expected: 384 },
      'manifest_mismatch',
      'declares 768 features at middle, its reference 384 features',
    ),
    'of parameters in one source': told(
      { field: 'parameters_sha256', own: 'a'.repeat(64), expected: 'b'.repeat(64), against: 'peers' },
      'weight_corruption',
      'declares parameters aaaaaaaa… at middle, its peers parameters bbbbbbbb…',
      ['pod-1'],
    ),
    'of peers that disagree, blaming nobody': told(
      { against: 'peers' },
      'epsilon_mismatch',
      'sources disagree at middle: some declare epsilon 0.05, as many epsilon 1e-12',
    ),
    'of a kernel that only one source has': {
      contexts: contexts([{ field: 'kernel', own: 'naive', expected: 'fused', against: 'peers' }], ['pod-2']),
      ...ticket,
      says: { cause: 'manifest_mismatch', confidence: 0.5, sources: ['pod-2'] },
    },
    'of the first layer, and of what explains most there': {
      contexts: contexts([
        { layer: 'last', field: 'norm', own: 'rmsnorm', expected: 'layernorm' },
        { field: 'dtype', own: 'float16', expected: 'float32' },
        { field: 'kernel', layer: 'embeddings', own: 'fused', expected: 'native' },
        {},
      ]),
      ...ticket,
      says: {
        cause: 'epsilon_mismatch',
        says: 'declares epsilon 0.05 at middle, its reference epsilon 1e-12 (and at 1 more)',
      },
    },
  },
});

const NATIVE = { layers: ['a', 'b'], epsilon: [1e-12, 1e-12], norm: ['layernorm', 'layernorm'] };
const FUSED = { ...NATIVE, epsilon: [1e-12, 0.05] };
const declare = (fleet: Fleet, body: Record<string, unknown>, pods = ['pod-0', 'pod-1', 'pod-2']) =>
  pods.flatMap((pod) => fleet.send('manifest', body, pod));
/** So short a baseline knows little of its own scatter. */
const SETTINGS = { ...QUICK, leastEffectSigmas: 1 };
const V2 = { given: { version: 'v2' } };

function guarded(body: Record<string, unknown> = NATIVE): Fleet {
  const fleet = createFleet({ settings: SETTINGS });
  declare(fleet, body);
  expect(fleet.play(2 * MINUTE)).toEqual([]);
  expect(fleet.stream().state).toBe('guarded');
  return fleet;
}

describe('manifest events', () => {
  it('of a new version open a finding in its first tick, which stays until the declaration changes back', () => {
    const fleet = guarded();
    fleet.send('deployment', { version: 'v2', previous_version: 'v1' });
    declare(fleet, { ...FUSED, version: 'v2' });
    const opened = fleet.play(15 * SECOND, V2);
    expect(opened).toMatchObject([
      {
        event: 'opened',
        detectors: ['manifest'],
        cause: 'epsilon_mismatch',
        severity: 'ticket',
        layers: ['b'],
        sources: [],
        scope: 'rollout',
        evidence: { declared_epsilon: 0.05, expected_epsilon: 1e-12 },
      },
    ]);
    expect(fleet.play(5 * MINUTE, V2)).toEqual([]);
    declare(fleet, { ...NATIVE, version: 'v2' });
    expect(fleet.play(10 * MINUTE, V2)).toMatchObject([{ event: 'resolved', id: opened[0]!.id }]);
  });

  it('of one source name it', () => {
    const fleet = guarded();
    declare(fleet, FUSED, ['pod-1']);
    expect(fleet.play(20 * SECOND)).toMatchObject([
      { event: 'opened', cause: 'epsilon_mismatch', layers: ['b'], sources: ['pod-1'], scope: 'source' },
    ]);
  });

  it('that one source after the other changes are told of all in the end, in one finding', () => {
    const fleet = guarded();
    const told = ['pod-0', 'pod-1', 'pod-2'].flatMap((pod) => {
      declare(fleet, FUSED, [pod]);
      return fleet.play(20 * SECOND);
    });
    expect(told.map(({ event, sources }) => [event, sources])).toEqual([
      ['opened', ['pod-0']],
      ['changed', ['pod-0', 'pod-1']],
      ['changed', []],
    ]);
  });

  it('that are accepted are not told again, others are', () => {
    const fleet = guarded();
    declare(fleet, FUSED);
    const [opened] = fleet.play(20 * SECOND);
    const accepted = fleet.send('baseline', { action: 'relearn', since: opened!.onset });
    expect(accepted).toMatchObject([{ event: 'resolved', id: opened!.id }]);
    expect(fleet.play(5 * MINUTE)).toEqual([]);
    declare(fleet, { ...FUSED, norm: ['rmsnorm', 'rmsnorm'] });
    expect(fleet.play(20 * SECOND)).toMatchObject([{ event: 'opened', cause: 'norm_type', layers: ['a'] }]);
  });
});
