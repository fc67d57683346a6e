/** The machine's clock. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../flow/ports.ts';

export const systemClock: Clock = {
  nowMs: Date.now,
  async sleep(ms, signal) {
    // A timer of 0 ms waits a millisecond or more; folding asks for one turn of the event loop and no more.
    if (ms <= 0) return void (await setImmediate());
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
    });
  },
};
