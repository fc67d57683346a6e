/** What is no event at all: refused before any field is looked at. */
import { describe, expect, it } from 'vitest';
import { decode } from '../../../agent/core/decode/index.ts';
import { LIMITS } from '../../../agent/core/limits.ts';
import { bytes, exampleOf, refusalOf, verdict } from './events.ts';

const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const padded = (length: number) => {
  const text = JSON.stringify(exampleOf('source'));
  return bytes(text + ' '.repeat(length - text.length));
};

describe('bytes', () => {
  it.each([
    ['a tombstone', null, 'empty'],
    ['no bytes', new Uint8Array(), 'empty'],
    ['a byte that UTF-8 never has', latin1('{"v":1,"model":"\xff"}'), 'not_utf8'],
    ['a character cut in two', bytes('{"v":"ü"}').slice(0, -3), 'not_utf8'],
    ['a surrogate in UTF-8', latin1('"\xed\xa0\x80"'), 'not_utf8'],
    ['blanks', bytes('  \n'), 'not_json'],
    ['a line cut off', bytes('{"v":1,"kind":"activ'), 'not_json'],
    ['a trailing comma', bytes('{"v":1,}'), 'not_json'],
    ['two values', bytes('{"v":1}{"v":1}'), 'not_json'],
    ['an array', bytes('[{"v":1}]'), 'not_object'],
    ['null', bytes('null'), 'not_object'],
    ['a number', bytes('1'), 'not_object'],
    ['a million brackets', bytes('['.repeat(1_000_000)), 'not_json'],
    ['a million nested arrays', bytes('['.repeat(500_000) + ']'.repeat(500_000)), 'not_object'],
  ])('%s are refused, and belong to nobody', (_, value, reason) => {
    expect(decode(value)).toMatchObject({
      ok: false,
      refusal: { reason, field: null, kind: null, environment: null, model: null },
    });
  });

  it('are taken up to 1 MiB and not one more', () => {
    expect(verdict(padded(LIMITS.messageBytes))).toBe('taken');
    expect(verdict(padded(LIMITS.messageBytes + 1))).toBe('too_large null');
  });

  it('may begin with a byte order mark', () => {
    expect(verdict(`\ufeff${JSON.stringify(exampleOf('source'))}`)).toBe('taken');
  });

  it('nested deeply in an unknown key are refused, however deep', () => {
    const deep = JSON.stringify(exampleOf('source')).slice(0, -1);
    expect(verdict(`${deep},"x":${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}}`)).toMatch(
      /^too_deep x\.a\.a/,
    );
  });
});

describe('numbers that are not finite', () => {
  it.each(['{"loss":NaN}', '{"loss":[1,-Infinity]}', '{"loss": Infinity}'])(
    'in %s: the refusal says what to write',
    (text) => {
      expect(refusalOf(text).detail).toMatch(/; what is not finite is null$/);
    },
  );

  it('are told in quotes too', () => {
    const { detail } = refusalOf({ ...exampleOf('training_step'), loss: '-inf' });
    expect(detail).toBe('expected a number, got "-inf" (what is not finite is null)');
  });
});

describe('keys', () => {
  const body = JSON.stringify(exampleOf('deployment')).slice(0, -1);

  it.each(['__proto__', 'constructor', 'prototype'])('%s is refused wherever it stands', (key) => {
    expect(verdict(`${body},"${key}":1}`)).toBe(`forbidden_key ${key}`);
    expect(verdict(`${body},"new":[{"a":{"${key}":{}}}]}`)).toBe(`forbidden_key new[0].a.${key}`);
    expect(verdict(`${body},"labels":{"${key}":"x"}}`)).toBe(`forbidden_key labels.${key}`);
    expect(verdict(`${body},"signature":{"key":"k","hmac_sha256":"x","${key}":"x"}}`)).toBe(
      `forbidden_key signature.${key}`,
    );
  });

  it('are refused in escapes too', () => {
    expect(verdict(`${body},"\\u005f_proto__":{"role":"canary"}}`)).toBe('forbidden_key __proto__');
  });

  it('that come twice: the last one counts', () => {
    expect(decode(bytes(`${body},"model":"last"}`))).toMatchObject({ ok: true, event: { model: 'last' } });
    expect(verdict(`${body},"model":"last","model":1}`)).toBe('bad_field model');
  });

  it('nobody knows pass', () => {
    expect(
      decode(bytes(`${body},"new":{"a":[1,null,"\\u0000"]},"toString":1,"hasOwnProperty":2}`)),
    ).toMatchObject({
      ok: true,
      event: exampleOf('deployment'),
    });
  });
});

describe('version and kind', () => {
  const event = exampleOf('source');
  it.each([
    [{}, 'missing_field v'],
    [{ ...event, v: undefined, kind: undefined }, 'missing_field v'],
    [{ ...event, v: undefined }, 'missing_field v'],
    [{ ...event, v: 2, kind: 'of the future' }, 'bad_version v'],
    [{ ...event, v: '1' }, 'bad_version v'],
    [{ ...event, kind: undefined }, 'missing_field kind'],
    [{ ...event, kind: ['source'] }, 'bad_field kind'],
    [{ ...event, kind: 'gradients' }, 'unknown_kind kind'],
    [{ ...event, kind: 'toString' }, 'unknown_kind kind'],
  ])('%#: refused as %s', (value, says) => {
    expect(verdict(value)).toBe(says);
  });
});

describe('whose refusal it is', () => {
  it('is told by kind, environment and model', () => {
    expect(refusalOf({ ...exampleOf('source'), environment: 'prod', status: 'odd' })).toEqual({
      reason: 'bad_field',
      field: 'status',
      detail: 'expected one of started, alive, stopping, got "odd"',
      kind: 'source',
      environment: 'prod',
      model: 'minilm-l6',
    });
  });

  it('names an unknown kind that looks like one, and no other', () => {
    expect(refusalOf({ ...exampleOf('source'), kind: 'gradients' }).kind).toBe('gradients');
    expect(refusalOf({ ...exampleOf('source'), kind: '<b>' }).kind).toBeNull();
    expect(refusalOf({ ...exampleOf('source'), kind: 'x'.repeat(65) }).kind).toBeNull();
  });

  it('is nobody where model or environment are not well formed', () => {
    expect(refusalOf({ ...exampleOf('source'), model: 'a\nb' })).toMatchObject({
      environment: null,
      model: null,
    });
    expect(refusalOf({ ...exampleOf('source'), environment: 'a b' })).toMatchObject({
      environment: null,
      model: 'minilm-l6',
    });
  });
});
