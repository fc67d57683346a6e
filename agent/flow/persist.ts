import { backOff } from './backoff.ts';
import type { Occurrences } from './occurrences.ts';
import { type Clock, StoreUnavailable } from './ports.ts';

export interface PersistOptions {
  readonly partition: string;
  readonly clock: Clock;
  readonly occurrences: Occurrences;
  /** Trouble with the store, or its end (`null`), for `/readyz`. */
  onStoreTrouble(message: string | null): void;
}

export type Persist = ReturnType<typeof createPersist>;

/** Repeats a call until the store answers; null when `signal` aborts before that. Other failures are not for trying again. */
export function createPersist({ partition, clock, occurrences, onStoreTrouble }: PersistOptions) {
  return async function persist<T>(
    operation: 'claim' | 'commit',
    call: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const answer = await call();
        if (signal.aborted) return null;
        if (failures > 0) occurrences.storeRecovered(partition);
        onStoreTrouble(null);
        return answer;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (signal.aborted) return null;
        occurrences.storeUnavailable(partition, operation, error);
        onStoreTrouble(error.message);
        await backOff(clock, failures, signal);
      }
    }
    return null;
  };
}
