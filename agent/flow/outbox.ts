import { backOff } from './backoff.ts';
import type { Occurrences } from './occurrences.ts';
import type { Clock, Finding, Notifier } from './ports.ts';

/**
 * Committed findings on their way out of one partition. At least once: what no notifier has taken yet is part of the
 * committed state (field `pending`), so an agent that dies between commit and delivery leaves it to its successor.
 * Each notifier has its own place in the queue; a broken one holds up neither the others nor the fold.
 */
export const PENDING_FIELD = 'pending';

/** Beyond it the oldest go, counted and told: incidents stay in the state, only their lines are missing. */
const FINDINGS_MAX = 1_000;
const CHUNK_FINDINGS = 100;

export interface OutboxOptions {
  readonly partition: string;
  readonly notifiers: Readonly<Record<string, Notifier>>;
  readonly clock: Clock;
  readonly occurrences: Occurrences;
  /** The end of this tenure: deliveries that still fail are left to the successor. */
  readonly signal: AbortSignal;
  /** Stored by the predecessor. */
  readonly pending: Uint8Array | undefined;
}

/** What a commit writes of the outbox; handed back once it is committed. */
export interface OutboxSnapshot {
  readonly findings: readonly Finding[];
  /** Null: nothing undelivered, the field is to be removed. */
  readonly bytes: Uint8Array | null;
  readonly version: number;
}

export type Outbox = ReturnType<typeof createOutbox>;

export function createOutbox({ partition, notifiers, clock, occurrences, signal, pending }: OutboxOptions) {
  const names = Object.keys(notifiers);
  const taken = new Map(names.map((name) => [name, 0]));
  const running = new Map<string, Promise<void>>();
  let queue: { readonly number: number; readonly finding: Finding }[] = [];
  let number = 0;
  /** Moves with every change of the queue; a commit whose version is still current leaves nothing to write. */
  let version = 0;
  let storedVersion = 0;

  function add(findings: readonly Finding[]): void {
    if (names.length === 0 || findings.length === 0) return;
    for (const finding of findings) queue.push({ number: number++, finding });
    const excess = queue.length - FINDINGS_MAX;
    if (excess > 0) {
      queue.splice(0, excess);
      occurrences.findingsDropped(partition, excess);
    }
    version += 1;
    for (const name of names) {
      if (!running.has(name))
        running.set(
          name,
          Promise.resolve().then(() => deliver(name)),
        );
    }
  }

  async function deliver(name: string): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const from = taken.get(name)!;
      const chunk = queue.filter((entry) => entry.number >= from).slice(0, CHUNK_FINDINGS);
      if (chunk.length === 0) {
        // In the same turn as the look into the queue, or a finding added in between would wait for the next one.
        running.delete(name);
        return;
      }
      try {
        await notifiers[name]!.publish(chunk.map((entry) => entry.finding));
      } catch (error) {
        occurrences.notifierFailed(partition, name, error as Error);
        await backOff(clock, failures++, signal);
        continue;
      }
      failures = 0;
      taken.set(name, chunk.at(-1)!.number + 1);
      forgetTaken();
    }
  }

  function forgetTaken(): void {
    const all = Math.min(...taken.values());
    const rest = queue.filter((entry) => entry.number >= all);
    if (rest.length < queue.length) version += 1;
    queue = rest;
  }

  const predecessors = decodePending(pending);
  add(predecessors);
  // A field that was unreadable or longer than the queue is rewritten by the first commit.
  storedVersion = pending !== undefined && queue.length === 0 ? -1 : version;

  return {
    /** The stored field is not what is still to be delivered. */
    changed: (): boolean => version !== storedVersion,

    snapshot(findings: readonly Finding[]): OutboxSnapshot {
      const undelivered = names.length === 0 ? [] : [...queue.map((entry) => entry.finding), ...findings];
      const bytes = undelivered.length === 0 ? null : encodePending(undelivered.slice(-FINDINGS_MAX));
      return { findings, bytes, version };
    },

    /** The snapshot is committed: its findings may go out. */
    committed(snapshot: OutboxSnapshot): void {
      const isCurrent = snapshot.version === version;
      for (const f of snapshot.findings)
        occurrences.findingCommitted(partition, f.event, f.id, String(f.message ?? f.id));
      add(snapshot.findings);
      if (isCurrent) storedVersion = version;
    },

    /** Resolves when everything was taken, or the tenure ended. */
    async drained(): Promise<void> {
      while (running.size > 0 && !signal.aborted) await Promise.all(running.values());
    },
  };
}

const encodePending = (findings: readonly Finding[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(findings));

/** Read back from the store, so not trusted: what is no list of findings is none. */
function decodePending(bytes: Uint8Array | undefined): Finding[] {
  if (bytes === undefined) return [];
  try {
    const list: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(list) ? list.filter(isFinding) : [];
  } catch {
    return [];
  }
}

function isFinding(value: unknown): value is Finding {
  if (typeof value !== 'object' || value === null) return false;
  return ['event', 'id', 'environment', 'model'].every((key) => typeof Reflect.get(value, key) === 'string');
}
