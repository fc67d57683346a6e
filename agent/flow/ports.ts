/**
 * What the flow asks of the world. Every adapter in `agent/io` implements one of these and passes its exam in
 * `test/contract/`. Nothing here names a client: positions, partitions and records are the words.
 */

/** One ordered log: a Kafka topic and partition, or one file. `topic` is the file's path for a file. */
export interface PartitionId {
  readonly topic: string;
  readonly partition: number;
}

/** One record as it came. Bytes are untrusted and belong to the receiver only until `batch` resolves. */
export interface SourceRecord {
  readonly position: bigint;
  /** The log's own time for the record (broker timestamp), epoch ms; null where the log has none. */
  readonly arrivedMs: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Header names are lower case. Only the first value of a name counts. */
  readonly headers: ReadonlyMap<string, Uint8Array>;
}

/** Records of one partition in rising position; gaps are allowed (compaction, aborted transactions). */
export interface Batch {
  readonly partition: PartitionId;
  readonly records: readonly SourceRecord[];
  /** Position asked for: the `next` of the previous batch, or the start position. The chain check hangs on it. */
  readonly from: bigint;
  /** Position after this batch: where the next one begins. */
  readonly next: bigint;
  /** End of the log as last seen (position of the record that comes next), null where unknown. */
  readonly end: bigint | null;
}

/** Identity of a log, so that a topic deleted and created again is not taken for the old one. */
export interface LogIdentity {
  readonly clusterId: string | null;
  readonly topicId: string | null;
  /** Lowest position still held, and the position after the last record (or END_UNKNOWN). */
  readonly low: bigint;
  readonly end: bigint;
}

/** The end of a log that is not known before it is read (a file): no position is beyond this one. */
export const END_UNKNOWN = 2n ** 63n - 1n;

export interface SourceHandler {
  /**
   * Partitions are mine from now on. The source delivers none of their records until this resolves, and then starts
   * each at the position returned for it. A partition without one was revoked meanwhile and stays unread. Throwing
   * stops the source.
   */
  assigned(partitions: readonly { id: PartitionId; log: LogIdentity }[]): Promise<Map<string, bigint>>;
  /** Partitions are no longer mine: finish or drop what is under way. Resolves within `deadlineMs`. */
  revoked(partitions: readonly PartitionId[], deadlineMs: number): Promise<void>;
  /** One batch; the next of the same partition comes only after this resolved. Throwing stops the source. */
  batch(batch: Batch): Promise<void>;
  /** The source has trouble reaching its log, or has recovered (`null`). For `/readyz` and occurrences. */
  trouble(error: Error | null): void;
}

export interface Source {
  /**
   * Begins delivery. Resolves at the end of a finite source (file, stdin), or when `close` was called. Rejects only on
   * a failure that retrying cannot mend (configuration, authorization); everything else is retried with backoff and
   * told through `trouble`.
   */
  run(handler: SourceHandler): Promise<void>;
  /**
   * Starts a partition again at `position` (after a refused commit, or a jump of the client). Once this resolved, the
   * next batch of the partition has `from` equal to `position`. May be called while a `batch` of the same partition is
   * running: it does not wait for that one, which ends without effect. No effect on a partition that is not mine.
   */
  seek(partition: PartitionId, position: bigint): Promise<void>;
  /** Asks the log anew who it is and what it holds. Tells loss by retention from a client that jumped. */
  identify(partition: PartitionId): Promise<LogIdentity>;
  /** Mirrors committed positions to where lag tools look (Kafka group offsets). Best effort, safe to repeat. */
  mirror(positions: readonly { id: PartitionId; next: bigint }[]): Promise<void>;
  /** Stops delivery, waits for the running batch, leaves the group. Safe to repeat. */
  close(): Promise<void>;
}

/** `topic:partition`, the name of a partition in maps, Redis keys and logs. */
export const partitionName = (id: PartitionId): string => `${id.topic}:${id.partition}`;

/** What is known of a stored partition beside its fields. */
export interface StoredHeader {
  readonly epoch: bigint;
  /** Position after the last committed record; null when nothing was ever committed. */
  readonly next: bigint | null;
  /** Small string facts of the writer: cluster id, topic id, schema version, config hash, last-record fingerprint. */
  readonly facts: ReadonlyMap<string, string>;
}

export interface Claim {
  readonly header: StoredHeader;
  readonly fields: ReadonlyMap<string, Uint8Array>;
}

export interface CommitRequest {
  readonly epoch: bigint;
  /** The position this writer committed last (null: nothing yet). Not the batch's first position. */
  readonly expected: bigint | null;
  /** May equal `expected` (only fields changed) or lie below it (the log was created again and starts at 0). */
  readonly next: bigint;
  /** Unique per attempt-set: a repeat of the same commit after a lost reply answers `committed`. */
  readonly commitId: string;
  /** All facts: they replace the stored ones. */
  readonly facts: ReadonlyMap<string, string>;
  readonly set: ReadonlyMap<string, Uint8Array>;
  readonly remove: readonly string[];
}

export type CommitResult =
  | { readonly result: 'committed' }
  /** Somebody else owns the partition, or the store went back in time. Reload and seek; nothing was written. */
  | { readonly result: 'refused'; readonly epoch: bigint; readonly next: bigint | null };

export interface StateStore {
  /** Epoch + 1, returns all that is stored. Called on assignment and after a refusal only. Throws StoreUnavailable. */
  claim(partition: string): Promise<Claim>;
  /**
   * Writes fields and position in one step, if `epoch` and `expected` are what is stored. Has a deadline of its own;
   * throws StoreUnavailable when the outcome is unknown, and may then be repeated with the same `commitId`.
   */
  commit(partition: string, request: CommitRequest): Promise<CommitResult>;
  /** Reads without claiming: for the command line (`baseline show`, `incident list`). Null when nothing is stored. */
  read(partition: string): Promise<Claim | null>;
  /** Names of all stored partitions. */
  list(): Promise<string[]>;
  /** Checks that the store can keep a promise (policy, persistence); each finding is a sentence. */
  check(): Promise<StoreCheck[]>;
  close(): Promise<void>;
}

export interface StoreCheck {
  readonly level: 'good' | 'warning' | 'fatal';
  readonly message: string;
}

/** The store did not answer in time or refused the connection: the outcome of the call is unknown. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}

/** Takes committed findings out (Kafka topic, file, stdout). At least once; `finding.id` + `event` + `time` tell repeats. */
export interface Notifier {
  publish(findings: readonly Finding[]): Promise<void>;
  close(): Promise<void>;
}

/** One incident line of the contract, already in the words of `contracts.md`. */
export type Finding = Readonly<Record<string, unknown>> & {
  readonly event: 'opened' | 'changed' | 'resolved';
  readonly id: string;
  readonly environment: string;
  readonly model: string;
};

/** Takes events in (intake, `produce`, `deployment announce`): one message per event, keyed environment/model. */
export interface Producer {
  /** Resolves when the log has acknowledged all. Rejects with SinkUnavailable when it cannot; safe to repeat. */
  send(messages: readonly OutgoingMessage[]): Promise<void>;
  close(): Promise<void>;
}

export interface OutgoingMessage {
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The log cannot be reached or does not acknowledge; nothing is known to be lost, the caller may repeat. */
export class SinkUnavailable extends Error {
  override name = 'SinkUnavailable';
}

export interface Clock {
  nowMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
