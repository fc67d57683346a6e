/** A rate as people say it, `1/30d` or `2/7d`; in the code the time between two. */
import { type Key, plain, showDuration } from './key.ts';

const RATE = '^([1-9][0-9]{0,3}) ?/ ?([0-9]+(?:\\.[0-9]+)?) ?(s|m|h|d)$';
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Most that a rate is said to be in so many whole days. */
const COUNT_MAX = 100;

/** More often is no budget, and more seldom nothing that ten years could show. */
const MOST_OFTEN_MS = UNIT_MS.h!;
const MOST_SELDOM_MS = 3650 * UNIT_MS.d!;

function parseRate(input: unknown): number | undefined {
  const [, count, length, unit] = (typeof input === 'string' && new RegExp(RATE).exec(input.trim())) || [];
  const everyMs = Math.round((Number(length) * UNIT_MS[unit ?? '']!) / Number(count));
  return everyMs >= MOST_OFTEN_MS && everyMs <= MOST_SELDOM_MS ? everyMs : undefined;
}

/** 302400000 → `2/7d`: the fewest in whole days; below a day, or where there are none, one in so much time. */
export function showRate(everyMs: number): string {
  const dayMs = UNIT_MS.d!;
  for (let count = 1; count <= COUNT_MAX && everyMs >= dayMs; count++) {
    const days = Math.round((everyMs * count) / dayMs);
    if (Math.round((days * dayMs) / count) === everyMs) return `${count}/${days}d`;
  }
  return `1/${showDuration(everyMs)}`;
}

export const rate = (value: string, help: string): Key<'rate', number> => ({
  ...plain,
  type: 'rate',
  default: parseRate(value) ?? 0,
  help,
  range: { min: MOST_OFTEN_MS, max: MOST_SELDOM_MS },
  pattern: RATE,
  expected: `a rate N/DURATION (s, m, h, d) from ${showRate(MOST_SELDOM_MS)} to ${showRate(MOST_OFTEN_MS)}, like ${value} or 2/7d`,
  parse: parseRate,
});
