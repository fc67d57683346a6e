/**
 * What both producers share: one request at a time and in order, bounded in size; a deadline; and a client that is
 * thrown away after a failure, since an idempotent producer that lost count of its sequence never finds back to it.
 */
import { type OutgoingMessage, type Producer, SinkUnavailable } from '../../flow/ports.ts';

/** Below the broker's default of 1 MiB a batch, also when all messages go to one partition and nothing is compressed. */
const REQUEST_BYTES = 512 * 1024;
const MESSAGE_OVERHEAD_BYTES = 64;
const DEADLINE_MS = 10_000;

/** A connected client. */
export interface Sink {
  send(messages: readonly OutgoingMessage[]): Promise<void>;
  close(): Promise<void>;
}

export interface SerialProducerOptions {
  readonly open: () => Promise<Sink>;
  /** In the words of `errors.ts`. */
  readonly explain: (error: unknown) => Error;
  readonly deadlineMs?: number | undefined;
}

export function createSerialProducer({
  open,
  explain,
  deadlineMs = DEADLINE_MS,
}: SerialProducerOptions): Producer {
  let sink: Promise<Sink> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  function drop(): Promise<void> {
    const dropped = sink;
    sink = null;
    // Whatever its end is: nothing is sent by it any more.
    return (dropped ?? Promise.resolve(null)).then(
      (old) => old?.close(),
      () => {},
    );
  }

  async function sendAll(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
    for (const part of requests(messages)) {
      signal.throwIfAborted();
      if (closed) throw new Error('the producer is closed');
      sink ??= open();
      const opened = await sink;
      // Opening may have taken longer than the caller waits: what it was told has failed must not arrive much later.
      signal.throwIfAborted();
      await opened.send(part);
    }
  }

  return {
    async send(messages) {
      if (messages.length === 0) return;
      const late = new AbortController();
      const deadline = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        const error = new Error(`no acknowledgement within ${deadlineMs} ms`);
        late.abort(error);
        deadline.reject(error);
      }, deadlineMs);
      const turn = last;
      const work = turn.then(() => Promise.race([sendAll(messages, late.signal), deadline.promise]));
      const attempt = work.catch(async (error: Error) => {
        drop().catch(() => {});
        throw new SinkUnavailable(explain(error).message, { cause: error });
      });
      last = attempt.catch(() => {});
      deadline.promise.catch(() => {});
      try {
        await attempt;
      } finally {
        clearTimeout(timer);
      }
    },
    async close() {
      closed = true;
      await last;
      await drop();
    },
  };
}

function* requests(messages: readonly OutgoingMessage[]): Generator<OutgoingMessage[], void, void> {
  let part: OutgoingMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = message.value.length + message.key.length + headerBytes(message) + MESSAGE_OVERHEAD_BYTES;
    if (bytes + size > REQUEST_BYTES && part.length > 0) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(message);
    bytes += size;
  }
  yield part;
}

function headerBytes({ headers }: OutgoingMessage): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers ?? {})) bytes += name.length + value.length;
  return bytes;
}
