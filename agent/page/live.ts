/**
 * Server-sent events: every reader gets the whole overview after a change, at most once a second, and at least every ten
 * seconds as a sign of life. A reader too slow for that misses overviews, not memory: the next one holds everything.
 */
import { PassThrough, type Readable } from 'node:stream';

export interface LiveOptions {
  readonly readersMax: number;
  /** Least time between two overviews. */
  readonly pauseMs: number;
  /** Most time between two overviews. */
  readonly heartbeatMs: number;
  readonly overview: () => string;
  readonly onChange: (listener: () => void) => () => void;
}

export interface Live {
  /** A stream of events that begins with the present overview; null when there are too many readers. */
  join(): Readable | null;
  close(): void;
}

export function createLive(options: LiveOptions): Live {
  const readers = new Set<PassThrough>();
  let timer: NodeJS.Timeout | null = null;
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let changed = false;
  let closed = false;

  const send = () => {
    sentAtMs = performance.now();
    changed = false;
    const event = eventText(options.overview());
    for (const reader of readers) if (!reader.writableNeedDrain) reader.write(event);
  };
  const plan = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (readers.size === 0 || closed) return;
    const wait = (changed ? options.pauseMs : options.heartbeatMs) - (performance.now() - sentAtMs);
    timer = setTimeout(
      () => {
        send();
        plan();
      },
      Math.max(0, wait),
    );
  };
  const forgetListener = options.onChange(() => {
    if (changed) return;
    changed = true;
    plan();
  });

  return {
    join() {
      if (closed || readers.size >= options.readersMax) return null;
      const reader = new PassThrough();
      readers.add(reader);
      reader.on('close', () => {
        readers.delete(reader);
        plan();
      });
      reader.write(`retry: 3000\n\n${eventText(options.overview())}`);
      if (readers.size === 1) sentAtMs = performance.now();
      plan();
      return reader;
    },
    close() {
      closed = true;
      forgetListener();
      plan();
      // Whoever does not read would hold the shutdown up: an end that cannot be written never comes.
      for (const reader of readers) {
        if (reader.writableNeedDrain) reader.destroy();
        else reader.end();
      }
    },
  };
}

/** JSON has no line breaks, so one `data:` line holds it. */
const eventText = (overview: string): string => `event: overview\ndata: ${overview}\n\n`;
