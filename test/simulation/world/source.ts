import {
  type PartitionId,
  partitionName,
  type Source,
  type SourceHandler,
} from '../../../agent/flow/ports.ts';
import type { Faults } from './faults.ts';
import type { Group } from './group.ts';
import type { PartitionLog } from './log.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

/**
 * A client of the log with the faults of real ones: it jumps without a word when a position is out of range, or for no
 * reason; it delivers a batch twice, or one that it fetched before it lost the partition; its seek takes a while.
 */
export interface SourceOptions {
  readonly process: Process;
  readonly logs: readonly PartitionLog[];
  readonly group: Group;
  readonly random: Random;
  readonly faults: Faults;
  /** Of fetches that go wrong. */
  readonly unruliness: () => number;
  /** Planted: it hides jumps by claiming that every batch follows the one before. */
  readonly isBlind: boolean;
}

interface Cursor {
  position: bigint;
  /** What the agent believes the position to be: differs only while the client lies. */
  claimed: bigint;
  seeks: number;
  readonly incarnation: number;
  isMine: boolean;
}

const TOPIC = 't';
const REVOKE_DEADLINE_MS = 150;
export const simulatedPartition = (partition: number): PartitionId => ({ topic: TOPIC, partition });

export function createSource({
  process,
  logs,
  group,
  random,
  faults,
  unruliness,
  isBlind,
}: SourceOptions): Source {
  const { clock } = process;
  const cursors = new Map<number, Cursor>();
  const running = new Set<Promise<void>>();
  let isClosed = false;
  let joined = -1;
  let handler: SourceHandler;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);

  function spawn(work: Promise<void>): void {
    const run = work.catch((error: unknown) => failed.reject(error)).finally(() => running.delete(run));
    running.add(run);
  }

  async function rejoin(): Promise<void> {
    joined = group.generation();
    const target = group.assignment(process);
    const isEager = random.chance(0.5);
    const isGone = (p: number): boolean => cursors.get(p)!.incarnation !== logs[p]!.incarnation;
    const lost = [...cursors.keys()].filter((p) => isEager || !target.includes(p) || isGone(p));
    for (const p of lost) {
      cursors.get(p)!.isMine = false;
      cursors.delete(p);
    }
    if (lost.length > 0) faults.count('revoked', lost.length);
    if (lost.length > 0) await handler.revoked(lost.map(simulatedPartition), REVOKE_DEADLINE_MS);
    if (group.generation() !== joined) return;
    const gained = target.filter((p) => !cursors.has(p));
    for (const p of gained)
      cursors.set(p, {
        position: 0n,
        claimed: 0n,
        seeks: 0,
        incarnation: logs[p]!.incarnation,
        isMine: true,
      });
    // Not awaited: a member goes on with its heartbeats while the store is slow.
    if (gained.length > 0) spawn(start(gained));
  }

  async function start(gained: readonly number[]): Promise<void> {
    const asked = gained.map((p) => ({ p, cursor: cursors.get(p)!, log: logs[p]!.identify() }));
    await clock.sleep(random.between(0, 20));
    const mine = asked.filter(({ cursor }) => cursor.isMine);
    const starts = await handler.assigned(mine.map(({ p, log }) => ({ id: simulatedPartition(p), log })));
    for (const { p, cursor } of mine) {
      const position = starts.get(partitionName(simulatedPartition(p)));
      if (!cursor.isMine || position === undefined) continue;
      cursor.position = position;
      cursor.claimed = position;
      spawn(deliver(p, cursor));
    }
  }

  async function deliver(p: number, cursor: Cursor): Promise<void> {
    const log = logs[p]!;
    while (cursor.isMine && !isClosed) {
      await clock.sleep(random.between(1, 12));
      if (random.chance(unruliness())) misbehave(log, cursor);
      if (log.incarnation !== cursor.incarnation) return;
      const seeks = cursor.seeks;
      const from = cursor.position;
      const fetched = log.fetch(from, random.between(1, 12));
      if (fetched === 'out_of_range') {
        faults.count('out_of_range');
        cursor.position = random.chance(0.5) ? log.low : log.end;
        continue;
      }
      if (fetched.next === from) continue;
      await clock.sleep(random.between(0, 8));
      if (log.incarnation !== cursor.incarnation) return;
      if (cursor.seeks !== seeks) continue;
      if (!cursor.isMine && !random.chance(unruliness() * 5)) return;
      if (!cursor.isMine) faults.count('stale_batch');
      const { records, next, end } = fetched;
      await handler.batch({
        partition: simulatedPartition(p),
        records,
        from: isBlind ? cursor.claimed : from,
        next,
        end,
      });
      if (cursor.seeks !== seeks) continue;
      cursor.position = next;
      cursor.claimed = next;
    }
  }

  function misbehave(log: PartitionLog, cursor: Cursor): void {
    const by = BigInt(random.between(1, 20));
    const to = random.chance(0.5) ? cursor.position + by : cursor.position - by;
    if (to < log.low || to > log.end) return;
    faults.count(to > cursor.position ? 'jumped_forward' : 'jumped_back');
    cursor.position = to;
  }

  return {
    async run(given) {
      handler = given;
      group.join(process);
      const heartbeats = async (): Promise<void> => {
        while (!isClosed) {
          if (group.generation() === joined) await clock.sleep(random.between(5, 20));
          else await rejoin();
        }
      };
      await Promise.race([heartbeats(), failed.promise]);
    },
    async seek({ partition }, position) {
      const cursor = cursors.get(partition);
      await clock.sleep(random.between(0, 10));
      if (cursor === undefined) return;
      cursor.position = position;
      cursor.claimed = position;
      cursor.seeks += 1;
    },
    async identify({ partition }) {
      await clock.sleep(random.between(0, 10));
      if (random.chance(unruliness())) throw new Error('the broker does not answer');
      return logs[partition]!.identify();
    },
    mirror: () => Promise.resolve(),
    async close() {
      isClosed = true;
      for (const cursor of cursors.values()) cursor.isMine = false;
      group.leave(process);
      await Promise.all(running);
    },
  };
}
