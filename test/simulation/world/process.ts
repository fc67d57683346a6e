import type { Clock } from '../../../agent/flow/ports.ts';
import type { Time } from './time.ts';

/**
 * A process that can be killed or frozen at any await: the agent and its clients reach the world only through promises
 * of this file, so one that never settles is death, and one that settles late is a zombie.
 */
export interface Process {
  readonly name: string;
  readonly clock: Clock;
  isAlive(): boolean;
  isFrozen(): boolean;
  kill(): void;
  freeze(): void;
  thaw(): void;
  /** What the process sees of something that happens outside. */
  through<T>(outside: Promise<T>): Promise<T>;
}

export function createProcess(name: string, time: Time): Process {
  let alive = true;
  let thawed: PromiseWithResolvers<void> | null = null;
  /** Time that work takes, so that folding reaches the end of its slices. */
  let workMs = 0;

  async function gate(): Promise<void> {
    while (thawed !== null) await thawed.promise;
    if (!alive) await new Promise(() => undefined);
  }

  async function through<T>(outside: Promise<T>): Promise<T> {
    try {
      return await outside;
    } finally {
      await gate();
    }
  }

  return {
    name,
    clock: {
      nowMs: () => {
        workMs += 0.01;
        return time.nowMs() + workMs;
      },
      sleep: (ms, signal) => through(time.sleep(ms, signal)),
    },
    isAlive: () => alive,
    isFrozen: () => thawed !== null,
    kill() {
      alive = false;
    },
    freeze() {
      thawed ??= Promise.withResolvers();
    },
    thaw() {
      thawed?.resolve();
      thawed = null;
    },
    through,
  };
}
