import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 100;
const MOST_MS = 5_000;

/** Waits before the next try: 100 ms, doubling, never more than 5 s. Ends early when `signal` aborts. */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  // An abort is the end of the wait, not a failure.
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Resolves when `work` has settled, at the latest after `ms`; a failure of `work` is thrown. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
