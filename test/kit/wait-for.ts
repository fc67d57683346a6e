import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, to complete "gave up waiting for …". */
  readonly what: string;
  readonly deadlineMs?: number;
  readonly everyMs?: number;
}

/**
 * Polls until the condition gives something other than false, null or undefined, and returns that. A condition that
 * throws has not come true yet; its last error is told when the deadline passes.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 15_000, everyMs = 25 }: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + deadlineMs;
  let lastError: unknown = null;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined)
        return value as NonNullable<Exclude<T, false>>;
      lastError = null;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() >= deadline) {
      const reason =
        lastError === null ? '' : `: ${lastError instanceof Error ? lastError.message : String(lastError)}`;
      throw new Error(`gave up waiting for ${what} after ${deadlineMs} ms${reason}`, { cause: lastError });
    }
    await sleep(everyMs);
  }
}
