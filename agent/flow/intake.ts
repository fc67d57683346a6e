/**
 * The sidecar's local door, behind the HTTP part (`agent/io/intake/`): lines in, messages out. Taking a line is bounded
 * work without waiting, whatever the log does; a pump of its own sends what waits, in order, one batch at a time.
 *
 * Always: accepted = produced + dropped + buffered. Sent more than once is possible, `seq` tells; lost unseen is not,
 * for a dropped event leaves a gap in `seq`.
 */
import { decode, type RefusalReason } from '../core/decode/index.ts';
import { LIMITS } from '../core/limits.ts';
import { backOff, within } from './backoff.ts';
import { costBytes, createIntakeQueue, type QueuedEvent } from './intake-queue.ts';
import { createStamper } from './intake-stamp.ts';
import type { Clock, Producer } from './ports.ts';

export interface IntakeOptions {
  readonly producer: Producer;
  readonly clock: Clock;
  /** Stamped on events without one: the pod's name. */
  readonly source: string;
  /** Random, new at each start. */
  readonly boot: string;
  /** Most memory for what waits for the log. */
  readonly bytesMax: number;
  /** How long an event waits for company. */
  readonly lingerMs?: number;
  /** A batch is sent at once when it has this many. */
  readonly flushBytes?: number;
  readonly occurrences?: IntakeOccurrences;
}

/** What the intake has to tell; counting and logging is the receiver's. */
export interface IntakeOccurrences {
  intakeTrouble(error: Error): void;
  intakeRecovered(): void;
  /** `full`: no memory left. `refused`: the log takes others, but not this one. `stopped`: no time left at the end. */
  intakeDropped(kind: string, why: DropReason): void;
}
export type DropReason = 'full' | 'refused' | 'stopped';

export type LineAnswer =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: RefusalReason | 'stopping';
      readonly field: string | null;
      readonly detail: string;
    };

export interface IntakeCounters {
  readonly accepted: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Acknowledged by the log. */
  readonly produced: number;
  /** By kind. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly bufferedEvents: number;
  readonly bufferedBytes: number;
  /** Attempts the log did not acknowledge. */
  readonly failures: number;
  /** Why the last attempt failed; null when it did not. */
  readonly trouble: string | null;
}

export interface Intake {
  /** One line: taken, or refused with a reason. The bytes are copied. */
  take(line: Uint8Array): LineAnswer;
  /** Takes nothing more, sends what waits, drops what is left at the deadline. Safe to repeat. */
  drain(deadlineMs: number): Promise<void>;
  intakeCounters(): IntakeCounters;
}

const NO_OCCURRENCES: IntakeOccurrences = {
  intakeTrouble: () => {},
  intakeRecovered: () => {},
  intakeDropped: () => {},
};

/** An event that fails alone this often may be the fault: the one behind it is tried. */
const SUSPECT_AFTER = 5;

export function createIntake(options: IntakeOptions): Intake {
  const { producer, clock, bytesMax, lingerMs = 20, occurrences = NO_OCCURRENCES } = options;
  const flushBytes = Math.min(options.flushBytes ?? 256 * 1024, Math.floor(bytesMax / 2));
  if (!(bytesMax >= 64 * 1024)) throw new RangeError(`bytesMax must be at least 64 KiB, not ${bytesMax}`);
  const stamper = createStamper(options);
  const queue = createIntakeQueue(bytesMax);
  const count = { accepted: 0, produced: 0, failures: 0 };
  const refused = new Map<string, number>();
  const dropped = new Map<string, number>();
  const stop = new AbortController();
  let trouble: string | null = null;
  let pump: Promise<void> | null = null;
  let isDraining = false;
  let hurry = new AbortController();
  /** Failures in a row. */
  let failures = 0;
  let eventsMost = Number.POSITIVE_INFINITY;

  const refuse = (answer: Extract<LineAnswer, { ok: false }>): LineAnswer => {
    refused.set(answer.reason, (refused.get(answer.reason) ?? 0) + 1);
    return answer;
  };

  const drop = (events: readonly QueuedEvent[], why: DropReason): void => {
    for (const { kind } of events) {
      dropped.set(kind, (dropped.get(kind) ?? 0) + 1);
      occurrences.intakeDropped(kind, why);
    }
  };

  const take = (line: Uint8Array): LineAnswer => {
    if (isDraining)
      return refuse({ ok: false, reason: 'stopping', field: null, detail: 'the intake is stopping' });
    // Too large to be read at all is decode's to say; reading it twice is not worth it.
    const stamped = line.byteLength > LIMITS.messageBytes ? null : stamper.stamp(line);
    const decoded = decode(stamped?.value ?? line);
    if (!decoded.ok) {
      const { reason, field, detail } = decoded.refusal;
      return refuse({ ok: false, reason, field, detail });
    }
    const { environment, model, kind } = decoded.event;
    const value = stamped?.value ?? line;
    // A line is a view into a body: without the copy it would hold on to all of it.
    const event = { key: `${environment}/${model}`, kind, value: value === line ? line.slice() : value };
    if (costBytes(event) > bytesMax - flushBytes)
      return refuse({
        ok: false,
        reason: 'too_large',
        field: null,
        detail: 'larger than the memory of the intake',
      });
    stamped?.keep();
    count.accepted += 1;
    drop(queue.add(event), 'full');
    if (queue.waitingBytes() >= flushBytes) hurry.abort();
    pump ??= sendAll();
    return { ok: true };
  };

  const sendAll = async (): Promise<void> => {
    while (queue.size() > 0 && !stop.signal.aborted) {
      hurry = new AbortController();
      if (queue.waitingBytes() < flushBytes && failures === 0 && !isDraining)
        await clock.sleep(lingerMs, hurry.signal);
      await sendOne();
    }
    pump = null;
  };

  /**
   * After a failure batches are halved, so that an event the log refuses ends up alone. It is told from a log that takes
   * nothing by the event behind it: where that one passes, this one is the fault.
   */
  const sendOne = async (): Promise<void> => {
    const batch = queue.take({ bytes: flushBytes, events: eventsMost });
    if (await send(batch)) {
      count.produced += queue.settle();
      eventsMost *= 2;
      return;
    }
    queue.giveBack();
    eventsMost = Math.max(1, Math.floor(batch.length / 2));
    if (batch.length === 1 && failures >= SUSPECT_AFTER && queue.size() > 1) await trySecond();
    else await backOff(clock, failures, stop.signal);
  };

  /** Sends the second event before the first. */
  const trySecond = async (): Promise<void> => {
    const [suspect, witness] = queue.take({ bytes: bytesMax, events: 2 });
    if (suspect === undefined || witness === undefined || !(await send([witness]))) {
      queue.giveBack();
      return backOff(clock, failures, stop.signal);
    }
    if (queue.settle() === 0) return;
    count.produced += 1;
    drop([suspect], 'refused');
  };

  const send = async (events: readonly QueuedEvent[]): Promise<boolean> => {
    try {
      await producer.send(events.map(({ key, value }) => ({ key, value })));
    } catch (error) {
      failures += 1;
      count.failures += 1;
      trouble = error instanceof Error ? error.message : String(error);
      occurrences.intakeTrouble(error instanceof Error ? error : new Error(trouble));
      return false;
    }
    if (trouble !== null) occurrences.intakeRecovered();
    trouble = null;
    failures = 0;
    return true;
  };

  return {
    take,
    async drain(deadlineMs) {
      isDraining = true;
      hurry.abort();
      await within(clock, deadlineMs, pump ?? Promise.resolve());
      stop.abort();
      drop(queue.clear(), 'stopped');
    },
    intakeCounters: () => ({
      ...count,
      refused: Object.fromEntries(refused),
      dropped: Object.fromEntries(dropped),
      bufferedEvents: queue.size(),
      bufferedBytes: queue.bytes(),
      trouble,
    }),
  };
}
