/**
 * kafkajs 2.2.4 looks after its queue of waiting requests by a timer that it sets again for ever, also with an empty
 * queue and with a negative delay, which is 1 ms: a thousand wake-ups a second and connection, and a warning of Node
 * on stderr. Here the timer is set only while something waits; the client looks after each answer anyway.
 * Another timer, which looks for late answers, is left running where a connection was made twice; here it does not keep
 * the process from ending.
 */
import { createRequire } from 'node:module';

interface RequestQueue {
  pending: readonly unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
  requestTimeoutIntervalId: NodeJS.Timeout | null;
  scheduleRequestTimeoutCheck(): void;
}

const CHECK_MS = 10;

export function calmRequestQueue(): void {
  const load = createRequire(import.meta.url);
  const { prototype } = load('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const { scheduleRequestTimeoutCheck } = prototype;
  if (
    typeof prototype.scheduleCheckPendingRequests !== 'function' ||
    scheduleRequestTimeoutCheck === undefined
  )
    throw new Error('kafkajs is not the version this was written for');
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : CHECK_MS,
    );
  };
  prototype.scheduleRequestTimeoutCheck = function (this: RequestQueue): void {
    scheduleRequestTimeoutCheck.call(this);
    this.requestTimeoutIntervalId?.unref();
  };
}
