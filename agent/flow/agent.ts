import type { PartitionView } from '../core/view.ts';
import { within } from './backoff.ts';
import type { Core, RefusedRecord } from './core.ts';
import { type Counters, createOccurrences, type Log, type Timings } from './occurrences.ts';
import {
  type Clock,
  type Notifier,
  type PartitionId,
  partitionName,
  type Source,
  type SourceHandler,
  type StateStore,
} from './ports.ts';
import { withSilence } from './publish.ts';
import { createWorker, type PartitionSelf, type Worker, type WorkerSettings } from './worker.ts';

/**
 * The loop of an agent over its ports: a worker for every partition it owns, one beat that commits them all, and the
 * committed views for whoever shows them. State is counted exactly once, findings go out at least once, and both hang
 * on the store's compare-and-set alone: no lock, no timeout, no generation of the group is trusted.
 */
export interface AgentSettings extends WorkerSettings {
  readonly commitIntervalMs: number;
  /** For the last commits and deliveries of `close`. */
  readonly closeDeadlineMs: number;
  /** A stream unheard of for this long, at the end of its partition, is shown as silent. */
  readonly silenceMs: number;
}

export const AGENT_DEFAULTS: AgentSettings = {
  startAt: 'earliest',
  commitIntervalMs: 1_000,
  commitRecords: 20_000,
  foldSliceMs: 5,
  idleCheckMs: 15_000,
  closeDeadlineMs: 10_000,
  silenceMs: 30_000,
};

export interface AgentOptions<State, Event, Refusal extends RefusedRecord> {
  readonly core: Core<State, Event, Refusal>;
  readonly source: Source;
  readonly store: StateStore;
  /** By name. They and the store are closed by who made them, after the agent. */
  readonly notifiers: Readonly<Record<string, Notifier>>;
  /** `sleep(0)` must give the event loop one turn and no more: folding waits for it every few milliseconds. */
  readonly clock: Clock;
  readonly log: Log;
  /** Unique to this process, also among those that ran before. */
  readonly instance: string;
  /** Of what the fold was told; a state written under another one is told. */
  readonly configHash: string;
  readonly settings?: Partial<AgentSettings>;
  readonly timings?: Timings;
  /** Repeats of an occurrence are logged once in this time; 0 logs each. */
  readonly repeatMs?: number;
}

export interface Agent {
  /** Resolves at the end of a finite source, or after `close`. Rejects on what trying again cannot mend. */
  run(): Promise<void>;
  /** Commits, delivers and leaves, within `closeDeadlineMs` and what the source needs. Safe to repeat. */
  close(): Promise<void>;
  views(): PartitionView[];
  /** The views with the names of their partitions and how far they are behind. */
  exposed(): ExposedView[];
  /** Called whenever a view was replaced or went away; answers with the way to stop that. */
  onChange(listener: () => void): () => void;
  /** What is wrong with the log or the store right now, in a sentence; null: nothing. */
  status(): { readonly kafka: string | null; readonly store: string | null };
  self(): AgentSelf;
}

export interface ExposedView {
  readonly topic: string;
  readonly partition: number;
  readonly lagRecords: number | null;
  /** Records the log dropped before they were read, over the life of the state. */
  readonly lostRecords: number;
  readonly view: PartitionView;
}

export interface AgentSelf {
  readonly partitions: readonly PartitionSelf[];
  readonly counters: Counters;
}

export function createAgent<State, Event, Refusal extends RefusedRecord>(
  options: AgentOptions<State, Event, Refusal>,
): Agent {
  const { source, clock, instance } = options;
  const settings = checkSettings({ ...AGENT_DEFAULTS, ...options.settings });
  if (instance === '') throw new RangeError('instance must not be empty');
  const occurrences = createOccurrences(options);
  const workers = new Map<string, Worker>();
  const views = new Map<string, PartitionView>();
  const listeners = new Set<() => void>();
  const storeTroubles = new Map<string, string>();
  const beating = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined); // `run` may not have been called, or be over
  let sourceTrouble: string | null = null;
  let closing: Promise<void> | null = null;

  function takeOn(id: PartitionId): Worker {
    const name = partitionName(id);
    workers.get(name)?.drop();
    const worker = createWorker({
      ...options,
      id,
      occurrences,
      settings,
      onStoreTrouble(message) {
        if (message === null) storeTroubles.delete(name);
        else storeTroubles.set(name, message);
      },
      onView: (view) => setView(name, view),
      onFailure: fail,
    });
    workers.set(name, worker);
    return worker;
  }

  function setView(name: string, view: PartitionView | null): void {
    // The last views stay readable after a close: of a finite log they are the result.
    if (view === null && closing !== null) return;
    if (view === null && !views.delete(name)) return;
    if (view !== null) views.set(name, view);
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        occurrences.listenerFailed(error as Error);
      }
    }
  }

  /** Like a crash: memory may be half of a step ahead of what is stored, so nothing of it is written any more. */
  function fail(error: unknown): void {
    failure.reject(error);
    for (const worker of workers.values()) worker.drop();
  }

  const handler: SourceHandler = {
    async assigned(partitions) {
      const starts = new Map<string, bigint>();
      if (closing !== null) return starts;
      const load = async ({ id, log }: (typeof partitions)[number]): Promise<void> => {
        const worker = takeOn(id);
        const start = await worker.load(log);
        if (start !== null && workers.get(worker.partition) === worker) starts.set(worker.partition, start);
      };
      await Promise.all(partitions.map(load));
      return starts;
    },

    async revoked(partitions, deadlineMs) {
      const release = async (id: PartitionId): Promise<void> => {
        const worker = workers.get(partitionName(id));
        await worker?.release(deadlineMs * RELEASE_SHARE);
        if (worker !== undefined && workers.get(worker.partition) === worker)
          workers.delete(worker.partition);
      };
      await Promise.all(partitions.map(release));
    },

    async batch(batch) {
      const name = partitionName(batch.partition);
      const worker = workers.get(name);
      if (worker === undefined) return occurrences.batchNotMine(name);
      try {
        await worker.batch(batch);
      } catch (error) {
        fail(error);
        throw error;
      }
    },

    trouble(error) {
      if (error !== null) occurrences.sourceTrouble(error);
      else if (sourceTrouble !== null) occurrences.sourceRecovered();
      sourceTrouble = error?.message ?? null;
    },
  };

  async function beat(): Promise<void> {
    const mirrored = new Map<string, bigint>();
    let isMirroring = false;
    while (!beating.signal.aborted) {
      await clock.sleep(settings.commitIntervalMs, beating.signal);
      if (closing !== null) return;
      for (const worker of workers.values()) worker.beat();
      if (isMirroring) continue;
      isMirroring = true;
      void mirror(mirrored).finally(() => {
        isMirroring = false;
      });
    }
  }

  async function mirror(mirrored: Map<string, bigint>): Promise<void> {
    const moved = [...workers.values()].flatMap(({ id, partition, self }) => {
      const { next } = self();
      return next === null || mirrored.get(partition) === next ? [] : [{ id, partition, next }];
    });
    if (moved.length === 0) return;
    try {
      await source.mirror(moved.map(({ id, next }) => ({ id, next })));
      for (const { partition, next } of moved) mirrored.set(partition, next);
    } catch (error) {
      occurrences.positionMirrorFailed(error as Error);
    }
  }

  async function shutDown(): Promise<void> {
    const settled = Promise.all([...workers.values()].map((worker) => worker.settle()));
    const deadlineMs = clock.nowMs() + settings.closeDeadlineMs;
    await within(clock, settings.closeDeadlineMs, settled);
    await within(clock, Math.max(0, deadlineMs - clock.nowMs()), mirror(new Map()));
    beating.abort();
    for (const worker of workers.values()) worker.drop();
    await source.close();
  }

  function close(): Promise<void> {
    closing ??= shutDown();
    return closing;
  }

  function exposed(): ExposedView[] {
    const nowMs = clock.nowMs();
    return [...workers.values()].flatMap((worker) => {
      const view = views.get(worker.partition);
      if (view === undefined) return [];
      const { topic, partition, lagRecords, lost } = worker.self();
      const lag = sourceTrouble === null ? lagRecords : null;
      return [
        {
          topic,
          partition,
          lagRecords,
          lostRecords: lost,
          view: withSilence(view, { nowMs, lag, silenceMs: settings.silenceMs }),
        },
      ];
    });
  }

  return {
    async run() {
      const beats = beat();
      try {
        await Promise.race([source.run(handler), failure.promise]);
        if (closing === null) for (const worker of workers.values()) worker.finish();
      } finally {
        await close();
        await beats;
      }
    },
    close,
    exposed,
    views: () => exposed().map(({ view }) => view),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    status: () => ({ kafka: sourceTrouble, store: storeTroubles.values().next().value ?? null }),
    self: () => ({
      partitions: [...workers.values()].map((worker) => worker.self()),
      counters: occurrences.counters,
    }),
  };
}

/** Of the deadline of a revocation, so that its answer is still in time. */
const RELEASE_SHARE = 0.9;

function checkSettings(settings: AgentSettings): AgentSettings {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number' && !(Number.isFinite(value) && value > 0))
      throw new RangeError(`${name} must be a positive number, not ${value}`);
  }
  return settings;
}
