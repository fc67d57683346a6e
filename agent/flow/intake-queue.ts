/**
 * What waits for the log: first in, first out, within a fixed number of bytes. When it is full the oldest event goes,
 * ordinary telemetry first; early notices of non-finite values and control events go only when nothing else is left.
 */

export interface QueuedEvent {
  /** Key of the message: `environment/model`. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly kind: string;
}

/** Sent in small numbers, and each of them changes what is paged. */
const KEPT_LONGEST: ReadonlySet<string> = new Set(['nonfinite', 'baseline', 'maintenance', 'deployment']);

/** What an event costs beside its bytes: objects, the key, room in the array. */
const OVERHEAD_BYTES = 256;

export const costBytes = ({ key, value }: QueuedEvent): number =>
  value.byteLength + 2 * key.length + OVERHEAD_BYTES;

interface Slot {
  readonly event: QueuedEvent;
  /** Rises with each event, so that the two lines can be merged into one again. */
  readonly order: number;
}

export interface IntakeQueue {
  /** Adds one event; returns what had to go for it, at the worst the event itself. */
  add(event: QueuedEvent): QueuedEvent[];
  /**
   * Takes the oldest events out, at least one and then as long as they fit. They still count as held: nothing may be
   * taken before this batch was settled or given back.
   */
  take(most: { readonly bytes: number; readonly events: number }): QueuedEvent[];
  /** The batch has left for good. Returns its events' number: 0 when `clear` was faster and has counted them. */
  settle(): number;
  /** The batch comes back to the front. */
  giveBack(): void;
  /** Everything goes, the batch included. */
  clear(): QueuedEvent[];
  /** Events, those of the batch included. */
  size(): number;
  /** Bytes, those of the batch included. Never above `bytesMax`. */
  bytes(): number;
  /** Bytes that `take` could still get. */
  waitingBytes(): number;
}

export function createIntakeQueue(bytesMax: number): IntakeQueue {
  const ordinary = createLine();
  const keptLongest = createLine();
  const lineOf = ({ kind }: QueuedEvent): Line => (KEPT_LONGEST.has(kind) ? keptLongest : ordinary);
  let batch: Slot[] = [];
  let batchBytes = 0;
  let waitingBytes = 0;
  let order = 0;

  const oldest = (): Line => {
    const [a, b] = [ordinary.first(), keptLongest.first()];
    return b === undefined || (a !== undefined && a.order < b.order) ? ordinary : keptLongest;
  };
  const dropBatch = (): void => {
    batch = [];
    batchBytes = 0;
  };

  const giveBack = (): void => {
    waitingBytes += batchBytes;
    for (const slot of batch.reverse()) lineOf(slot.event).unshift(slot);
    dropBatch();
  };

  return {
    add(event) {
      lineOf(event).push({ event, order: order++ });
      waitingBytes += costBytes(event);
      const dropped: QueuedEvent[] = [];
      while (waitingBytes + batchBytes > bytesMax) {
        const slot = (ordinary.first() === undefined ? keptLongest : ordinary).shift();
        // Only the batch is left: it is no larger than the whole, so this cannot be.
        if (slot === undefined) throw new Error('the intake queue lost count of its bytes');
        waitingBytes -= costBytes(slot.event);
        dropped.push(slot.event);
      }
      return dropped;
    },
    take(most) {
      if (batch.length > 0) throw new Error('the batch before was neither settled nor given back');
      for (;;) {
        const line = oldest();
        const next = line.first();
        if (next === undefined || batch.length >= most.events) break;
        const cost = costBytes(next.event);
        if (batch.length > 0 && batchBytes + cost > most.bytes) break;
        line.shift();
        batch.push(next);
        batchBytes += cost;
        waitingBytes -= cost;
      }
      return batch.map(({ event }) => event);
    },
    settle() {
      const { length } = batch;
      dropBatch();
      return length;
    },
    giveBack,
    clear() {
      giveBack();
      waitingBytes = 0;
      return [...ordinary.clear(), ...keptLongest.clear()].map(({ event }) => event);
    },
    size: () => batch.length + ordinary.size() + keptLongest.size(),
    bytes: () => batchBytes + waitingBytes,
    waitingBytes: () => waitingBytes,
  };
}

interface Line {
  first(): Slot | undefined;
  push(slot: Slot): void;
  shift(): Slot | undefined;
  unshift(slot: Slot): void;
  clear(): Slot[];
  size(): number;
}

/** A queue with both ends: an array and where it begins, since `Array.shift` moves everything behind it. */
function createLine(): Line {
  let slots: (Slot | undefined)[] = [];
  let head = 0;
  return {
    first: () => slots[head],
    push: (slot) => void slots.push(slot),
    shift() {
      const slot = slots[head];
      if (slot === undefined) return undefined;
      slots[head++] = undefined;
      if (head > 1_024 && head * 2 > slots.length) {
        slots = slots.slice(head);
        head = 0;
      }
      return slot;
    },
    unshift(slot) {
      if (head === 0) slots.unshift(slot);
      else slots[--head] = slot;
    },
    clear() {
      const left = slots.slice(head) as Slot[];
      slots = [];
      head = 0;
      return left;
    },
    size: () => slots.length - head,
  };
}
