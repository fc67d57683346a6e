/**
 * The JSON Schema, read by an independent validator, against decode. What decode takes, the schema takes; what decode
 * refuses, the schema refuses too, except for the rules that no schema can tell, which are listed here.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decode, type Refusal } from '../../agent/core/decode/index.ts';
import { eventSchema } from '../../agent/core/decode/schema.ts';
import { bytes } from '../unit/decode/events.ts';
import { anyExample, anyMutant } from './decode-events.ts';

const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  eventSchema(),
);

/** Details of refusals that compare fields with each other, or know the calendar. */
const BEYOND_SCHEMA = [
  /^\d+ values for \d+ (layers|groups)$/,
  /^the least value .* is above the greatest/,
  /^buckets beyond the doubles/,
  /^layer and site named twice$/,
  /^\d+ variances for \d+ means$/,
  /^\d+ of \d+ requests$/,
  /^until is not later than since$/,
  /^(pin|relearn) needs/,
  /^pin takes/,
  /^more than 24 hours after time$/,
  /^expected RFC 3339 within the years 2000 and 2100, got "\d{4}-\d\d-\d\dT/,
];

const VALUES = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -1, 1, 0.5, 20, 21, 128, 1e308, 1.5e308, 2 ** 53, 2 ** 53 - 1, 2 ** 54],
    ...[
      '',
      'a',
      'x'.repeat(128),
      'x'.repeat(129),
      'x'.repeat(257),
      '\u{1f9ea}'.repeat(128),
      '\n',
      '\ud83e',
      '\u007f',
    ],
    ...[
      'input',
      'output',
      'canary',
      'pre',
      'rmsnorm',
      'started',
      'none',
      'max',
      'pin',
      'relearn',
      'backward',
    ],
    ...[
      '2026-03-02T00:00:10.000Z',
      '2026-02-30T00:00:00Z',
      '2101-01-01T00:00:00Z',
      '2026-03-02',
      '0'.repeat(64),
    ],
    ...[
      [],
      {},
      [null],
      [0],
      [0, 0],
      [-1, 0.5],
      ['a'],
      ['a', 'b'],
      ['a', 'a'],
      ['a', ''],
      [[0], [1, null]],
      [{}],
    ],
    ...[
      { constructor: 1 },
      { a: 'b' },
      { a: 1 },
      { 'a\nb': 'c' },
      { key: 'k', hmac_sha256: 's' },
      { mean: [1, 2] },
    ],
    ...[
      { scale: 1, zero_count: 0 },
      { offset: 0, counts: [1] },
      { offset: -9e9, counts: [1] },
    ],
    ...[{ scale: 0, zero_count: 1, positive: { offset: 5000, counts: [1] } }],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.string({ maxLength: 8 }),
);

function expectAgreement(value: unknown): { taken: boolean } {
  const decoded = decode(bytes(value));
  // The validator reads what JSON made of it, as decode does.
  const valid = validate(JSON.parse(JSON.stringify(value)));
  if (decoded.ok) expect({ errors: validate.errors, value }).toEqual({ errors: null, value });
  else if (valid && !isBeyondSchema(decoded.refusal)) {
    expect({ refusal: decoded.refusal, schema: 'takes it', value }).toBeNull();
  }
  return { taken: decoded.ok };
}

const isBeyondSchema = ({ detail }: Refusal): boolean => BEYOND_SCHEMA.some((rule) => rule.test(detail));

it('decode and the schema are of one mind on events with a value replaced', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(anyMutant(VALUES), (value) => {
      if (expectAgreement(value).taken) taken++;
      else refused++;
    }),
    { numRuns: 5000 },
  );
  // The generator is worth its name only if both outcomes are common.
  expect(Math.min(taken, refused)).toBeGreaterThan(250);
});

it('decode and the schema are of one mind on bodies under the name of another kind', () => {
  fc.assert(
    fc.property(anyExample(), anyExample(), (value, { kind }) => {
      expectAgreement({ ...value, kind });
    }),
    { numRuns: 1000 },
  );
});
