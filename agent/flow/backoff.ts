import type { Clock } from './ports.ts';

const FIRST_MS = 100;
const MOST_MS = 5_000;

/** Waits before try `failures + 1`: 100 ms, doubling, never more than 5 s. Ends early when `signal` aborts. */
export function backOff(clock: Clock, failures: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures, 10)), signal);
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Waits for `work`, but no longer than `ms`. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, clock.sleep(ms, timer.signal)]);
  timer.abort();
}
