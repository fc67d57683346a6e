/**
 * The language in which event kinds are declared. A rule checks a value, knows its JSON Schema and its static type, so
 * the validator, `schema/` and the types of the fold come from one declaration and cannot part.
 *
 * Checks run on every number of every event: they return null for a good value and allocate only when refusing.
 */
import { LIMITS } from '../limits.ts';
import { expected, type Fault, fault, within } from './fault.ts';

/** A list in the event that columns line up with. */
export type Axis = 'layers' | 'groups';

/** Lengths of the axes of the event at hand, -1 where it has none. */
export type Sizes = Record<Axis, number>;

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * `Present`: the field is always there in the event the fold sees (required on the wire, or filled in). `Time`: a
 * point in time, parsed into a second field `<name>Ms`.
 */
export interface Rule<T = unknown, Present extends boolean = boolean, Time extends boolean = boolean> {
  readonly check: (value: unknown, sizes: Sizes) => Fault | null;
  readonly schema: JsonSchema;
  /** Whether the wire must have it. */
  readonly required: boolean;
  /** What absence means, filled in by decode. */
  readonly fallback: string | undefined;
  /** The rule is the list itself that columns line up with. */
  readonly defines: Axis | null;
  /** The value is or holds columns, which mean nothing without that list. */
  readonly needs: Axis | null;
  readonly time: Time;
  readonly present: Present;
  /** Never there: carries the type. */
  readonly type?: T;
}

export type Fields = Readonly<Record<string, Rule>>;

export type TypeOf<R> = R extends Rule<infer T> ? T : never;

type PresentKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Rule<unknown, true> ? K : never;
}[keyof F];
type TimeKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Rule<unknown, boolean, true> ? K : never;
}[keyof F] &
  string;
type Flat<T> = { [K in keyof T]: T[K] };

export type FieldsOf<F extends Fields> = Flat<
  { readonly [K in PresentKeys<F>]: TypeOf<F[K]> } & {
    readonly [K in Exclude<keyof F, PresentKeys<F>>]?: TypeOf<F[K]>;
  } & { readonly [K in TimeKeys<F> as `${K}Ms`]: F[K] extends Rule<unknown, true> ? number : number | null }
>;

/** A required rule. Every rule is made here, so that all have one hidden class. */
export function rule<T>(
  schema: JsonSchema,
  check: Rule['check'],
  axis: { defines?: Axis; needs?: Axis | null } = {},
): Rule<T, true, false> {
  return {
    check,
    schema,
    required: true,
    fallback: undefined,
    defines: axis.defines ?? null,
    needs: axis.needs ?? null,
    time: false,
    present: true,
  };
}

export function optional<T, Time extends boolean>(inner: Rule<T, true, Time>): Rule<T, false, Time> {
  return { ...inner, required: false, present: false };
}

export function byDefault<T extends string>(inner: Rule<T, true, false>, fallback: T): Rule<T, true, false> {
  return { ...inner, schema: { ...inner.schema, default: fallback }, required: false, fallback };
}

/** What the field means, with its unit: for the schema and the reference page. */
export function says<R extends Rule>(description: string, inner: R): R {
  return { ...inner, schema: { ...inner.schema, description } };
}

/** Also `null`: measured and not finite, or nothing finite to measure. */
export function nullable<T>(inner: Rule<T, true, false>): Rule<T | null, true, false> {
  return {
    ...inner,
    schema: { anyOf: [inner.schema, { type: 'null' }] },
    check: (value, sizes) => (value === null ? null : inner.check(value, sizes)),
  };
}

/** A rule of its own name in the schema, so that it is written once there. `schema.ts` lists them. */
export interface Shared {
  readonly name: string;
  readonly schema: JsonSchema;
}

export function reference<R extends Rule>(name: string, inner: R): { rule: R; shared: Shared } {
  return { rule: { ...inner, schema: { $ref: `#/$defs/${name}` } }, shared: { name, schema: inner.schema } };
}

/** Keys that reach into prototypes when copied by a careless hand. Refused wherever they stand. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Fields looked up for the loop over an object's keys. */
export interface Plan {
  readonly rules: ReadonlyMap<string, Rule>;
  readonly required: readonly string[];
}

export function plan(fields: Fields): Plan {
  const entries = Object.entries(fields);
  return { rules: new Map(entries), required: entries.filter(([, r]) => r.required).map(([key]) => key) };
}

/** Checks an object's fields. Unknown keys pass, so that a newer producer can talk to an older agent. */
export function checkFields(value: object, { rules, required }: Plan, sizes: Sizes): Fault | null {
  const object = value as Record<string, unknown>;
  let found = 0;
  for (const key in object) {
    const field = rules.get(key);
    if (field === undefined) {
      const bad = checkUnknown(key, object[key], 1);
      if (bad !== null) return bad;
      continue;
    }
    if (field.needs !== null && sizes[field.needs] < 0) {
      return fault('missing_field', `${key} has columns, and nothing says what they are of`, field.needs);
    }
    // An axis was checked before the fields that line up with it.
    const bad = field.defines === null ? field.check(object[key], sizes) : null;
    if (bad !== null) return within(key, bad);
    if (field.required) found++;
  }
  if (found === required.length) return null;
  const missing = required.find((key) => !Object.hasOwn(object, key))!;
  return fault('missing_field', 'required', missing);
}

export function object<F extends Fields>(
  fields: F,
  also?: { says: string; check: (value: FieldsOf<F>) => Fault | null },
): Rule<FieldsOf<F>, true, false> {
  const known = plan(fields);
  const needs = Object.values(fields).find((field) => field.needs !== null)?.needs ?? null;
  return rule(
    { ...fieldsSchema(fields), ...(also && { $comment: also.says }) },
    (value, sizes) => {
      if (!isObject(value)) return expected('an object', value);
      return checkFields(value, known, sizes) ?? (also ? also.check(value as FieldsOf<F>) : null);
    },
    { needs },
  );
}

/** What nobody knows is carried along unread; only its keys and its depth are looked at. */
export function checkUnknown(key: string, value: unknown, depth: number): Fault | null {
  if (FORBIDDEN_KEYS.has(key)) return fault('forbidden_key', 'no such key is taken', key);
  if (typeof value !== 'object' || value === null) return null;
  const bad = checkNested(value, depth);
  return bad === null ? null : within(key, bad);
}

function checkNested(value: object, depth: number): Fault | null {
  if (depth > LIMITS.depth) return fault('too_deep', `nested deeper than ${LIMITS.depth}`);
  if (!Array.isArray(value)) {
    for (const key in value) {
      const bad = checkUnknown(key, (value as Record<string, unknown>)[key], depth + 1);
      if (bad !== null) return bad;
    }
    return null;
  }
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    const bad = typeof item === 'object' && item !== null ? checkNested(item, depth + 1) : null;
    if (bad !== null) return within(`[${i}]`, bad);
  }
  return null;
}

export function fieldsSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.filter(([, field]) => field.required).map(([key]) => key);
  const aligned = entries.filter(([, field]) => field.needs !== null && field.needs in fields);
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    ...(aligned.length > 0 && {
      dependentRequired: Object.fromEntries(aligned.map(([key, field]) => [key, [field.needs]])),
    }),
    propertyNames: { not: { enum: [...FORBIDDEN_KEYS] } },
    properties: Object.fromEntries(entries.map(([key, field]) => [key, field.schema])),
  };
}

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
