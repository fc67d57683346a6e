/**
 * Valid events, damaged the way bytes get damaged: bits flipped, pieces cut, doubled and swapped, JSON's own tokens put
 * where they do not belong. Nothing may throw, a refusal must be sound, what is taken must please the schema.
 * NORMWATCH_FUZZ_SEED repeats a run, NORMWATCH_FUZZ_RUNS makes it longer.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { decode, KINDS, REFUSAL_REASONS } from '../../agent/core/decode/index.ts';
import { eventSchema } from '../../agent/core/decode/schema.ts';
import { bytes } from '../unit/decode/events.ts';

const SEED = Number(process.env.NORMWATCH_FUZZ_SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.NORMWATCH_FUZZ_RUNS ?? 20_000);
const DAMAGE_MAX = 3;

const TOKENS = [
  ...[
    'null',
    'NaN',
    '-Infinity',
    '1e999',
    '-1e999',
    '1e-999',
    '-0',
    '01',
    '9007199254740993',
    '0.1',
    'true',
    '""',
  ],
  ...[
    '"\\u0000"',
    '"\\ud800"',
    '"\\u2028"',
    '\ufeff',
    '\u0000',
    '{}',
    '[]',
    '[[',
    '}',
    ']',
    ',',
    ':',
    '"',
    '\\',
    ' ',
  ],
  ...[
    '"__proto__":1,',
    '"constructor":{},',
    '"v":2,',
    '"kind":"run",',
    '"x":',
    '"layers":["a","a"],',
    '"until":"x",',
  ],
].map(bytes);

const SAMPLES = KINDS.flatMap(({ examples }) => examples.map(bytes));
const HEADERS = ['content-type', 'ce_type', 'ce_id', 'ce_source', 'ce_time', 'ce_specversion'];

type Random = (below: number) => number;

/** Mulberry32: small, seeded, good enough to damage with. */
function random(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const pick = <T>(values: readonly T[], below: Random): T => values[below(values.length)]!;

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Where something begins or ends in JSON: damage there is read further than damage within a word. */
function seam(value: Uint8Array, below: Random): number {
  const start = below(value.length + 1);
  const found = value.findIndex((byte, at) => at >= start && ',:[]{}"'.includes(String.fromCharCode(byte)));
  return found < 0 ? start : found + below(2);
}

function damage(value: Uint8Array, below: Random): Uint8Array {
  const [from, to] = [seam(value, below), seam(value, below)].sort((a, b) => a - b) as [number, number];
  switch (below(7)) {
    case 0: {
      const flipped = value.slice();
      if (flipped.length > 0) flipped[below(flipped.length)]! ^= 1 << below(8);
      return flipped;
    }
    case 1:
      return value.slice(0, from);
    case 2:
      return join(value.slice(0, from), value.slice(to));
    case 3:
      return join(value.slice(0, to), value.slice(from));
    case 4:
      return join(value.slice(0, from), pick(TOKENS, below), value.slice(from));
    case 5:
      return join(value.slice(0, from), pick(TOKENS, below), value.slice(to));
    default:
      return join(value.slice(0, from), pick(SAMPLES, below).slice(from));
  }
}

function damagedHeaders(below: Random): Map<string, Uint8Array> {
  const values = [
    'application/cloudevents+json',
    'dev.normwatch.run.v1',
    '1.0',
    'pod-0/0/7',
    'pod-0',
    '',
  ].map(bytes);
  const given = new Map<string, Uint8Array>();
  for (let n = below(4); n > 0; n--) given.set(pick(HEADERS, below), damage(pick(values, below), below));
  return given;
}

it(`damaged events are decoded or refused soundly (seed ${SEED})`, () => {
  const below = random(SEED);
  const valid = new Ajv2020({ strict: false }).compile(eventSchema());
  const outcomes = new Set<string>();
  for (let run = 0; run < RUNS; run++) {
    let value = pick(SAMPLES, below);
    for (let n = 1 + below(DAMAGE_MAX); n > 0; n--) value = damage(value, below);
    const given = below(4) === 0 ? damagedHeaders(below) : new Map<string, Uint8Array>();
    const text = new TextDecoder().decode(value);
    let decoded: ReturnType<typeof decode>;
    try {
      decoded = decode(value, given);
    } catch (error) {
      throw new Error(`seed ${SEED}, run ${run}: decode threw on ${JSON.stringify(text)}`, { cause: error });
    }
    if (decoded.ok) {
      outcomes.add('taken');
      if (!valid(JSON.parse(text))) expect({ text, errors: valid.errors, seed: SEED }).toBeNull();
      continue;
    }
    const { reason, detail, field } = decoded.refusal;
    outcomes.add(reason);
    if (detail.length > 200 || /[\p{Cc}\p{Cs}]/u.test(`${detail}${field}`))
      expect({ text, detail, field }).toBeNull();
  }
  // A fuzzer that only ever hits the parser proves nothing about what comes after it.
  const reached = REFUSAL_REASONS.filter((reason) => outcomes.has(reason));
  expect(reached.length, `reached only ${reached.join(', ')}`).toBeGreaterThanOrEqual(10);
  expect(outcomes).toContain('taken');
});
