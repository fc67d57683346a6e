/** Generators: examples of every kind, and examples with a value somewhere replaced, removed or added. */
import fc from 'fast-check';
import { KINDS } from '../../agent/core/decode/index.ts';
import type { Json } from '../unit/decode/events.ts';

const EXAMPLES: readonly Json[] = KINDS.flatMap(({ examples }) => examples as readonly Json[]);

export const anyExample = (): fc.Arbitrary<Json> =>
  fc.nat(EXAMPLES.length - 1).map((index) => structuredClone(EXAMPLES[index]!));

/** An example in which one or two places hold a value of `values`, or nothing. */
export const anyMutant = (values: fc.Arbitrary<unknown>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      anyExample(),
      fc.array(fc.tuple(fc.nat(), fc.option(values, { nil: undefined })), { minLength: 1, maxLength: 2 }),
    )
    .map(([event, changes]) => {
      for (const [pick, value] of changes) {
        const places = placesIn(event);
        const [holder, key] = places[pick % places.length]!;
        if (value !== undefined) holder[key] = structuredClone(value);
        else if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
      }
      return event;
    });

/** The objects of an event whose keys are fields: not the maps, whose keys are data. */
export function objectsIn(event: object): Json[] {
  const found: Json[] = [];
  const walk = (value: unknown, key: string) => {
    if (typeof value !== 'object' || value === null || ['labels', 'sent', 'dropped', 'config'].includes(key))
      return;
    if (!Array.isArray(value)) found.push(value as Json);
    for (const [inner, held] of Object.entries(value)) if (!inner.startsWith('new ')) walk(held, inner);
  };
  walk(event, '');
  return found;
}

function placesIn(event: Json): [Record<string, unknown>, string][] {
  const found: [Record<string, unknown>, string][] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, held] of Object.entries(value)) {
      found.push([value as Record<string, unknown>, key]);
      walk(held);
    }
  };
  walk(event);
  return found.length > 0 ? found : [[event, 'kind']];
}
