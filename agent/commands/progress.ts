import type { Session } from './command.ts';

const EVERY_MS = 200;

export interface Progress {
  /** Cheap enough for every batch; writes at most five times a second. */
  tell(text: () => string): void;
  /** Takes the line away, so that what follows begins on a clean one. */
  clear(): void;
}

/** One line on stderr that is written over, on a terminal only. */
export function createProgress(session: Session): Progress {
  let toldMs = 0;
  let shown = false;
  return {
    tell(text) {
      if (!session.errIsTerminal) return;
      const nowMs = session.nowMs();
      if (nowMs - toldMs < EVERY_MS) return;
      toldMs = nowMs;
      shown = true;
      session.err(`\r\u001b[K${text()}`);
    },
    clear() {
      if (shown) session.err('\r\u001b[K');
      shown = false;
    },
  };
}
