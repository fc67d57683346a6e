import type { Core } from '../../agent/flow/core.ts';
import type { CommitRequest, Notifier, StateStore } from '../../agent/flow/ports.ts';
import { type IdRefusal, type IdState, isFinding } from './world/fold.ts';
import type { StoreBug } from './world/store.ts';

/** Bugs that the simulation must catch. Each stands between the agent and its world, so the agent needs no switches. */
export type PlantedBug = keyof typeof BUGS;
type IdCore = Core<IdState, { readonly id: number }, IdRefusal>;

export interface Planted {
  readonly store: StoreBug;
  readonly isBlind: boolean;
  core(core: IdCore, notifier: Notifier): IdCore;
  client(store: StateStore): StateStore;
}

const NONE: Planted = { store: null, isBlind: false, core: (core) => core, client: (store) => store };

/** Rewrites every commit on its way out. */
const rewriting = (rewrite: (request: CommitRequest) => CommitRequest): Partial<Planted> => ({
  client: (store) => ({
    ...store,
    commit: (partition, request) => store.commit(partition, rewrite(request)),
  }),
});

const without = <V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> =>
  new Map([...map].filter(([name]) => name !== key));

let fresh = 0;

export const BUGS = {
  'the store compares nothing': { store: 'no_compare' },
  'the store fences by epoch only': { store: 'epoch_only' },
  'state and position are written one after the other': { store: 'split_position' },
  'a retry has a new commit id': rewriting((request) => ({
    ...request,
    commitId: `${request.commitId}/${fresh++}`,
  })),
  'a refused commit is tried again on what is stored': {
    client: (store: StateStore): StateStore => ({
      ...store,
      async commit(partition, request) {
        const outcome = await store.commit(partition, request);
        if (outcome.result === 'committed') return outcome;
        return store.commit(partition, { ...request, epoch: outcome.epoch, expected: outcome.next });
      },
    }),
  },
  'findings go out as they are folded': {
    core: (core: IdCore, notifier: Notifier): IdCore => ({
      ...core,
      foldEvent(state, event, arrivedMs) {
        core.foldEvent(state, event, arrivedMs);
        const finding = { event: 'opened', id: String(event.id), environment: 'e', model: 'm' } as const;
        if (isFinding(event.id)) notifier.publish([finding]).catch(() => undefined);
      },
    }),
  },
  'views are shown before the commit': {
    client: (store: StateStore): StateStore => ({
      ...store,
      async commit(partition, request) {
        store.commit(partition, request).catch(() => undefined);
        return { result: 'committed' };
      },
    }),
  },
  'undelivered findings are not stored': rewriting((request) => ({
    ...request,
    set: without(request.set, 'pending'),
  })),
  'the last record is not remembered': rewriting((request) => ({
    ...request,
    facts: without(request.facts, 'last'),
  })),
  'loss is not remembered': rewriting((request) => ({ ...request, facts: without(request.facts, 'lost') })),
  'topic ids are not remembered': rewriting((request) => ({
    ...request,
    facts: without(request.facts, 'topic'),
  })),
  'jumps of the client are not seen': { isBlind: true },
} as const satisfies Record<string, Partial<Planted>>;

export const plant = (bug: PlantedBug | null): Planted => ({ ...NONE, ...(bug === null ? {} : BUGS[bug]) });
