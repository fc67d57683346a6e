/** Bounds that take a large event to reach, odd spellings of numbers, rules across fields, and how refusals read. */
import { describe, expect, it } from 'vitest';
import { change, exampleOf, refusalOf, verdict } from './events.ts';

const names = (n: number) => Array.from({ length: n }, (_, i) => `l${i}`);
const zeros = (n: number): number[] => new Array(n).fill(0);

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
