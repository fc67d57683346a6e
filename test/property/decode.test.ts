/** What holds for decode whatever it is given. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decoded, decode, KINDS, REFUSAL_REASONS } from '../../agent/core/decode/index.ts';
import { formatTime, parseTime } from '../../agent/core/time.ts';
import { bytes, exampleOf, headers, type Json } from '../unit/decode/events.ts';
import { anyExample, anyMutant, objectsIn } from './decode-events.ts';

/** A refusal is fit for logs and labels, whatever the input was. */
function expectSound(decoded: Decoded): void {
  if (decoded.ok) return;
  const { reason, field, detail, kind, environment, model } = decoded.refusal;
  expect(REFUSAL_REASONS).toContain(reason);
  expect(detail.length).toBeLessThanOrEqual(200);
  expect(field?.length ?? 0).toBeLessThanOrEqual(200);
  for (const text of [field, detail, kind, environment, model]) {
    expect(text ?? '').not.toMatch(/[\p{Cc}\p{Cs}]/u);
  }
}

describe('decode', () => {
  it('gives an event or a sound refusal for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (value) => expectSound(decode(value))));
  });

  it('gives an event or a sound refusal for any JSON', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => expectSound(decode(bytes(text)))));
  });

  it('gives an event or a sound refusal for valid events with any value anywhere', () => {
    fc.assert(
      fc.property(anyMutant(fc.jsonValue({ maxDepth: 4 })), (value) => expectSound(decode(bytes(value)))),
      { numRuns: 2000 },
    );
  });

  it('gives an event or a sound refusal for any headers', () => {
    const name = fc.constantFrom(
      'content-type',
      'ce_type',
      'ce_id',
      'ce_time',
      'ce_source',
      'ce_specversion',
      'x',
    );
    const given = fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 40 })));
    fc.assert(
      fc.property(anyExample(), given, (event, pairs) => expectSound(decode(bytes(event), new Map(pairs)))),
    );
  });

  it('never throws for any bytes as structured CloudEvents', () => {
    const structured = headers({ 'content-type': 'application/cloudevents+json' });
    const envelope = fc.record({ specversion: fc.constant('1.0'), data_base64: fc.base64String() });
    fc.assert(fc.property(envelope, (value) => expectSound(decode(bytes(value), structured))));
  });

  it('does not look at unknown keys, wherever they are and whatever they hold', () => {
    const unknown = fc.string({ maxLength: 12 }).map((key) => `new ${key}`);
    const harmless = (value: unknown) => !/"(__proto__|constructor|prototype)"/.test(JSON.stringify(value));
    const extra = fc.tuple(unknown, fc.jsonValue({ maxDepth: 4 }).filter(harmless), fc.nat());
    fc.assert(
      fc.property(anyExample(), fc.array(extra, { minLength: 1, maxLength: 6 }), (given, extras) => {
        const event = structuredClone(given);
        const plain = decode(bytes(event));
        const places = objectsIn(event);
        for (const [key, value, at] of extras) places[at % places.length]![key] = value;
        const extended = decode(bytes(event));
        if (extended.ok) for (const object of objectsIn(extended.event)) dropUnknown(object);
        expect(extended).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(anyExample(), fc.infiniteStream(fc.nat()), (event, ranks) => {
        const rank = new Map(Object.keys(event).map((key) => [key, ranks.next().value]));
        const entries = Object.entries(event).sort(([a], [b]) => rank.get(a)! - rank.get(b)!);
        expect(decode(bytes(Object.fromEntries(entries)))).toEqual(decode(bytes(event)));
      }),
    );
  });

  it('does not depend on what it decoded before', () => {
    const mutant = anyMutant(fc.constantFrom(null, 'a', '', ['a', 'a'], ['a', 'b'], ['a', ''], []));
    fc.assert(
      fc.property(fc.array(mutant, { minLength: 1, maxLength: 8 }), mutant, (before, value) => {
        const first = decode(bytes(value));
        for (const other of before) decode(bytes(other));
        expect(decode(bytes(value))).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });

  it('repeats at most 40 characters of a value', () => {
    const secret = fc.constantFrom('status', 'role', 'time', 'requests', 'model', 'environment', 'kind', 'v');
    fc.assert(
      fc.property(
        secret,
        fc.string({ minLength: 41, maxLength: 300, unit: 'grapheme-ascii' }),
        (field, text) => {
          const decoded = decode(bytes({ ...exampleOf('source'), [field]: text }));
          const detail = decoded.ok ? '' : decoded.refusal.detail;
          for (let at = 0; at + 41 <= text.length; at++)
            expect(detail).not.toContain(text.slice(at, at + 41));
        },
      ),
    );
  });
});

describe('times', () => {
  it('come back as they were', () => {
    const ms = fc.integer({ min: Date.UTC(0, 0, 1), max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(ms, (value) => {
        expect(formatTime(value)).toBe(new Date(value).toISOString());
        expect(parseTime(formatTime(value))).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('that are read are read as the platform does', () => {
    const part = fc.constantFrom(...'0123456789', '-', ':', 'T', 'Z', '.', '+');
    const text = fc
      .tuple(fc.constantFrom('2026-03-02T00:00:10.000Z', '2024-02-29T23:59:59+01:00'), fc.nat(28), part)
      .map(([from, at, char]) => from.slice(0, at) + char + from.slice(at + 1));
    fc.assert(
      fc.property(text, (value) => {
        const ms = parseTime(value);
        if (!Number.isNaN(ms)) expect(ms).toBe(Date.parse(value));
      }),
      { numRuns: 1000 },
    );
  });
});

function dropUnknown(object: Json): void {
  for (const key of Object.keys(object)) if (key.startsWith('new ')) delete object[key];
}

it('the generator reaches every kind', () => {
  const seen = new Set(fc.sample(anyExample(), 500).map(({ kind }) => kind));
  expect(seen.size).toBe(KINDS.length);
});
