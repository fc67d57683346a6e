/** Events to start from, and ways to change them, for all tests of decode. */
import { decode, type Event, type EventKind, KINDS, type Refusal } from '../../../agent/core/decode/index.ts';

export type Json = Record<string, unknown>;

const utf8 = new TextEncoder();

export const bytes = (value: unknown): Uint8Array =>
  utf8.encode(typeof value === 'string' ? value : JSON.stringify(value));

export const headers = (pairs: Record<string, string>): Map<string, Uint8Array> =>
  new Map(Object.entries(pairs).map(([key, value]) => [key, bytes(value)]));

/** A fresh copy of a kind's example. */
export function exampleOf(kind: EventKind, index = 0): Json {
  const found = KINDS.find((candidate) => candidate.kind === kind)?.examples[index];
  if (found === undefined) throw new Error(`${kind} has no example ${index}`);
  return structuredClone(found) as Json;
}

/** The event with the value at `path` (`input.mean[0]`) replaced; `undefined` removes it. */
export function change(event: Json, path: string, value: unknown): Json {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop()!;
  let at: unknown = event;
  for (const key of keys) at = (at as Json)[key];
  if (value === undefined) delete (at as Json)[last];
  else (at as Json)[last] = value;
  return event;
}

export function eventOf<K extends EventKind>(value: unknown, kind: K): Extract<Event, { kind: K }> {
  const decoded = decode(bytes(value));
  if (!decoded.ok) throw new Error(`refused: ${JSON.stringify(decoded.refusal)}`);
  if (decoded.event.kind !== kind) throw new Error(`not ${kind}, but ${decoded.event.kind}`);
  return decoded.event as Extract<Event, { kind: K }>;
}

/** What a refusal says first, or `taken`. */
export function verdict(value: unknown, given: Map<string, Uint8Array> = new Map()): string {
  const decoded = decode(value instanceof Uint8Array ? value : bytes(value), given);
  return decoded.ok ? 'taken' : `${decoded.refusal.reason} ${decoded.refusal.field}`;
}

export function refusalOf(value: unknown, given: Map<string, Uint8Array> = new Map()): Refusal {
  const decoded = decode(value instanceof Uint8Array ? value : bytes(value), given);
  if (decoded.ok) throw new Error('taken');
  return decoded.refusal;
}
