/**
 * The JSON Schema of all kinds, from the declarations that validate. It says less than decode where a schema cannot
 * speak: columns as long as their list, order of two fields, the length of months; each such rule is a `$comment`.
 */
import { SHARED } from './columns.ts';
import { fieldsSchema, type JsonSchema } from './declare.ts';
import { ENVELOPE } from './envelope.ts';
import { KINDS } from './kinds.ts';

export function eventSchema(): JsonSchema {
  const shared = SHARED.map(({ name, schema }) => [name, schema]);
  const kinds = KINDS.map(({ kind, schema }) => [kind, schema]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:normwatch:event:v1',
    title: 'normwatch telemetry event, version 1',
    description:
      'One event is one JSON object. Absent: not measured. null: measured and not finite. Unknown keys pass.',
    $comment:
      'Generated from agent/core/decode by `npm run generate`: do not edit. Columns are as long as the list they line up with (layers, groups).',
    oneOf: KINDS.map(({ kind }) => ({ $ref: `#/$defs/${kind}` })),
    $defs: { envelope: fieldsSchema(ENVELOPE), ...Object.fromEntries(shared), ...Object.fromEntries(kinds) },
  };
}
