/** Numbers, times and names in words, the same on the server and in the browser. Times are UTC, like the logs. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `02:11:10 UTC`, with the date when it is not the day of `nowMs`. */
export function clockTime(ms: number, nowMs: number): string {
  const iso = isoTime(ms);
  const sameDay = Math.floor(ms / DAY_MS) === Math.floor(nowMs / DAY_MS);
  return `${sameDay ? '' : `${iso.slice(0, 10)} `}${iso.slice(11, 19)} UTC`;
}

const LAST_TIME_MS = 8.64e15;

/** Out-of-range times are pressed into what a date can hold rather than thrown at the reader. */
export const isoTime = (ms: number): string =>
  new Date(Math.min(Math.max(ms, -LAST_TIME_MS), LAST_TIME_MS)).toISOString();

/** `40 s`, `3 min`, `2 h 5 min`, `4 days`. */
export function duration(ms: number): string {
  const size = Math.max(0, ms);
  if (size < 90_000) return `${Math.round(size / 1000)} s`;
  if (size < 90 * MINUTE_MS) return `${Math.round(size / MINUTE_MS)} min`;
  if (size < 2 * DAY_MS) {
    const minutes = Math.round(size / MINUTE_MS);
    const rest = minutes % 60;
    return `${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
  }
  return `${Math.round(size / DAY_MS)} days`;
}

/** Three significant digits if not told otherwise; very large and very small ones with a power of ten. */
export function number(value: number | null, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const [factor, power] = value.toExponential(digits - 1).split('e');
    return `${minus(String(Number(factor)))}\u00a0×\u00a010${superscript(power ?? '')}`;
  }
  return minus(
    size >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(digits))),
  );
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '⁻',
  '+': '',
  ...Object.fromEntries([...'⁰¹²³⁴⁵⁶⁷⁸⁹'].map((sign, digit) => [String(digit), sign])),
};

const minus = (text: string): string => text.replace('-', '−');
const superscript = (text: string): string => [...text].map((sign) => SUPERSCRIPTS[sign] ?? sign).join('');

export const sigmas = (value: number | null): string => (value === null ? '–' : `${number(value)} σ`);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;

/** `epsilon_mismatch` → `epsilon mismatch`. */
export const words = (name: string): string => name.replaceAll('_', ' ');

/** A name within an address. Lone surrogates cannot be percent-encoded and would throw. */
export const encodeName = (name: string): string => encodeURIComponent(name.toWellFormed());

/** `v2 · canary`, or `v2 · run r17`. */
export const place = (of: { version: string; role: string | null; run: string | null }): string =>
  `${of.version} · ${of.run === null ? (of.role ?? 'stable') : `run ${of.run}`}`;

/** Names without the dotted parts that all of them begin or end with; whole when nothing would be left. */
export function shortNames(names: readonly string[]): string[] {
  const parts = names.map((name) => name.split('.'));
  const shortest = Math.min(...parts.map((list) => list.length));
  const same = (pick: (list: readonly string[]) => string | undefined) =>
    parts.every((list) => pick(list) === pick(parts[0] ?? []));
  let head = 0;
  while (names.length > 1 && head < shortest - 1 && same((list) => list[head])) head += 1;
  let tail = 0;
  while (names.length > 1 && head + tail < shortest - 1 && same((list) => list.at(-1 - tail))) tail += 1;
  return parts.map((list) => list.slice(head, list.length - tail).join('.'));
}

/** Names without the first dotted parts that most of them share; as they were when two would then be called the same. */
export function withoutUsualHead(names: readonly string[]): string[] {
  let short = [...names];
  for (let cut = cutHead(short); cut !== null; cut = cutHead(short)) short = cut;
  return new Set(short).size === new Set(names).size ? short : [...names];
}

function cutHead(names: readonly string[]): string[] | null {
  const heads = new Map<string, number>();
  for (const name of names) {
    const head = name.slice(0, name.indexOf('.') + 1);
    if (head !== '') heads.set(head, (heads.get(head) ?? 0) + 1);
  }
  const usual = [...heads].find(([, count]) => count * 2 > names.length)?.[0];
  return usual === undefined
    ? null
    : names.map((name) => (name.startsWith(usual) ? name.slice(usual.length) : name));
}
