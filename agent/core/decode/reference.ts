/** `docs/reference/events.md`, written from the declarations. */
import { LIMITS } from '../limits.ts';
import { SHARED } from './columns.ts';
import type { JsonSchema } from './declare.ts';
import { ENVELOPE } from './envelope.ts';
import { KINDS } from './kinds.ts';
import { REFUSALS } from './refusal.ts';

export function eventReference(): string {
  return [
    '<!-- generated from agent/core/decode by npm run generate -->',
    '# Telemetry events, version 1',
    '',
    'One event is one JSON object: a line of a recording, or a Kafka message whose key is `environment/model`. The same as',
    'a JSON Schema: `schema/event.v1.schema.json`.',
    '',
    'Absent means not measured, `null` means measured and not finite; 0 stands for neither. Unknown keys pass, unknown kinds',
    'are counted and refused. Of a key that comes twice the last one counts. Names have no control characters.',
    '',
    `One message has at most ${LIMITS.messageBytes} bytes. A column has one value per layer (or group), in the order of the`,
    `list it belongs to, of at most ${LIMITS.layers}; at any other length it is refused. A count is a whole number from 0 to`,
    '2^53, a number is a double within ±1e308, a string has at most the characters in parentheses.',
    '',
    'CloudEvents 1.0 may be around an event, in binary mode (headers `ce_*`) or structured mode',
    '(`application/cloudevents+json`): `type` is `dev.normwatch.<kind>.v1`, `id` is source/boot/seq, `source` and `time` are',
    "the event's. The event is complete without them; what contradicts it is refused.",
    '',
    '## Every event',
    '',
    ...table({ properties: propertiesOf(ENVELOPE), required: requiredOf(ENVELOPE) }),
    ...KINDS.flatMap(({ kind, doc, schema, examples }) => [
      `## \`${kind}\``,
      '',
      ...prose(doc, schema),
      ...table(schema),
      '```json',
      JSON.stringify(examples[0]),
      '```',
      '',
    ]),
    ...SHARED.flatMap(({ name, schema }) => [`## ${name}`, '', ...prose('', schema), ...table(schema)]),
    '## Refusals',
    '',
    '| reason | what it is |',
    '|---|---|',
    ...Object.entries(REFUSALS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`),
    '',
  ].join('\n');
}

type Properties = Readonly<Record<string, JsonSchema>>;

const propertiesOf = (fields: typeof ENVELOPE): Properties =>
  Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.schema]));

const requiredOf = (fields: typeof ENVELOPE): readonly string[] =>
  Object.entries(fields).flatMap(([key, { required }]) => (required ? [key] : []));

const prose = (doc: string, { $comment: rule }: JsonSchema): readonly string[] => {
  const words = [doc, rule].filter((part) => part !== undefined && part !== '').join(' ');
  return words === '' ? [] : [words, ''];
};

function table(schema: JsonSchema): readonly string[] {
  return ['| field | | type | meaning |', '|---|---|---|---|', ...rows(schema, ''), ''];
}

/** One row per field; the fields of an object in it follow, with its name before theirs. */
function rows({ properties = {}, required = [] }: JsonSchema, prefix: string): readonly string[] {
  return Object.entries(properties as Properties).flatMap(([key, schema]) => {
    if (prefix === '' && (key === 'v' || key === 'kind')) return [];
    const needed = (required as readonly string[]).includes(key) ? 'required' : '';
    const inner = (schema.items ?? schema) as JsonSchema;
    const below = inner.properties === undefined ? [] : rows(inner, `${prefix}${key}.`);
    return [
      `| \`${prefix}${key}\` | ${needed} | ${typeOf(schema)} | ${schema.description ?? ''} |`,
      ...below,
    ];
  });
}

/** A type in words, with the bounds that matter to somebody who writes one. */
function typeOf(schema: JsonSchema): string {
  const { type, minimum, maximum, maxLength, maxItems } = schema;
  if (schema.$ref !== undefined) return String(schema.$ref).replace('#/$defs/', '');
  if (schema.enum !== undefined) return (schema.enum as string[]).map((word) => `\`${word}\``).join(', ');
  if (schema.anyOf !== undefined) return (schema.anyOf as JsonSchema[]).map(typeOf).join(' or ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' or ');
  switch (type) {
    case 'array':
      if (maxItems === LIMITS.layers) return `column of ${typeOf(schema.items as JsonSchema)}`;
      return `at most ${maxItems} of ${typeOf(schema.items as JsonSchema)}`;
    case 'string':
      return maxLength === undefined ? 'time' : `string (${maxLength})`;
    case 'object':
      return schema.additionalProperties === undefined
        ? 'object'
        : `object of ${typeOf(schema.additionalProperties as JsonSchema)}`;
    case 'integer':
      return minimum === 0 && Number(maximum) >= Number.MAX_SAFE_INTEGER
        ? 'count'
        : `integer from ${minimum} to ${maximum}`;
    case 'number':
      return Number(minimum) >= 0 ? `number from ${minimum}` : 'number';
    default:
      return String(type);
  }
}
