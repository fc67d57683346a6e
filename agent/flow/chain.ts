import { backOff } from './backoff.ts';
import type { Occurrences } from './occurrences.ts';
import {
  type Batch,
  type Clock,
  END_UNKNOWN,
  type LogIdentity,
  type PartitionId,
  partitionName,
  type Source,
} from './ports.ts';
import { sameLog } from './start.ts';
import { readFrom, skipLost, type Tenure } from './tenure.ts';

/**
 * The agent's own check that batches follow one another: clients jump (kafkajs does, without a word, when an offset is
 * out of range), hand out what they fetched before a rebalance or a seek, or deliver a batch twice. A gap between
 * records inside a batch is none of that: compaction and aborted transactions leave gaps.
 */
export interface ChainOptions {
  readonly id: PartitionId;
  readonly source: Source;
  readonly clock: Clock;
  readonly occurrences: Occurrences;
  /** Ends with the ownership. */
  readonly signal: AbortSignal;
  onFailure(error: unknown): void;
}

export function createChain({ id, source, clock, occurrences, signal, onFailure }: ChainOptions) {
  const partition = partitionName(id);
  /** The seek under way: until it is done, batches that do not fit were fetched before it. */
  let seeking: Promise<void> | null = null;
  /** In a row, without a batch that fitted. */
  let jumps = 0;

  /** Null when the partition was lost meanwhile. */
  async function identify(): Promise<LogIdentity | null> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        return await source.identify(id);
      } catch (error) {
        occurrences.sourceUnanswered(partition, error as Error);
        await backOff(clock, failures, signal);
      }
    }
    return null;
  }

  /** Not to be awaited inside `batch`: a source may wait for the running batch first. */
  function seekTo(target: Promise<bigint | null>): void {
    const seek = target
      .then((position) => (position === null ? undefined : source.seek(id, position)))
      .catch((error: unknown) => {
        if (!signal.aborted) onFailure(error);
      })
      .finally(() => {
        if (seeking === seek) seeking = null;
      });
    seeking = seek;
  }

  async function readAgain(tenure: Tenure<unknown>): Promise<'drop'> {
    if (jumps > 0) await backOff(clock, jumps - 1, tenure.aborter.signal);
    jumps += 1;
    if (!tenure.aborter.signal.aborted) seekTo(Promise.resolve(readFrom(tenure)));
    return 'drop';
  }

  /** `reload`: not the log it was, or cut before what was read. */
  function compareLog(tenure: Tenure<unknown>, log: LogIdentity): 'same' | 'reload' {
    if (log.end < tenure.next || sameLog(tenure, log) === 'no') return 'reload';
    if (log.low <= tenure.next) return 'same';
    occurrences.recordsExpired(partition, tenure.next, log.low);
    skipLost(tenure, log.low);
    return 'same';
  }

  return {
    identify,
    seekTo,

    /** `use`: fold it, leaving out what was folded already. `reload`: the log is not what it was. */
    async check(tenure: Tenure<unknown>, { from, next }: Batch): Promise<'use' | 'drop' | 'reload'> {
      if (from === tenure.next || from === tenure.check?.position) {
        jumps = 0;
        return 'use';
      }
      if (seeking !== null) return 'drop';
      const log = await identify();
      if (log === null || tenure.aborter.signal.aborted) return 'drop';
      if (compareLog(tenure, log) === 'reload') return 'reload';
      if (from > tenure.next) {
        occurrences.positionJumped(partition, tenure.next, from);
        return readAgain(tenure);
      }
      if (from === tenure.next) return 'use';
      occurrences.positionRepeated(partition, tenure.next, from);
      return next < tenure.next ? readAgain(tenure) : 'use';
    },

    /**
     * Nothing came for a while: a client that jumped to the end, or hangs, is never seen by `check`. Answers with the
     * log as it is, null when there is nothing to conclude.
     */
    async wake(tenure: Tenure<unknown>, isStillIdle: () => boolean): Promise<LogIdentity | 'reload' | null> {
      const log = await identify();
      if (log === null || tenure.aborter.signal.aborted || seeking !== null || !isStillIdle()) return null;
      if (compareLog(tenure, log) === 'reload') return 'reload';
      if (log.end !== END_UNKNOWN && log.end > tenure.next) {
        occurrences.positionStalled(partition, tenure.next, log.end);
        seekTo(Promise.resolve(readFrom(tenure)));
      }
      return log;
    },
  };
}
