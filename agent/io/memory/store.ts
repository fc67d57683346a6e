/** The store of `demo`, `replay` and of tests: a map. Nothing outlives the process. */
import type { Claim, CommitRequest, CommitResult, StateStore, StoreCheck } from '../../flow/ports.ts';
import { checkCommit, judgeCommit, STORE_LIMITS, type StoreLimits } from './stored.ts';

interface Held {
  epoch: bigint;
  next: bigint | null;
  commitId: string;
  facts: ReadonlyMap<string, string>;
  fields: Map<string, Uint8Array>;
}

export function createMemoryStore(options: { readonly limits?: StoreLimits } = {}): StateStore {
  const limits = options.limits ?? STORE_LIMITS;
  const partitions = new Map<string, Held>();

  // Bytes are copied on their way in and out, so that a caller who reuses a buffer cannot change what is stored.
  const copyOut = (held: Held): Claim => ({
    header: { epoch: held.epoch, next: held.next, facts: new Map(held.facts) },
    fields: new Map([...held.fields].map(([name, value]) => [name, value.slice()])),
  });

  return {
    async claim(partition: string): Promise<Claim> {
      const held = partitions.get(partition) ?? {
        epoch: 0n,
        next: null,
        commitId: '',
        facts: new Map(),
        fields: new Map(),
      };
      partitions.set(partition, held);
      held.epoch += 1n;
      return copyOut(held);
    },

    async commit(partition: string, request: CommitRequest): Promise<CommitResult> {
      checkCommit(request, limits);
      const held = partitions.get(partition);
      if (!held) return { result: 'refused', epoch: 0n, next: null };
      const verdict = judgeCommit(held, request);
      if (verdict === 'refuse') return { result: 'refused', epoch: held.epoch, next: held.next };
      if (verdict === 'write') {
        for (const name of request.remove) held.fields.delete(name);
        for (const [name, value] of request.set) held.fields.set(name, value.slice());
        held.next = request.next;
        held.commitId = request.commitId;
        held.facts = new Map(request.facts);
      }
      return { result: 'committed' };
    },

    async read(partition: string): Promise<Claim | null> {
      const held = partitions.get(partition);
      return held ? copyOut(held) : null;
    },

    async list(): Promise<string[]> {
      return [...partitions.keys()].sort();
    },

    async check(): Promise<StoreCheck[]> {
      return [{ level: 'warning', message: 'state is kept in memory only and ends with the process' }];
    },

    async close(): Promise<void> {
      partitions.clear();
    },
  };
}
