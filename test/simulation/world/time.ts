/**
 * Virtual time. Nothing waits for real: the next event is due as soon as all promises that can go on have gone on.
 * A history of minutes takes milliseconds, and the same seed gives the same order.
 */
export interface Time {
  nowMs(): number;
  after(ms: number, run: () => void): void;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs events until `done` or until `limitMs` is reached; true: done. */
  runUntil(done: () => boolean, limitMs: number): Promise<boolean>;
}

interface Event {
  readonly atMs: number;
  readonly number: number;
  readonly run: () => void;
}

export function createTime(): Time {
  let nowMs = 1_700_000_000_000;
  let number = 0;
  const heap: Event[] = [];

  const isBefore = (a: Event, b: Event): boolean =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);

  function after(ms: number, run: () => void): void {
    heap.push({ atMs: nowMs + ms, number: number++, run });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  function take(): Event | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left;
      if (right < heap.length && isBefore(heap[right]!, heap[least]!)) least = right;
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }

  return {
    nowMs: () => nowMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        after(ms, resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
    async runUntil(done, limitMs) {
      for (;;) {
        // One turn of the real event loop: every promise that can settle has settled after it.
        await new Promise((resolve) => setImmediate(resolve));
        if (done()) return true;
        const event = heap[0];
        if (event === undefined || event.atMs > limitMs) return false;
        take();
        nowMs = event.atMs;
        event.run();
      }
    },
  };
}
