/** Small ports for tests of the flow. Time moves only when told. */

import type { Log } from '../../../agent/flow/occurrences.ts';
import {
  type Batch,
  type Clock,
  type CommitRequest,
  type Finding,
  type LogIdentity,
  type PartitionId,
  type Source,
  type SourceHandler,
  type StateStore,
  StoreUnavailable,
} from '../../../agent/flow/ports.ts';
import { createMemoryStore } from '../../../agent/io/memory/store.ts';
import { createTime, type Time } from '../../simulation/world/time.ts';

export interface ToldLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function createToldLog(): Log & { readonly lines: ToldLine[] } {
  const lines: ToldLine[] = [];
  const at =
    (level: keyof Log) =>
    (message: string, fields = {}): void =>
      void lines.push({ level, message, fields });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export const createTestTime = (): Time & Clock => createTime();

export const finding = (id: string): Finding => ({
  event: 'opened',
  id,
  environment: 'e',
  model: 'm',
  message: id,
});

/** A source whose handler the test calls by hand. */
export interface HandSource extends Source {
  handler: SourceHandler;
  log: LogIdentity;
  readonly seeks: bigint[];
  readonly mirrored: bigint[];
  mirrorFails: boolean;
  /** The log ends: `run` resolves. */
  end(): void;
}

export const ID: PartitionId = { topic: 't', partition: 0 };

export function createHandSource(log: Partial<LogIdentity> = {}): HandSource {
  const ended = Promise.withResolvers<void>();
  const source: HandSource = {
    handler: undefined as unknown as SourceHandler,
    log: { clusterId: 'c', topicId: 'x', low: 0n, end: 1_000n, ...log },
    seeks: [],
    mirrored: [],
    mirrorFails: false,
    end: () => ended.resolve(),
    run(handler) {
      source.handler = handler;
      return ended.promise;
    },
    seek: async (_, position) => void source.seeks.push(position),
    identify: async () => source.log,
    async mirror(positions) {
      if (source.mirrorFails) throw new Error('no coordinator');
      source.mirrored.push(...positions.map(({ next }) => next));
    },
    close: async () => ended.resolve(),
  };
  return source;
}

/** Records of ids that are their positions + 1, and a batch of them. */
export function batchOf(from: number, next: number, ids = (position: number): number => position + 1): Batch {
  const records = Array.from({ length: next - from }, (_, i) => ({
    position: BigInt(from + i),
    arrivedMs: null,
    key: null,
    value: new TextEncoder().encode(JSON.stringify({ id: ids(from + i) })),
    headers: new Map(),
  }));
  return { partition: ID, records, from: BigInt(from), next: BigInt(next), end: BigInt(next) };
}

/** Real store in memory that can be taken down. */
export function createBreakableStore(): StateStore & { isDown: boolean; readonly commits: CommitRequest[] } {
  const memory = createMemoryStore();
  const orDown = <T>(call: () => Promise<T>): Promise<T> =>
    store.isDown ? Promise.reject(new StoreUnavailable('no route to the store')) : call();
  const store = {
    ...memory,
    isDown: false,
    commits: [] as CommitRequest[],
    claim: (partition: string) => orDown(() => memory.claim(partition)),
    commit: (partition: string, request: CommitRequest) =>
      orDown(() => {
        store.commits.push(request);
        return memory.commit(partition, request);
      }),
  };
  return store;
}
