/** Each bound, at its edge: the last value that is taken and the first that is refused, with reason and field. */
import { describe, expect, it } from 'vitest';
import type { EventKind } from '../../../agent/core/decode/index.ts';
import { LIMITS } from '../../../agent/core/limits.ts';
import { change, exampleOf, type Json, refusalOf, verdict } from './events.ts';

const names = (n: number) => Array.from({ length: n }, (_, i) => `l${i}`);
const zeros = (n: number): number[] => new Array(n).fill(0);
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const entries = (n: number) => Object.fromEntries(names(n).map((name) => [name, 'x']));
const histogramWith = (part: Json) => ({ scale: 0, zero_count: 0, ...part });

type Case = [path: string, taken: unknown, refused: unknown, verdict: string];

const CASES: Record<EventKind, readonly Case[]> = {
  activations: [
    ['v', 1, 2, 'bad_version v'],
    ['time', '2000-01-01T00:00:00.000Z', '1999-12-31T23:59:59.999Z', 'bad_time time'],
    ['time', '2100-12-31T23:59:59.999Z', '2101-01-01T00:00:00.000Z', 'bad_time time'],
    ['time', '2024-02-29T00:00:00Z', '2026-02-29T00:00:00Z', 'bad_time time'],
    ['time', '2026-03-02T00:00:10Z', 1_772_409_610_000, 'bad_time time'],
    ['window_ms', LIMITS.windowMs, LIMITS.windowMs + 1, 'out_of_range window_ms'],
    ['window_ms', 0, -1, 'out_of_range window_ms'],
    ['window_ms', 1, 0.5, 'bad_field window_ms'],
    ['environment', 'a'.repeat(64), 'a'.repeat(65), 'too_long environment'],
    ['environment', 'eu_1.prod-2', 'eu/1', 'bad_field environment'],
    ['environment', 'a', '', 'bad_field environment'],
    ['model', 'm'.repeat(128), 'm'.repeat(129), 'too_long model'],
    ['model', '\u{1f9ea}'.repeat(128), '\u{1f9ea}'.repeat(129), 'too_long model'],
    ['model', 'm', '', 'bad_field model'],
    ['model', 'größe ✓', 'a\nb', 'bad_field model'],
    ['model', 'a b', 'a\u0000b', 'bad_field model'],
    ['model', '\ud83e\uddea', '\ud83e', 'bad_field model'],
    ['model', 'a', 'a\u2028b', 'bad_field model'],
    ['version', 'v', 1, 'bad_field version'],
    ['source', 's'.repeat(128), 's'.repeat(129), 'too_long source'],
    ['boot', 'b', null, 'bad_field boot'],
    ['boot', 'b', '\u007f', 'bad_field boot'],
    ['seq', Number.MAX_SAFE_INTEGER, 2 ** 53, 'out_of_range seq'],
    ['seq', 0, -1, 'out_of_range seq'],
    ['seq', 1, 1.5, 'bad_field seq'],
    ['seq', 1, '1', 'bad_field seq'],
    ['step', 0, -1, 'out_of_range step'],
    ['run', 'r', '', 'bad_field run'],
    ['role', 'shadow', 'leader', 'bad_field role'],
    ['probe', 'p', 3, 'bad_field probe'],
    ['labels', entries(LIMITS.mapEntries), entries(LIMITS.mapEntries + 1), 'too_long labels'],
    ['labels', { team: 'search' }, { team: 3 }, 'bad_field labels.team'],
    ['labels', { team: '' }, ['team'], 'bad_field labels'],
    ['labels', { ['k'.repeat(128)]: '' }, { ['k'.repeat(129)]: '' }, `too_long labels.${'k'.repeat(39)}…`],
    ['labels', { a: '' }, { '': '' }, 'bad_field labels'],
    ['labels', { 'a b': '' }, { 'a\nb': '' }, 'bad_field labels.a\ufffdb'],
    ['requests', 2 ** 53, 2 ** 54, 'out_of_range requests'],
    ['requests', 0, -1, 'out_of_range requests'],
    ['requests', 1, null, 'bad_field requests'],
    ['tokens', 0, 0.1, 'bad_field tokens'],
    ['layers', ['a', 'b'], ['a', 'a'], 'bad_field layers[1]'],
    ['layers', ['a', 'b'], ['a', ''], 'bad_field layers[1]'],
    ['layers', ['a', 'b'], ['a', 2], 'bad_field layers[1]'],
    ['layers', ['a', 'b'], 'ab', 'bad_field layers'],
    ['layers', ['a', 'b'], ['a'], 'bad_column input.count'],
    ['layers', ['a', 'b'], undefined, 'missing_field layers'],
    ['layers', ['a', 'l'.repeat(256)], ['a', 'l'.repeat(257)], 'too_long layers[1]'],
    ['input', {}, null, 'bad_field input'],
    ['input', {}, [], 'bad_field input'],
    ['input.mean', [1, 2], [1, 2, 3], 'bad_column input.mean'],
    ['input.mean', [1, 2], 'NaN', 'bad_column input.mean'],
    ['input.mean[1]', null, 'NaN', 'bad_column input.mean[1]'],
    ['input.mean[1]', null, [1], 'bad_column input.mean[1]'],
    ['input.mean[0]', 1e308, 1.1e308, 'out_of_range input.mean[0]'],
    ['input.mean[0]', -1e308, -1.1e308, 'out_of_range input.mean[0]'],
    ['input.variance[0]', 0, -1e-9, 'out_of_range input.variance[0]'],
    ['input.token_variance_min[0]', 0, -1, 'out_of_range input.token_variance_min[0]'],
    ['input.count[0]', 0, -1, 'out_of_range input.count[0]'],
    ['input.nan[1]', 2 ** 53, 2 ** 54, 'out_of_range input.nan[1]'],
    ['input.inf[1]', 1, 1.5, 'bad_column input.inf[1]'],
    ['input.min', [2.5, null], [2.6, null], 'bad_column input.min[0]'],
    ['input.histogram', [null, null], [null], 'bad_column input.histogram'],
    ['input.histogram[1]', null, 3, 'bad_column input.histogram[1]'],
    ['input.histogram[0].scale', 20, 21, 'out_of_range input.histogram[0].scale'],
    [
      'input.histogram[0]',
      { scale: -10, zero_count: 0 },
      { scale: -11, zero_count: 0 },
      'out_of_range input.histogram[0].scale',
    ],
    ['input.histogram[0].zero_count', 0, undefined, 'missing_field input.histogram[0].zero_count'],
    ['input.histogram[0].zero_threshold', 0, -1, 'out_of_range input.histogram[0].zero_threshold'],
    ['input.histogram[0].positive.counts[0]', 1, -1, 'out_of_range input.histogram[0].positive.counts[0]'],
    ['input.histogram[0].positive.counts[0]', 1, null, 'bad_column input.histogram[0].positive.counts[0]'],
    ['input.histogram[0].negative.offset', 0, 0.5, 'bad_field input.histogram[0].negative.offset'],
    ['op.time_ns', [1, 2], [1], 'bad_column op.time_ns'],
    ['op.count', [1, 2], [1, 2.5], 'bad_column op.count[1]'],
    ['new', nested(LIMITS.depth), nested(LIMITS.depth + 1), `too_deep new${'[0]'.repeat(LIMITS.depth)}`],
    ['input.new', { a: {} }, { a: { constructor: 1 } }, 'forbidden_key input.new.a.constructor'],
  ],
  channels: [
    ['sites', ['input', 'output'], ['input', 'input'], 'bad_column sites[1]'],
    ['sites', ['output', 'input'], ['output', null], 'bad_column sites[1]'],
    ['sites', ['output', 'input'], ['output'], 'bad_column sites'],
    ['mean[1]', [0.143, 0.1, null], [0.143, 0.1], 'bad_column variance[1]'],
    ['mean[1]', [0, 0, 0], null, 'bad_column mean[1]'],
    ['mean[1][2]', null, 'x', 'bad_column mean[1][2]'],
    ['mean', undefined, [[0]], 'bad_column mean'],
    ['variance[1][2]', 0, -1, 'out_of_range variance[1][2]'],
  ],
  outputs: [
    ['name', 'n', '', 'bad_field name'],
    ['probabilities', zeros(1024), zeros(1025), 'too_long probabilities'],
    ['probabilities[0]', 1, 1.1, 'out_of_range probabilities[0]'],
    ['probabilities[0]', 0, -0.1, 'out_of_range probabilities[0]'],
    ['probabilities[0]', 0, null, 'bad_column probabilities[0]'],
    ['probabilities', null, {}, 'bad_column probabilities'],
    ['non_finite_requests', 3, 4, 'out_of_range non_finite_requests'],
    [
      'histogram.positive',
      { offset: 0, counts: zeros(LIMITS.histogramBuckets) },
      { offset: 0, counts: zeros(LIMITS.histogramBuckets + 1) },
      'too_long histogram.positive.counts',
    ],
    [
      'histogram',
      histogramWith({ positive: { offset: 1023, counts: [1] } }),
      histogramWith({ positive: { offset: 1024, counts: [1] } }),
      'out_of_range histogram.positive.offset',
    ],
    [
      'histogram',
      histogramWith({ negative: { offset: -1076, counts: [1] } }),
      histogramWith({ negative: { offset: -1077, counts: [1] } }),
      'out_of_range histogram.negative.offset',
    ],
    [
      'histogram',
      histogramWith({ scale: -10, positive: { offset: -3, counts: [1, 1, 1, 1] } }),
      histogramWith({ scale: -10, positive: { offset: 0, counts: [1, 1] } }),
      'out_of_range histogram.positive.offset',
    ],
  ],
  training_step: [
    ['run', 'r', undefined, 'missing_field run'],
    ['step', 0, undefined, 'missing_field step'],
    ['loss', null, 'NaN', 'bad_field loss'],
    ['grad_norm', 0, -1, 'out_of_range grad_norm'],
    ['grad_norms', [0, null], [0], 'bad_column grad_norms'],
    ['groups', ['a', 'b'], undefined, 'missing_field groups'],
    ['groups', ['a', 'b'], ['b', 'b'], 'bad_field groups[1]'],
    ['gamma_update', [0], [0, 0], 'bad_column gamma_update'],
    ['layers', ['x'], undefined, 'missing_field layers'],
  ],
  validation: [
    ['metrics[0].value', null, undefined, 'missing_field metrics[0].value'],
    ['metrics[0].goal', 'max', 'up', 'bad_field metrics[0].goal'],
    ['metrics', [], {}, 'bad_field metrics'],
    ['metrics[1]', { name: 'm', value: 1, goal: 'min' }, null, 'bad_field metrics[1]'],
  ],
  deployment: [
    ['change', 'two\nlines\tand\r', 'bell\u0007', 'bad_field change'],
    ['change', '', 3, 'bad_field change'],
    ['change', 'x'.repeat(1024), 'x'.repeat(1025), 'too_long change'],
    ['signature', { key: 'k', hmac_sha256: 'x' }, { key: 'k' }, 'missing_field signature.hmac_sha256'],
  ],
  nonfinite: [
    ['layer', 'l'.repeat(256), 'l'.repeat(257), 'too_long layer'],
    ['site', 'input', 'middle', 'bad_field site'],
    ['where', 'backward', 'sideways', 'bad_field where'],
    ['nan', 0, -1, 'out_of_range nan'],
  ],
  source: [
    ['status', 'started', 'paused', 'bad_field status'],
    ['sent', { activations: 0 }, { activations: -1 }, 'out_of_range sent.activations'],
    ['dropped', {}, JSON.parse('{"__proto__": 1}'), 'forbidden_key dropped.__proto__'],
  ],
  manifest: [
    ['position', ['pre', null], ['pre', 'middle'], 'bad_column position[1]'],
    ['norm', ['rmsnorm', 'groupnorm'], ['rmsnorm'], 'bad_column norm'],
    ['epsilon', [0, null], [0, -1], 'out_of_range epsilon[1]'],
    ['affine', [true, null], [true, 'yes'], 'bad_column affine[1]'],
    ['dtype', ['a', null], ['a', ''], 'bad_column dtype[1]'],
    ['parameters_sha256', ['0'.repeat(64), null], ['0'.repeat(63), null], 'bad_column parameters_sha256[0]'],
    ['parameters_sha256', [null, null], ['0'.repeat(65), null], 'too_long parameters_sha256[0]'],
    ['config', { a: null, b: true, c: 'x', d: 1 }, { a: {} }, 'bad_field config.a'],
    ['config', entries(LIMITS.configEntries), entries(LIMITS.configEntries + 1), 'too_long config'],
  ],
  parameters: [['gamma.mean', [1], [1, 2], 'bad_column gamma.mean']],
  parity: [
    ['max_abs_error', [0, null], [0, -1], 'out_of_range max_abs_error[1]'],
    ['implied_epsilon', [-1, null], [-1, 'x'], 'bad_column implied_epsilon[1]'],
  ],
  memory: [['peak_bytes', [0], [0.5], 'bad_column peak_bytes[0]']],
  requests: [
    ['errors', 120, 121, 'out_of_range errors'],
    ['latency', null, [], 'bad_field latency'],
    ['cost_usd', 0, -1, 'out_of_range cost_usd'],
  ],
  run: [
    ['status', 'failed', 'lost', 'bad_field status'],
    ['normalization', 'none', 'batchnorm', 'bad_field normalization'],
  ],
  baseline: [
    ['until', '2026-03-01T00:00:00.001Z', '2026-03-01T00:00:00.000Z', 'out_of_range until'],
    ['until', '2026-03-01T01:00:00Z', undefined, 'missing_field until'],
    ['since', '2026-03-01T01:00:00Z', undefined, 'missing_field since'],
    ['since', '2026-03-01T01:00:00Z', 'yesterday', 'bad_time since'],
    ['action', 'unpin', 'drop', 'bad_field action'],
    ['data', undefined, 'bndiMQ==', 'bad_field data'],
  ],
  maintenance: [
    ['until', '2026-03-03T00:00:10.000Z', '2026-03-03T00:00:10.001Z', 'out_of_range until'],
    ['until', '2026-03-01T00:00:00Z', '2026-03-01', 'bad_time until'],
  ],
};

describe.each(Object.entries(CASES) as [EventKind, readonly Case[]][])('%s', (kind, cases) => {
  it.each(cases.map(([path, taken, refused, says], i) => ({ path, taken, refused, says, i })))(
    '$i: $path beyond its bound is refused as $says',
    ({ path, taken, refused, says }) => {
      expect(verdict(change(exampleOf(kind), path, taken))).toBe('taken');
      expect(verdict(change(exampleOf(kind), path, refused))).toBe(says);
    },
  );
});

describe('sizes', () => {
  it('takes 4096 layers and not one more', () => {
    const event = (n: number) => ({
      ...exampleOf('memory'),
      layers: names(n),
      allocated_bytes: zeros(n),
      peak_bytes: undefined,
    });
    expect(verdict(event(4096))).toBe('taken');
    expect(verdict(event(4097))).toBe('too_long layers');
  });

  it('takes 16384 features of a layer and not one more', () => {
    const event = (n: number) => ({
      ...exampleOf('channels'),
      layers: ['a'],
      sites: ['input'],
      mean: [zeros(n)],
      variance: undefined,
    });
    expect(verdict(event(16_384))).toBe('taken');
    expect(verdict(event(16_385))).toBe('too_long mean[0]');
  });

  it('takes an exported baseline of 512 KiB and not more', () => {
    const event = (n: number) => ({ ...exampleOf('baseline', 1), data: Buffer.alloc(n).toString('base64') });
    expect(verdict(event(512 * 1024))).toBe('taken');
    expect(verdict(event(512 * 1024 + 3))).toBe('too_long data');
    expect(verdict({ ...exampleOf('baseline', 1), data: 'no base64' })).toBe('bad_field data');
  });

  it('takes 256 metrics of a validation and not one more', () => {
    const metric = { name: 'm', value: 1, goal: 'min' };
    expect(verdict({ ...exampleOf('validation'), metrics: new Array(256).fill(metric) })).toBe('taken');
    expect(verdict({ ...exampleOf('validation'), metrics: new Array(257).fill(metric) })).toBe(
      'too_long metrics',
    );
  });
});

describe('control events that lack what their action needs', () => {
  it('relearn needs since', () => {
    expect(verdict({ ...exampleOf('baseline', 3), since: undefined })).toBe('missing_field since');
  });
  it('pin needs a range or data', () => {
    expect(verdict({ ...exampleOf('baseline', 1), data: undefined })).toBe('missing_field since');
  });
});

describe('a sign of life', () => {
  it('needs no layers, and may name them', () => {
    expect(verdict(exampleOf('activations', 1))).toBe('taken');
    expect(verdict({ ...exampleOf('activations', 1), layers: ['a'] })).toBe('taken');
    expect(verdict({ ...exampleOf('activations', 1), layers: [] })).toBe('taken');
  });
});

describe('numbers that JSON can spell and a double cannot', () => {
  const spelt = (value: unknown, text: string) =>
    JSON.stringify(change(exampleOf('activations'), 'input.mean[0]', value)).replace('"HERE"', text);
  it.each(['1e999', '-1e999'])('%s is out of range', (text) => {
    expect(verdict(spelt('HERE', text))).toBe('out_of_range input.mean[0]');
  });
  it('the word NaN is no JSON', () => {
    expect(verdict(spelt('HERE', 'NaN'))).toBe('not_json null');
  });
  it('a seq beyond 2^53 is out of range, though it looks like a whole number', () => {
    const text = JSON.stringify(change(exampleOf('source'), 'seq', 'HERE')).replace(
      '"HERE"',
      '9007199254740993',
    );
    expect(verdict(text)).toBe('out_of_range seq');
  });
});

describe('details', () => {
  it('say what was expected, and repeat no more than 40 characters of the input', () => {
    const long = refusalOf({ ...exampleOf('source'), status: 'x'.repeat(500) });
    expect(long.detail).toBe(`expected one of started, alive, stopping, got "${'x'.repeat(39)}…"`);
    const broken = refusalOf({ ...exampleOf('source'), status: 'a\nb\u202ec\ud800' });
    expect(broken.detail).toContain('"a\ufffdb\ufffdc\ufffd"');
  });

  it('keep a path short and clean, whatever keys are in it', () => {
    const { field } = refusalOf({ ...exampleOf('source'), ['k\n'.repeat(500)]: { constructor: 1 } });
    expect(field).toMatch(/^[k\ufffd]{39}…\.constructor$/);
  });
});
