/** What the intake fills in: never two events under one name, and nothing else of the line is touched. */
import { describe, expect, test } from 'vitest';
import { decode } from '../../agent/core/decode/index.ts';
import { createStamper, type Stamper, type StamperOptions } from '../../agent/flow/intake-stamp.ts';

const stamper = (options: Partial<StamperOptions> = {}): Stamper =>
  createStamper({ source: 'pod-7', boot: 'B', ...options });

const BASE = { v: 1, kind: 'activations', window_ms: 1_000, model: 'm', version: 'v1', requests: 0 };
const at = (second: number) => `2026-03-02T00:00:${String(second).padStart(2, '0')}.000Z`;
const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

/** Stamps an event and takes it, as the intake does; gives what names it. */
function name(by: Stamper, fields: object): string {
  const { value, keep } = by.stamp(bytes({ ...BASE, time: at(1), ...fields }));
  const decoded = decode(value);
  if (!decoded.ok) return decoded.refusal.reason;
  keep();
  const { source, boot, seq } = decoded.event;
  return `${source} ${boot} ${seq}`;
}
const names = (by: Stamper, events: object[]) => events.map((fields) => name(by, fields));

describe('intake stamp', () => {
  test('leaves a complete event as it is, byte for byte', () => {
    const line = bytes('  {"v":1, "kind":"outputs","source":"s","boot":"b","seq":1e0,"x":1.50}');
    expect(stamper().stamp(line).value).toBe(line);
  });

  test('fills in source, boot and seq, and touches nothing else', () => {
    const line = bytes(' {"v":1,"kind":"x","big":12345678901234567890,"real":1.50,"time":"2026"}');
    const { value } = stamper().stamp(line);
    expect(new TextDecoder().decode(value)).toBe(
      '{"source":"pod-7","seq":0,"boot":"B","v":1,"kind":"x","big":12345678901234567890,"real":1.50,"time":"2026"}',
    );
  });

  test('counts per source, environment and model, over all kinds, roles and versions', () => {
    const by = stamper();
    expect(
      names(by, [
        {},
        { kind: 'manifest', layers: [] },
        { version: 'v2', role: 'canary' },
        { model: 'other' },
        { environment: 'staging' },
        { environment: 'default' },
        { source: 'rank-1' },
        { source: 'rank-1', model: 'other' },
        { model: 'other' },
      ]),
    ).toEqual([
      'pod-7 B 0',
      'pod-7 B 1',
      'pod-7 B 2',
      'pod-7 B 0',
      'pod-7 B 0',
      'pod-7 B 3',
      'rank-1 B 0',
      'rank-1 B 0',
      'pod-7 B 1',
    ]);
  });

  test('counts only what was taken, so that a refused line leaves no gap', () => {
    const by = stamper();
    expect(names(by, [{}, { requests: -1 }, { time: 'noon' }, {}])).toEqual([
      'pod-7 B 0',
      'out_of_range',
      'bad_time',
      'pod-7 B 1',
    ]);
  });

  test('a boot without a seq becomes theirs and ours, for our count ends with us', () => {
    const by = stamper();
    expect(names(by, [{ boot: 'a' }, { boot: 'a' }, { boot: 'b' }, {}])).toEqual([
      'pod-7 a.B 0',
      'pod-7 a.B 1',
      'pod-7 b.B 0',
      'pod-7 B 0',
    ]);
  });

  test('a seq without a boot that begins again at a later time is a restart, one of the same time a repeat', () => {
    const by = stamper();
    expect(
      names(by, [
        { seq: 0, time: at(1) },
        { seq: 1, time: at(2) },
        { seq: 1, time: at(2) },
        { seq: 0, time: at(1) },
        { seq: 0, time: at(5) },
        { seq: 1, time: at(6) },
        { seq: 0, time: at(7) },
      ]),
    ).toEqual([
      'pod-7 B 0',
      'pod-7 B 1',
      'pod-7 B 1',
      'pod-7 B 0',
      'pod-7 B.r1 0',
      'pod-7 B.r1 1',
      'pod-7 B.r2 0',
    ]);
  });

  test('starts all counts again under a new boot when there are too many, and names no two events alike', () => {
    const by = stamper({ countsMax: 3 });
    const many = ['a', 'b', 'c', 'd', 'a', 'b', 'e', 'a', 'd'].flatMap((source) => [{ source }, { source }]);
    const given = names(by, many);
    expect(new Set(given).size).toBe(many.length);
    expect(given.slice(0, 2)).toEqual(['a B 0', 'a B 1']);
    expect(given[6]).toBe('d B.c1 0');
  });

  test.each([
    ['no JSON', '{"v":1'],
    ['an array', '[1]'],
    ['a word', 'null'],
    ['nothing', ''],
    ['an empty object', '{}'],
    ['a CloudEvent, which its maker has named', '{"specversion":"1.0","data":{"v":1}}'],
  ])('leaves %s to decode', (_, text) => {
    const line = bytes(text);
    expect(stamper().stamp(line).value).toBe(line);
  });

  test('leaves what is no UTF-8 to decode', () => {
    const line = new Uint8Array([0x7b, 0xff, 0x7d]);
    expect(stamper().stamp(line).value).toBe(line);
  });

  test('does not make a wrong boot right', () => {
    for (const boot of [null, 3, {}]) expect(name(stamper(), { boot })).toBe('bad_field');
  });

  test('a key named __proto__ pollutes nothing', () => {
    const line = bytes('{"__proto__":{"source":"x","seq":1,"boot":"y"},"v":1}');
    expect(new TextDecoder().decode(stamper().stamp(line).value)).toContain('"source":"pod-7"');
    expect(({} as { source?: string }).source).toBeUndefined();
  });
});
