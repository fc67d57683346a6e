/**
 * Bytes → an event or a refusal. Never throws, whatever the bytes are: everything here is untrusted.
 *
 * The event is the parsed object itself: copying its numbers would cost more than checking them. Of a key that comes
 * twice `JSON.parse` keeps the last, and nothing else ever sees the first, so there is nothing to contradict; finding it
 * would take a parser of our own. Forbidden keys are looked for in the parsed object, where escapes are resolved, on the
 * way over keys that are visited anyway. Nesting costs no stack: V8 parses without recursion, known fields have a fixed
 * depth, unknown ones are walked down to a limit.
 */
import { checkAttributes, type Headers, isStructured, unwrap } from './cloudevents.ts';
import { ENVELOPE } from './envelope.ts';
import type { Event } from './event.ts';
import { clean, describe, expected, type Fault, fault } from './fault.ts';
import type { Kind } from './kind.ts';
import { KINDS } from './kinds.ts';
import { type JsonObject, read } from './read.ts';
import type { Refusal } from './refusal.ts';

export type { Event, EventKind } from './event.ts';
export { KINDS } from './kinds.ts';
export { REFUSAL_REASONS, type Refusal, type RefusalReason } from './refusal.ts';

export type Decoded =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly refusal: Refusal };

const BY_KIND: ReadonlyMap<unknown, Kind> = new Map(
  KINDS.map((kind) => [kind.kind, kind as unknown as Kind]),
);
const NO_HEADERS: Headers = new Map();
/** What a kind's name may look like, so that one nobody knows can be counted under it. */
const KIND_NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function decode(value: Uint8Array | null, headers: Headers = NO_HEADERS): Decoded {
  const body = read(value);
  if (!body.ok) return refuse(body.fault, null);
  if (!isStructured(body.value, headers)) return take(body.value, null, headers);
  const inner = unwrap(body.value);
  return inner.ok ? take(inner.value, body.value, headers) : refuse(inner.fault, null);
}

function take(event: JsonObject, envelope: JsonObject | null, headers: Headers): Decoded {
  const kind = BY_KIND.get(event.kind);
  if (kind === undefined || event.v !== kind.version) return refuse(checkHead(event), event);
  const bad = kind.take(event);
  if (bad !== null) return refuse(bad, event);
  if (envelope !== null || headers.size > 0) {
    const contradiction = checkAttributes(event, envelope, headers);
    if (contradiction !== null) return refuse(contradiction, event);
  }
  return { ok: true, event: event as unknown as Event };
}

/** Why `v` and `kind` name nothing known here. The version comes first: another one may have other kinds. */
function checkHead({ v, kind }: JsonObject): Fault {
  if (v === undefined) return fault('missing_field', 'required', 'v');
  if (v !== 1) return fault('bad_version', `expected 1, got ${describe(v)}`, 'v');
  if (kind === undefined) return fault('missing_field', 'required', 'kind');
  if (typeof kind !== 'string') return { ...expected('a string', kind), path: 'kind' };
  return fault('unknown_kind', `version 1 has no kind of the name ${describe(kind)}`, 'kind');
}

function refuse(bad: Fault, event: JsonObject | null): Decoded {
  const { reason, path, detail } = bad;
  const { kind, environment = 'default', model } = event ?? {};
  const identified = event !== null && isGood('model', model);
  return {
    ok: false,
    refusal: {
      reason,
      field: path === '' ? null : path,
      detail: clean(detail),
      kind: typeof kind === 'string' && KIND_NAME.test(kind) ? kind : null,
      environment: identified && isGood('environment', environment) ? (environment as string) : null,
      model: identified ? (model as string) : null,
    },
  };
}

const isGood = (field: 'environment' | 'model', value: unknown): boolean =>
  ENVELOPE[field].check(value, { layers: -1, groups: -1 }) === null;
