/**
 * CloudEvents 1.0 over Kafka: binary mode has the attributes in headers, structured mode wraps the event in an object.
 * The event is complete without them, so they add nothing: they are compared with it, and what contradicts is refused.
 */
import { parseTime } from '../time.ts';
import { checkUnknown, isObject } from './declare.ts';
import { clean, describe, expected, type Fault, fault, within } from './fault.ts';
import { type JsonObject, type Read, read, readText, refused } from './read.ts';

/** Names are lower case. */
export type Headers = ReadonlyMap<string, Uint8Array>;

/** An event's kind is the third word. */
const TYPE_PREFIX = 'dev.normwatch.';
const STRUCTURED_TYPE = /^application\/cloudevents\+json\s*(;|$)/i;
const BASE64_CHARS = /^[A-Za-z0-9+/]*={0,2}$/;

export function isStructured(body: JsonObject, headers: Headers): boolean {
  // Files have no headers: there the body tells. No event lacks both `v` and `kind`.
  if (body.specversion !== undefined && body.kind === undefined && body.v === undefined) return true;
  const contentType = headers.get('content-type');
  return contentType !== undefined && STRUCTURED_TYPE.test(readText(contentType) ?? '');
}

/** The event inside a structured envelope. */
export function unwrap(envelope: JsonObject): Read {
  for (const key in envelope) {
    const bad = key === 'data' ? null : checkUnknown(key, envelope[key], 1);
    if (bad !== null) return refused(bad);
  }
  const bad = checkSpecVersion(envelope.specversion, 'specversion');
  if (bad !== null) return refused(bad);
  const { data, data_base64: base64 } = envelope;
  if (data !== undefined) {
    return isObject(data)
      ? { ok: true, value: data as JsonObject }
      : refused(within('data', expected('an object', data)));
  }
  if (base64 === undefined) return refused(fault('missing_field', 'required', 'data'));
  const bytes = decodeBase64(base64);
  return bytes === null ? refused(within('data_base64', expected('base64', base64))) : read(bytes);
}

/** `envelope` is null in binary mode. */
export function checkAttributes(
  event: JsonObject,
  envelope: JsonObject | null,
  headers: Headers,
): Fault | null {
  const attribute = (name: string): unknown => {
    if (envelope !== null) return envelope[name];
    const bytes = headers.get(`ce_${name}`);
    return bytes === undefined ? undefined : readText(bytes);
  };
  const { kind, v, source, boot, seq, timeMs } = event;
  const id = [`${source}/${boot ?? ''}/${seq}`, ...(boot === undefined ? [`${source}/${seq}`] : [])];
  const checks: readonly (readonly [name: string, good: (value: string) => boolean, of: string])[] = [
    ['type', (value) => value === `${TYPE_PREFIX}${kind}.v${v}`, `kind ${kind}`],
    ['id', (value) => id.includes(value), `id ${id[0]}`],
    // A source with a space or the like is no URI reference as it stands.
    [
      'source',
      (value) => value === source || value === encodeURIComponent(String(source)),
      `source ${source}`,
    ],
    ['time', (value) => parseTime(value) === timeMs, `time ${event.time}`],
  ];
  const specVersion = attribute('specversion');
  const field = (name: string): string => (envelope === null ? `ce_${name}` : name);
  if (specVersion !== undefined) {
    const bad = checkSpecVersion(specVersion, field('specversion'));
    if (bad !== null) return bad;
  }
  for (const [name, good, of] of checks) {
    const value = attribute(name);
    if (value === undefined || (typeof value === 'string' && good(value))) continue;
    return fault('envelope_mismatch', `${describe(value)} around ${clean(of, 60)}`, field(name));
  }
  return null;
}

function checkSpecVersion(value: unknown, field: string): Fault | null {
  return value === '1.0'
    ? null
    : fault('bad_version', `expected CloudEvents "1.0", got ${describe(value)}`, field);
}

function decodeBase64(text: unknown): Uint8Array | null {
  if (typeof text !== 'string' || !BASE64_CHARS.test(text) || text.length % 4 !== 0) return null;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
