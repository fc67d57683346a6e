/** Rules for maps and lists of anything. What lines up with layers is in `columns.ts`. */
import { FORBIDDEN_KEYS, isObject, type Rule, rule } from './declare.ts';
import { expected, fault, within } from './fault.ts';
import { name } from './scalars.ts';

/** An object of names to values, for people and filters. */
export function map<T>(
  inner: Rule<T, true, false>,
  entriesMax: number,
): Rule<Readonly<Record<string, T>>, true, false> {
  const key = name();
  return rule(
    {
      type: 'object',
      maxProperties: entriesMax,
      propertyNames: { ...key.schema, not: { enum: [...FORBIDDEN_KEYS] } },
      additionalProperties: inner.schema,
    },
    (value, sizes) => {
      if (!isObject(value)) return expected('an object', value);
      let entries = 0;
      for (const entry in value) {
        if (++entries > entriesMax) return fault('too_long', `more than ${entriesMax} entries`);
        if (FORBIDDEN_KEYS.has(entry)) return fault('forbidden_key', 'no such key is taken', entry);
        const bad = key.check(entry, sizes) ?? inner.check((value as Record<string, unknown>)[entry], sizes);
        if (bad !== null) return within(entry, bad);
      }
      return null;
    },
  );
}

export function list<T>(inner: Rule<T, true, false>, itemsMax: number): Rule<readonly T[], true, false> {
  return rule({ type: 'array', items: inner.schema, maxItems: itemsMax }, (value, sizes) => {
    if (!Array.isArray(value)) return expected('an array', value);
    if (value.length > itemsMax) return fault('too_long', `${value.length} items, at most ${itemsMax}`);
    for (let i = 0; i < value.length; i++) {
      const bad = inner.check(value[i], sizes);
      if (bad !== null) return within(`[${i}]`, bad);
    }
    return null;
  });
}
