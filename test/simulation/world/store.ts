import {
  type Claim,
  type CommitRequest,
  type CommitResult,
  type StateStore,
  StoreUnavailable,
} from '../../../agent/flow/ports.ts';
import type { Faults } from './faults.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Time } from './time.ts';

/**
 * A store over a network that loses, delays and doubles requests and replies, with a replica that lags: a failover
 * takes back writes that were acknowledged. Its rule is written down here once more, on purpose.
 */
export interface Held {
  readonly epoch: bigint;
  readonly next: bigint | null;
  readonly commitId: string;
  readonly facts: ReadonlyMap<string, string>;
  readonly fields: ReadonlyMap<string, Uint8Array>;
}

export type StoreBug = 'no_compare' | 'epoch_only' | 'split_position' | null;

export interface SimulatedStore {
  held(partition: string): Held;
  client(process: Process): StateStore;
  /** Goes back by up to `steps` writes; answers with how many. */
  failOver(steps: number): number;
  setOutage(isOut: boolean): void;
  /** Faults end: requests under way still arrive, new ones go well. */
  heal(): void;
  onWrite: (partition: string, held: Held, request: CommitRequest) => void;
  /** `isOwn`: it had written just that, and nothing has happened since. */
  onRefused: (partition: string, held: Held, request: CommitRequest, isOwn: boolean) => void;
}

const NOTHING: Held = { epoch: 0n, next: null, commitId: '', facts: new Map(), fields: new Map() };
const DEADLINE_MS = 200;
const VERSIONS_MAX = 40;

export interface StoreOptions {
  readonly time: Time;
  readonly random: Random;
  readonly faults: Faults;
  readonly bug: StoreBug;
  /** Of calls that meet a fault on their way. */
  readonly lossiness: number;
}

export function createStore({ time, random, faults, bug, lossiness }: StoreOptions): SimulatedStore {
  let current: ReadonlyMap<string, Held> = new Map();
  let versions: ReadonlyMap<string, Held>[] = [];
  /** The fields of the last write and what is stored since: whoever sent them must not be refused them. */
  const lastWrites = new Map<string, { readonly set: unknown; readonly held: Held }>();
  let isOut = false;
  let isHealed = false;

  const held = (partition: string): Held => current.get(partition) ?? NOTHING;
  function put(partition: string, value: Held): void {
    versions = [...versions, current].slice(-VERSIONS_MAX);
    current = new Map(current).set(partition, value);
  }

  function claim(partition: string): Claim {
    const before = held(partition);
    const after = { ...before, epoch: before.epoch + 1n };
    put(partition, after);
    return { header: { epoch: after.epoch, next: after.next, facts: after.facts }, fields: after.fields };
  }

  function commit(partition: string, request: CommitRequest): CommitResult {
    const before = held(partition);
    if (before.commitId === request.commitId && before.next === request.next) return { result: 'committed' };
    const isMine = before.epoch === request.epoch;
    const fits = before.next === request.expected;
    const isAllowed = bug === 'no_compare' || (bug === 'epoch_only' ? isMine : isMine && fits);
    if (!isAllowed) return { result: 'refused', epoch: before.epoch, next: before.next };
    const fields = new Map(before.fields);
    for (const name of request.remove) fields.delete(name);
    for (const [name, bytes] of request.set) fields.set(name, bytes);
    const { facts, next, commitId } = request;
    if (bug === 'split_position') {
      put(partition, { ...before, fields, facts, commitId });
      time.after(random.between(1, 40), () => put(partition, { ...held(partition), next }));
    } else put(partition, { ...before, fields, facts, next, commitId });
    lastWrites.set(partition, { set: request.set, held: held(partition) });
    store.onWrite(partition, { ...before, fields, facts, next, commitId }, request);
    return { result: 'committed' };
  }

  /** One call over the network: `apply` happens at the store, maybe late, twice or never. */
  function call<T>(
    process: Process,
    apply: () => T,
    onReply: (reply: T) => void = () => undefined,
  ): Promise<T> {
    const answer = Promise.withResolvers<T>();
    const isFaulty = !isHealed && random.chance(lossiness);
    const fate = isOut
      ? 'lost'
      : isFaulty
        ? random.pick(['lost', 'reply_lost', 'late', 'twice'] as const)
        : 'good';
    const there = random.between(0, 15);
    const back = random.between(0, 15);
    const deliver = (): void => {
      const reply = apply();
      if (fate === 'reply_lost' || fate === 'late') return;
      time.after(back, () => {
        onReply(reply);
        answer.resolve(reply);
      });
    };
    if (fate !== 'good') faults.count(`store_${fate}`);
    if (fate !== 'lost') time.after(fate === 'late' ? DEADLINE_MS + there * 20 : there, deliver);
    if (fate === 'twice') time.after(there + random.between(1, 1_000), () => void apply());
    time.after(DEADLINE_MS, () => answer.reject(new StoreUnavailable('no answer in time')));
    answer.promise.catch(() => undefined); // the process may be dead by then
    return process.through(answer.promise);
  }

  const store: SimulatedStore = {
    held,
    client: (process) => ({
      claim: (partition) => call(process, () => claim(partition)),
      commit: (partition, request) =>
        call(
          process,
          () => commit(partition, request),
          (reply) => {
            if (reply.result === 'committed') return;
            const last = lastWrites.get(partition);
            const isOwn = last?.set === request.set && last.held === held(partition);
            store.onRefused(partition, held(partition), request, isOwn);
          },
        ),
      read: () => Promise.resolve(null),
      list: () => Promise.resolve([]),
      check: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    }),
    failOver(steps) {
      const back = Math.min(steps, versions.length);
      if (back === 0) return 0;
      current = versions[versions.length - back]!;
      versions = versions.slice(0, versions.length - back);
      return back;
    },
    setOutage(value) {
      isOut = value;
    },
    heal() {
      isOut = false;
      isHealed = true;
    },
    onWrite: () => undefined,
    onRefused: () => undefined,
  };
  return store;
}
