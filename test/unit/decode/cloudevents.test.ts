/** CloudEvents around an event: both modes taken, contradictions refused, the body complete without them. */
import { describe, expect, it } from 'vitest';
import { decode } from '../../../agent/core/decode/index.ts';
import { bytes, exampleOf, headers, type Json, verdict } from './events.ts';

const event = exampleOf('outputs');
const attributes = {
  specversion: '1.0',
  type: 'dev.normwatch.outputs.v1',
  id: 'pod-0/0/7',
  source: 'pod-0',
  time: '2026-03-02T00:00:10.000Z',
};
const binary = (changed: Record<string, string> = {}) =>
  headers(
    Object.fromEntries(
      Object.entries({ ...attributes, ...changed }).map(([key, value]) => [`ce_${key}`, value]),
    ),
  );
const structured = headers({ 'content-type': 'application/cloudevents+json; charset=utf-8' });

describe('binary mode', () => {
  it('is taken, the event being the body', () => {
    expect(decode(bytes(event), binary())).toMatchObject({ ok: true, event });
  });

  it('is taken with any other headers, content type and fewer attributes', () => {
    const given = headers({ 'content-type': 'application/json', traceparent: 'x', ce_type: attributes.type });
    expect(verdict(event, given)).toBe('taken');
  });

  it('takes the time in another spelling and a source with escapes', () => {
    expect(verdict(event, binary({ time: '2026-03-02T01:00:10+01:00' }))).toBe('taken');
    const spaced = { ...event, source: 'pod 0' };
    expect(verdict(spaced, binary({ id: 'pod 0/0/7', source: 'pod%200' }))).toBe('taken');
  });

  it('leaves the boot empty or out where the event has none', () => {
    const { boot: _, ...bootless } = event;
    expect(verdict(bootless, binary({ id: 'pod-0//7' }))).toBe('taken');
    expect(verdict(bootless, binary({ id: 'pod-0/7' }))).toBe('taken');
    expect(verdict(event, binary({ id: 'pod-0/7' }))).toBe('envelope_mismatch ce_id');
  });

  it.each([
    ['type', 'dev.normwatch.activations.v1'],
    ['type', 'dev.normwatch.outputs.v2'],
    ['type', 'com.example.outputs'],
    ['id', 'pod-0/0/8'],
    ['id', '7f1c2c1e'],
    ['source', 'pod-1'],
    ['time', '2026-03-02T00:00:10.001Z'],
    ['time', 'noon'],
  ])('is refused when %s is %s', (name, value) => {
    expect(verdict(event, binary({ [name]: value }))).toBe(`envelope_mismatch ce_${name}`);
  });

  it('is refused when a header is no UTF-8', () => {
    expect(verdict(event, binary().set('ce_id', Uint8Array.of(0xff)))).toBe('envelope_mismatch ce_id');
  });

  it('of another CloudEvents version is refused', () => {
    expect(verdict(event, binary({ specversion: '0.3' }))).toBe('bad_version ce_specversion');
  });

  it('tells what is wrong with the body first', () => {
    expect(verdict({ ...event, requests: -1 }, binary({ id: 'x' }))).toBe('out_of_range requests');
  });
});

describe('structured mode', () => {
  const wrapped = (changed: Json = {}) => ({ ...attributes, data: event, ...changed });
  const inBase64 = (value: unknown) => {
    const { data: _, ...rest } = wrapped();
    return { ...rest, data_base64: Buffer.from(JSON.stringify(value)).toString('base64') };
  };

  it('is taken by its content type, and without one by its shape', () => {
    expect(decode(bytes(wrapped()), structured)).toMatchObject({ ok: true, event });
    expect(decode(bytes(wrapped({ datacontenttype: 'application/json', traceparent: 'x' })))).toMatchObject({
      ok: true,
      event,
    });
  });

  it('is taken in base64', () => {
    expect(decode(bytes(inBase64({ ...event, model: 'größe' })), structured)).toMatchObject({
      ok: true,
      event: { model: 'größe' },
    });
  });

  it.each([
    ['another type', wrapped({ type: 'dev.normwatch.run.v1' }), 'envelope_mismatch type'],
    ['another id', wrapped({ id: 7 }), 'envelope_mismatch id'],
    ['another source', wrapped({ source: 'pod-1' }), 'envelope_mismatch source'],
    ['another time', wrapped({ time: '2026-03-02T00:00:11Z' }), 'envelope_mismatch time'],
    ['another version', wrapped({ specversion: '0.3' }), 'bad_version specversion'],
    ['no version', wrapped({ specversion: undefined }), 'bad_version specversion'],
    ['no data', wrapped({ data: undefined }), 'missing_field data'],
    ['data that is no object', wrapped({ data: 'text' }), 'bad_field data'],
    ['data that is no event', wrapped({ data: {} }), 'missing_field v'],
    ['data that is wrapped again', wrapped({ data: wrapped() }), 'missing_field v'],
    ['base64 that is none', { ...inBase64(event), data_base64: 'a-b_' }, 'bad_field data_base64'],
    ['base64 cut off', { ...inBase64(event), data_base64: 'A' }, 'bad_field data_base64'],
    ['base64 with too much padding', { ...inBase64(event), data_base64: 'AAAA==' }, 'bad_field data_base64'],
    ['base64 of no JSON', { ...inBase64(event), data_base64: 'e30x' }, 'not_json null'],
    [
      'a forbidden key in the event',
      JSON.stringify(wrapped()).replace('"requests"', '"prototype"'),
      'forbidden_key prototype',
    ],
    [
      'a forbidden key',
      JSON.stringify(wrapped()).replace('{', '{"constructor":1,'),
      'forbidden_key constructor',
    ],
  ])('with %s is refused', (_, value, says) => {
    expect(verdict(value, structured)).toBe(says);
  });

  it('announced by the content type of a plain event is refused', () => {
    expect(verdict(event, structured)).toBe('bad_version specversion');
  });

  it('tells whose it is', () => {
    const decoded = decode(bytes(wrapped({ data: { ...event, requests: -1 } })), structured);
    expect(decoded).toMatchObject({ ok: false, refusal: { kind: 'outputs', model: 'minilm-l6' } });
  });
});
