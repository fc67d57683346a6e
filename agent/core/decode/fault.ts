/** What is wrong with a value and where; made on the way out only, so that good values cost nothing. */
import type { RefusalReason } from './refusal.ts';

export interface Fault {
  readonly reason: RefusalReason;
  /** Relative to the value checked; '' is the value itself. */
  readonly path: string;
  readonly detail: string;
}

const PATH_CHARS_MAX = 200;
const DETAIL_CHARS_MAX = 200;
const ECHO_CHARS_MAX = 40;

/** How emitters spell numbers that JSON has not. */
export const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i;

export const fault = (reason: RefusalReason, detail: string, path = ''): Fault => ({ reason, path, detail });

/** The same fault seen from the object or array around it; `key` is a name or `[index]`. */
export function within(key: string, inner: Fault): Fault {
  const joint = inner.path === '' || inner.path.startsWith('[') ? '' : '.';
  return { ...inner, path: `${clean(key, ECHO_CHARS_MAX)}${joint}${inner.path}`.slice(0, PATH_CHARS_MAX) };
}

/** A value of the wrong type. */
export const expected = (what: string, value: unknown): Fault =>
  fault('bad_field', `expected ${what}, got ${describe(value)}`);

/** Names a value without repeating more of it than a reader needs: input ends up in logs. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') {
    const hint = NOT_FINITE.test(value) ? ' (what is not finite is null)' : '';
    return `"${clean(value, ECHO_CHARS_MAX)}"${hint}`;
  }
  if (typeof value === 'object') return 'an object';
  return String(value);
}

/** Text fit for a log line, a label or a page: no control or format characters, well formed, short. */
export function clean(text: string, charsMax: number = DETAIL_CHARS_MAX): string {
  const cut = text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text;
  return cut.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
