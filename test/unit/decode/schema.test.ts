/** The schema: valid itself, committed as generated, and of one mind with decode on examples. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { KINDS } from '../../../agent/core/decode/index.ts';
import { eventSchema } from '../../../agent/core/decode/schema.ts';
import { exampleOf } from './events.ts';

const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  eventSchema(),
);

describe('event schema', () => {
  it('is what schema/event.v1.schema.json holds (npm run generate)', () => {
    const committed = readFileSync(new URL('../../../schema/event.v1.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(committed)).toEqual(eventSchema());
  });

  it('has a definition of each kind, with a description', () => {
    const { $defs } = eventSchema() as { $defs: Record<string, { description?: string }> };
    for (const { kind, doc } of KINDS) expect($defs[kind]?.description).toBe(doc);
  });

  it.each(KINDS.flatMap(({ kind, examples }) => examples.map((_, index) => ({ kind, index }))))(
    'takes example $index of $kind',
    ({ kind, index }) => {
      validate(exampleOf(kind, index));
      expect(validate.errors).toBeNull();
    },
  );

  it('refuses columns without the list they line up with', () => {
    expect(validate({ ...exampleOf('activations'), layers: undefined })).toBe(false);
  });
});
