import type { Clock } from './ports.ts';

/**
 * Everything the flow has to tell, a function each, which logs and counts together. Nothing else in `agent/flow`
 * touches the log or a counter. Repeats of the same occurrence in the same place are logged once per `repeatMs`, with
 * the number of those left out; they are all counted.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Each name is a value of the label `occurrence`; `system` of an error is where it came from. */
export const OCCURRENCES = {
  partition_claimed: { level: 'info', system: null },
  partition_released: { level: 'info', system: null },
  source_trouble: { level: 'warn', system: 'source' },
  source_recovered: { level: 'info', system: null },
  source_unanswered: { level: 'warn', system: 'source' },
  position_mirror_failed: { level: 'warn', system: 'source' },
  position_jumped: { level: 'warn', system: 'source' },
  batch_not_mine: { level: 'debug', system: null },
  position_stalled: { level: 'info', system: null },
  position_repeated: { level: 'warn', system: 'source' },
  records_expired: { level: 'error', system: 'source' },
  log_truncated: { level: 'error', system: 'source' },
  log_recreated: { level: 'error', system: 'source' },
  record_refused: { level: 'warn', system: null },
  store_unavailable: { level: 'warn', system: 'store' },
  store_recovered: { level: 'info', system: null },
  commit_refused: { level: 'warn', system: 'store' },
  state_unreadable: { level: 'error', system: 'store' },
  configuration_changed: { level: 'warn', system: null },
  finding_committed: { level: 'info', system: null },
  notifier_failed: { level: 'warn', system: 'notifier' },
  findings_dropped: { level: 'error', system: 'notifier' },
  listener_failed: { level: 'error', system: 'listener' },
} as const satisfies Record<string, { level: keyof Log; system: System | null }>;
export type OccurrenceName = keyof typeof OCCURRENCES;

export type System = 'source' | 'store' | 'notifier' | 'listener';

/** Since this process began. What must survive a handover is counted in the committed state instead. */
export interface Counters {
  readonly occurrences: Record<OccurrenceName, number>;
  /** Occurrences that are errors, by the system they came from. */
  readonly errors: Record<System, number>;
  /** `refused` ones are folded too: as a count. `repeated` ones were delivered twice and dropped. */
  readonly records: { folded: number; refused: number; repeated: number };
}

/** Durations as they happen, for histograms. */
export interface Timings {
  /** One per committed snapshot, from the first attempt to the answer. */
  recordCommit(seconds: number): void;
  /** One per stretch of folding between two turns of the event loop. */
  recordFold(seconds: number): void;
}

export type Occurrences = ReturnType<typeof createOccurrences>;

export interface OccurrencesOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly timings?: Timings | undefined;
  /** 0 logs every repeat. */
  readonly repeatMs?: number;
}

/** Places remembered for repeats; beyond it the oldest is forgotten, which at worst logs a repeat too much. */
const REPEATS_MAX = 2_000;

export function createOccurrences({ log, clock, timings, repeatMs = 30_000 }: OccurrencesOptions) {
  const counters: Counters = {
    occurrences: Object.fromEntries(
      Object.keys(OCCURRENCES).map((name) => [name, 0]),
    ) as Counters['occurrences'],
    errors: { source: 0, store: 0, notifier: 0, listener: 0 },
    records: { folded: 0, refused: 0, repeated: 0 },
  };
  const repeats = new Map<string, { loggedMs: number; leftOut: number }>();

  /** `where` is what makes a repeat: same name, same place. */
  function tell(name: OccurrenceName, where: string | null, message: string, fields: LogFields = {}): void {
    counters.occurrences[name] += 1;
    const { level, system } = OCCURRENCES[name];
    if (system !== null) counters.errors[system] += 1;
    if (where === null || repeatMs === 0) {
      log[level](message, { occurrence: name, ...fields });
      return;
    }
    const key = `${name} ${where}`;
    const last = repeats.get(key);
    const nowMs = clock.nowMs();
    if (last !== undefined && nowMs - last.loggedMs < repeatMs) {
      last.leftOut += 1;
      return;
    }
    repeats.delete(key);
    repeats.set(key, { loggedMs: nowMs, leftOut: 0 });
    if (repeats.size > REPEATS_MAX) repeats.delete(repeats.keys().next().value!);
    const leftOut = last?.leftOut ?? 0;
    log[level](message, { occurrence: name, ...fields, ...(leftOut > 0 && { repeated: leftOut }) });
  }

  return {
    counters,

    partitionClaimed: (partition: string, start: bigint, from: string) =>
      tell('partition_claimed', null, `${partition}: mine, starting at ${start} (${from})`, { partition }),
    partitionReleased: (partition: string, next: bigint | null) =>
      tell('partition_released', null, `${partition}: given up at ${next}`, { partition }),

    sourceTrouble: (error: Error) =>
      tell('source_trouble', 'source', `the log is in trouble: ${error.message}`),
    sourceRecovered: () => tell('source_recovered', 'source', 'the log answers again'),
    sourceUnanswered: (partition: string, error: Error) =>
      tell(
        'source_unanswered',
        partition,
        `${partition}: the log does not say what it holds: ${error.message}`,
        { partition },
      ),
    positionMirrorFailed: (error: Error) =>
      tell('position_mirror_failed', 'source', `positions could not be mirrored: ${error.message}`),
    positionJumped: (partition: string, expected: bigint, from: bigint) =>
      tell(
        'position_jumped',
        partition,
        `${partition}: the client jumped from ${expected} to ${from} though the log holds what lies between; read again`,
        { partition },
      ),
    positionStalled: (partition: string, expected: bigint, end: bigint) =>
      tell(
        'position_stalled',
        partition,
        `${partition}: the log goes on from ${expected} to ${end}, but nothing comes; asked again`,
        { partition },
      ),
    positionRepeated: (partition: string, expected: bigint, from: bigint) =>
      tell(
        'position_repeated',
        partition,
        `${partition}: the client delivered ${from} again, ${expected} was due; dropped`,
        {
          partition,
        },
      ),
    batchNotMine: (partition: string) =>
      tell(
        'batch_not_mine',
        partition,
        `${partition}: records of a partition that is no longer mine; dropped`,
        { partition },
      ),
    recordsRepeated: (count: number) => {
      counters.records.repeated += count;
    },
    recordsExpired: (partition: string, expected: bigint, low: bigint) =>
      tell(
        'records_expired',
        null,
        `${partition}: the log no longer holds ${low - expected} positions from ${expected} to ${low - 1n}: retention was faster than the agent; going on at ${low}`,
        { partition, lost: Number(low - expected) },
      ),
    logTruncated: (partition: string, stored: bigint, start: bigint) =>
      tell(
        'log_truncated',
        null,
        `${partition}: the log lost records that were already counted (committed up to ${stored}, going on at ${start}); records written in between since then were not read`,
        { partition },
      ),
    logRecreated: (partition: string, stored: bigint, low: bigint) =>
      tell(
        'log_recreated',
        null,
        `${partition}: this is not the log that was read up to ${stored}: deleted and created again, or cut; its state is given up, starting cold at ${low}`,
        { partition },
      ),

    recordRefused: (
      partition: string,
      position: bigint,
      refusal: { reason: string; field: string | null; detail: string },
    ) => {
      counters.records.refused += 1;
      const field = refusal.field === null ? '' : ` ${refusal.field}:`;
      tell(
        'record_refused',
        `${partition} ${refusal.reason}`,
        `${partition} position ${position}: refused (${refusal.reason}):${field} ${refusal.detail}`,
        { partition, reason: refusal.reason },
      );
    },
    folded: (records: number, ms: number) => {
      counters.records.folded += records;
      timings?.recordFold(ms / 1_000);
    },

    storeUnavailable: (partition: string, operation: 'claim' | 'commit', error: Error) =>
      tell(
        'store_unavailable',
        `${partition} ${operation}`,
        `${partition}: ${operation} not answered: ${error.message}; trying again`,
        {
          partition,
          operation,
        },
      ),
    storeRecovered: (partition: string) =>
      tell('store_recovered', partition, `${partition}: the store answers again`, { partition }),
    committed: (ms: number) => timings?.recordCommit(ms / 1_000),
    commitRefused: (partition: string, mine: bigint | null, stored: bigint | null) =>
      tell(
        'commit_refused',
        partition,
        `${partition}: commit refused (mine ${mine}, stored ${stored}): another agent owns it or the store went back; loading it again`,
        { partition },
      ),
    stateUnreadable: (partition: string, low: bigint, error: Error) =>
      tell(
        'state_unreadable',
        null,
        `${partition}: stored state cannot be read (${error.message}); starting cold at ${low}`,
        {
          partition,
        },
      ),
    configurationChanged: (partition: string) =>
      tell(
        'configuration_changed',
        null,
        `${partition}: its state was written under another configuration; going on under this one`,
        {
          partition,
        },
      ),

    findingCommitted: (partition: string, event: string, id: string, message: string) =>
      tell('finding_committed', null, `incident ${event}: ${message}`, { partition, event, id }),
    notifierFailed: (partition: string, notifier: string, error: Error) =>
      tell(
        'notifier_failed',
        `${partition} ${notifier}`,
        `${partition}: ${notifier} took no findings: ${error.message}; trying again`,
        {
          partition,
          notifier,
        },
      ),
    findingsDropped: (partition: string, count: number) =>
      tell(
        'findings_dropped',
        partition,
        `${partition}: ${count} findings dropped, too many were never taken`,
        { partition, count },
      ),
    listenerFailed: (error: Error) =>
      tell('listener_failed', 'listener', `a listener on views failed: ${error.message}`),
  };
}
