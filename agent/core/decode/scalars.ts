/** Rules for single values: texts, numbers, times. */
import { LIMITS } from '../limits.ts';
import { parseTime, TIME_PATTERN } from '../time.ts';
import { type Rule, rule } from './declare.ts';
import { describe, expected, type Fault, fault } from './fault.ts';

/** Characters that no name may have: controls, line and paragraph separators, halves of surrogate pairs. */
const NAME_PATTERN = '^[^\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]*$';
/** The same for free text, which may have tabs and line breaks. */
const TEXT_PATTERN = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\p{Cs}]*$';

const NAME = new RegExp(NAME_PATTERN, 'u');
const TEXT = new RegExp(TEXT_PATTERN, 'u');

/** A name: not empty, one line. */
export function name(charsMax: number = LIMITS.nameChars): Rule<string, true, false> {
  return rule({ type: 'string', minLength: 1, maxLength: charsMax, pattern: NAME_PATTERN }, (value) =>
    checkName(value, charsMax),
  );
}

export function checkName(value: unknown, charsMax: number): Fault | null {
  if (typeof value !== 'string') return expected('a string', value);
  if (value.length === 0) return fault('bad_field', 'empty');
  if (value.length > charsMax && longer(value, charsMax)) return tooLong(value, charsMax);
  // Names are plain ASCII nearly always: only others are worth the price of a Unicode class.
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 32 || code > 126) return NAME.test(value) ? null : unprintable();
  }
  return null;
}

/** One line that may be empty. */
export function line(charsMax: number): Rule<string, true, false> {
  return rule({ type: 'string', maxLength: charsMax, pattern: NAME_PATTERN }, (value) =>
    value === '' ? null : checkName(value, charsMax),
  );
}

/** Free text of people: may be empty, may have lines. */
export function text(charsMax: number = LIMITS.textChars): Rule<string, true, false> {
  return rule({ type: 'string', maxLength: charsMax, pattern: TEXT_PATTERN }, (value) => {
    if (typeof value !== 'string') return expected('a string', value);
    if (value.length > charsMax && longer(value, charsMax)) return tooLong(value, charsMax);
    return TEXT.test(value) ? null : unprintable();
  });
}

/** A string of a fixed alphabet, told by an anchored pattern that JSON Schema shares. */
export function pattern(source: string, what: string, charsMax: number): Rule<string, true, false> {
  const compiled = new RegExp(source, 'u');
  return rule({ type: 'string', maxLength: charsMax, pattern: source }, (value) => {
    if (typeof value !== 'string') return expected('a string', value);
    if (value.length > charsMax) return tooLong(value, charsMax);
    return compiled.test(value) ? null : fault('bad_field', `expected ${what}, got ${describe(value)}`);
  });
}

export function oneOf<const T extends string>(...values: readonly T[]): Rule<T, true, false> {
  const allowed: readonly unknown[] = values;
  return rule({ enum: values }, (value) =>
    allowed.includes(value)
      ? null
      : expected(values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}`, value),
  );
}

export function flag(): Rule<boolean, true, false> {
  return rule({ type: 'boolean' }, (value) =>
    typeof value === 'boolean' ? null : expected('true or false', value),
  );
}

/** String, number, boolean or null: a setting of somebody else's. */
export function scalar(): Rule<string | number | boolean | null, true, false> {
  const words = text();
  const numbers = real();
  return rule(
    { anyOf: [words.schema, numbers.schema, { type: 'boolean' }, { type: 'null' }] },
    (value, sizes) => {
      if (typeof value === 'string') return words.check(value, sizes);
      if (typeof value === 'number') return numbers.check(value, sizes);
      return value === null || typeof value === 'boolean'
        ? null
        : expected('a string, number, boolean or null', value);
    },
  );
}

/** A count of things: a whole number, exact as a double. */
export function count(max: number = LIMITS.count): Rule<number, true, false> {
  return integer(0, max);
}

export function integer(min: number, max: number): Rule<number, true, false> {
  return rule({ type: 'integer', minimum: min, maximum: max }, (value) => checkNumber(value, min, max, true));
}

/** A finite number. `1e999` is one to JSON and infinite to a double: out of range. */
export function real(
  min: number = -LIMITS.magnitude,
  max: number = LIMITS.magnitude,
): Rule<number, true, false> {
  return rule({ type: 'number', minimum: min, maximum: max }, (value) => checkNumber(value, min, max, false));
}

export function checkNumber(value: unknown, min: number, max: number, whole: boolean): Fault | null {
  if (typeof value !== 'number') return expected(whole ? 'a whole number' : 'a number', value);
  if (!(value >= min && value <= max))
    return fault('out_of_range', `${value} is not within ${min} and ${max}`);
  if (whole && Math.floor(value) !== value) return expected('a whole number', value);
  return null;
}

/** A point in time. Decode adds it parsed, as `<name>Ms`. */
export function time(): Rule<string, true, true> {
  const plain = rule<string>({ type: 'string', pattern: TIME_PATTERN }, (value) => {
    if (typeof value !== 'string') return fault('bad_time', `expected a time, got ${describe(value)}`);
    const ms = parseTime(value);
    if (ms >= LIMITS.timeMsMin && ms <= LIMITS.timeMsMax) return null;
    return fault('bad_time', `expected RFC 3339 within the years 2000 and 2100, got ${describe(value)}`);
  });
  return { ...plain, time: true };
}

const tooLong = (value: string, charsMax: number): Fault =>
  fault('too_long', `${value.length} characters, at most ${charsMax}`);

const unprintable = (): Fault => fault('bad_field', 'control characters or broken surrogates');

/** Whether it is longer in characters too: JSON Schema counts code points, `length` counts UTF-16 units. */
function longer(value: string, charsMax: number): boolean {
  if (value.length > 2 * charsMax) return true;
  let chars = 0;
  for (const _ of value) chars++;
  return chars > charsMax;
}
