/** Bytes → one JSON object. */
import { LIMITS } from '../limits.ts';
import { isObject } from './declare.ts';
import { clean, describe, type Fault, fault } from './fault.ts';

export type JsonObject = Record<string, unknown>;

export type Read =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly fault: Fault };

/** A number that JSON has not, where a value may stand. */
const NOT_FINITE_WORD = /[:,[]\s*-?(NaN|Infinity)\b/;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

export function read(bytes: Uint8Array | null): Read {
  if (bytes === null || bytes.length === 0) return refused(fault('empty', 'no bytes'));
  if (bytes.length > LIMITS.messageBytes) {
    return refused(fault('too_large', `${bytes.length} bytes, at most ${LIMITS.messageBytes}`));
  }
  const text = readText(bytes);
  if (text === null) return refused(fault('not_utf8', 'no UTF-8'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's message repeats at most 21 characters of the input.
    const hint = NOT_FINITE_WORD.test(text) ? '; what is not finite is null' : '';
    return refused(fault('not_json', `${clean((error as Error).message, 150)}${hint}`));
  }
  return isObject(value)
    ? { ok: true, value: value as JsonObject }
    : refused(fault('not_object', `expected an object, got ${describe(value)}`));
}

export function readText(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    // Fatal decoding throws for exactly one reason, which the caller names.
    return null;
  }
}

export const refused = (bad: Fault): Read => ({ ok: false, fault: bad });
