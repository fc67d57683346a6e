import { afterAll } from 'vitest';

/** Whoever asks for a resource owns its end: a test's context, or `fileOwner()` for what a whole file shares. */
export interface Owner {
  onTestFinished(cleanup: () => Promise<void> | void, timeoutMs?: number): void;
}

/** Time a resource may take to end before the test is called failed. */
export const CLEANUP_MS = 30_000;

/** Ends everything after the last test of the file (or `describe`), newest first. Call it outside of tests and hooks. */
export function fileOwner(): Owner {
  const owner = ownerByHand();
  afterAll(owner.finish, CLEANUP_MS);
  return owner;
}

/** For programs around vitest (global setup, benchmarks): nothing ends before `finish`. */
export function ownerByHand(): Owner & { finish(): Promise<void> } {
  const cleanups: (() => Promise<void> | void)[] = [];
  return {
    onTestFinished: (cleanup) => void cleanups.push(cleanup),
    finish: async () => {
      for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
    },
  };
}
