/** An event kind, from its declaration. */
import { parseTime } from '../time.ts';
import {
  checkFields,
  type Fields,
  type FieldsOf,
  fieldsSchema,
  type JsonSchema,
  plan,
  type Sizes,
} from './declare.ts';
import { ENVELOPE } from './envelope.ts';
import { type Fault, within } from './fault.ts';
import { createRecall } from './recall.ts';
import { integer, oneOf } from './scalars.ts';

type Flat<T> = { [K in keyof T]: T[K] };

type EventFields<F extends Fields> = Flat<FieldsOf<Omit<typeof ENVELOPE, keyof F> & F>>;

/** The event of a kind as the fold sees it: what the wire had, parsed times, defaults. */
export type EventOf<K> =
  K extends Kind<infer Name, infer F> ? { readonly v: 1; readonly kind: Name } & EventFields<F> : never;

interface Declaration<Name extends string, F extends Fields> {
  readonly kind: Name;
  readonly version: 1;
  /** One sentence: what it tells and when it is sent. */
  readonly doc: string;
  /** Its own fields; one of every event may be declared again, narrower. */
  readonly fields: F;
  /** What no single field can tell. Checked last, with times parsed and defaults filled in. */
  readonly rule?: { readonly says: string; readonly check: (event: EventFields<F>) => Fault | null };
  /** Whole valid events, the fullest first. */
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

export interface Kind<Name extends string = string, F extends Fields = Fields>
  extends Omit<Declaration<Name, F>, 'rule'> {
  readonly schema: JsonSchema;
  /** Checks a parsed object and completes it in place. Null: it is an event of this kind now. */
  readonly take: (object: Record<string, unknown>) => Fault | null;
}

export function defineKind<const Name extends string, F extends Fields>(
  declaration: Declaration<Name, F>,
): Kind<Name, F> {
  const { kind, version, doc, fields, rule, examples } = declaration;
  const head = { v: integer(version, version), kind: oneOf(kind) };
  return {
    kind,
    version,
    doc,
    fields,
    examples,
    schema: {
      title: kind,
      description: doc,
      ...(rule && { $comment: rule.says }),
      allOf: [{ $ref: '#/$defs/envelope' }],
      ...fieldsSchema({ ...head, ...fields }),
    },
    take: taker(
      { ...head, ...ENVELOPE, ...fields },
      rule?.check as ((event: object) => Fault | null) | undefined,
    ),
  };
}

type JsonObject = Record<string, unknown>;

function taker(fields: Fields, ruleCheck: ((event: object) => Fault | null) | undefined): Kind['take'] {
  const known = plan(fields);
  const measure = measurer(fields);
  const complete = completer(fields);
  return (object) => {
    const sizes: Sizes = { layers: -1, groups: -1 };
    const bad = measure(object, sizes) ?? checkFields(object, known, sizes);
    if (bad !== null) return bad;
    complete(object);
    return ruleCheck === undefined ? null : ruleCheck(object);
  };
}

/** Checks the lists that columns line up with and notes how long they are: columns may come before them. */
function measurer(fields: Fields): (object: JsonObject, sizes: Sizes) => Fault | null {
  const axes = Object.entries(fields).flatMap(([key, field]) =>
    field.defines === null ? [] : [{ key, field, axis: field.defines, recall: createRecall() }],
  );
  return (object, sizes) => {
    for (let i = 0; i < axes.length; i++) {
      const { key, field, axis, recall } = axes[i]!;
      const value = object[key];
      if (value === undefined) continue;
      const recalled = recall.find(value);
      if (recalled === null) {
        const bad = field.check(value, sizes);
        if (bad !== null) return within(key, bad);
        recall.keep(value as string[]);
      } else {
        object[key] = recalled;
      }
      sizes[axis] = (value as unknown[]).length;
    }
    return null;
  };
}

/** Adds parsed times and defaults. */
function completer(fields: Fields): (object: JsonObject) => void {
  const entries = Object.entries(fields);
  const times = entries.flatMap(([key, { time }]) => (time ? [{ key, msKey: `${key}Ms` }] : []));
  const defaults = entries.flatMap(([key, { fallback }]) =>
    fallback === undefined ? [] : [{ key, fallback }],
  );
  return (object) => {
    for (let i = 0; i < times.length; i++) {
      const { key, msKey } = times[i]!;
      const value = object[key];
      // Set even where there is no time: the wire may have an unknown key of that name.
      object[msKey] = value === undefined ? null : parseTime(value as string);
    }
    for (let i = 0; i < defaults.length; i++) {
      const { key, fallback } = defaults[i]!;
      if (object[key] === undefined) object[key] = fallback;
    }
  };
}
