/**
 * The exam of every `StateStore`. An adapter's test is a setup and this list. Cases about the outside (a lost reply, a
 * frozen server, a failover) stand with the adapter that has one: `store-redis*.test.ts`, `store-disk.test.ts`.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Claim, type CommitRequest, partitionName, type StateStore } from '../../agent/flow/ports.ts';
import { STORE_LIMITS } from '../../agent/io/memory/stored.ts';

export interface StoreSetup {
  readonly store: () => StateStore;
  /** A second handle on the same data; the same one where only one process may write. */
  readonly rival?: () => StateStore;
}

interface Case {
  readonly store: StateStore;
  readonly rival: StateStore;
  readonly partition: string;
}

/** A name no other test uses. A topic may have dots, and a file's path braces. */
export const freshPartition = (): string =>
  partitionName({ topic: `telemetry.v1-${randomUUID()}`, partition: 3 });

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A commit that changes nothing but the position, unless told. */
export const commitOf = (claim: Claim, change: Partial<CommitRequest> = {}): CommitRequest => ({
  epoch: claim.header.epoch,
  expected: claim.header.next,
  next: (claim.header.next ?? 0n) + 1n,
  commitId: randomUUID(),
  facts: claim.header.facts,
  set: new Map(),
  remove: [],
  ...change,
});

const FACTS = new Map([
  ['cluster', 'c1'],
  ['fingerprint', 'ü "quoted"\n'],
]);

const CASES: Record<string, (c: Case) => Promise<void>> = {
  'claims a partition nobody has stored: epoch 1, no position, no fields': async ({ store, partition }) => {
    const claim = await store.claim(partition);
    expect(claim.header).toEqual({ epoch: 1n, next: null, facts: new Map() });
    expect(claim.fields).toEqual(new Map());
  },

  'gives back what was committed': async ({ store, partition }) => {
    const set = new Map([
      ['model/a', bytes('one')],
      ['schicht-ß/é', bytes('two')],
    ]);
    const request = commitOf(await store.claim(partition), { next: 42n, facts: FACTS, set });
    expect(await store.commit(partition, request)).toEqual({ result: 'committed' });
    const claim = await store.claim(partition);
    expect(claim.header).toEqual({ epoch: 2n, next: 42n, facts: FACTS });
    expect(claim.fields).toEqual(set);
  },

  'keeps every byte value and empty fields': async ({ store, partition }) => {
    const set = new Map([
      ['all', Uint8Array.from({ length: 1_024 }, (_, at) => at & 255)],
      ['crlf', bytes('a\r\nb\0c')],
      ['empty', new Uint8Array(0)],
      ['window', new Uint8Array([9, 1, 2, 9]).subarray(1, 3)],
    ]);
    await store.commit(partition, commitOf(await store.claim(partition), { set }));
    const read = await store.read(partition);
    expect([...(read?.fields ?? [])].map(([name, value]) => [name, [...value]]).sort()).toEqual(
      [...set].map(([name, value]) => [name, [...value]]).sort(),
    );
  },

  'keeps its own copy of the bytes': async ({ store, partition }) => {
    const value = bytes('before');
    const request = commitOf(await store.claim(partition), { set: new Map([['part', value]]) });
    await store.commit(partition, request);
    value.fill(0);
    (await store.read(partition))?.fields.get('part')?.fill(1);
    expect((await store.read(partition))?.fields.get('part')).toEqual(bytes('before'));
  },

  'removes fields, replaces others, keeps the rest': async ({ store, partition }) => {
    const first = new Map(['a', 'b', 'c'].map((name) => [name, bytes(`${name}1`)]));
    await store.commit(partition, commitOf(await store.claim(partition), { set: first }));
    const claim = await store.claim(partition);
    const change = { set: new Map([['b', bytes('b2')]]), remove: ['a', 'never-there'] };
    expect(await store.commit(partition, commitOf(claim, change))).toEqual({ result: 'committed' });
    expect((await store.read(partition))?.fields).toEqual(
      new Map([
        ['b', bytes('b2')],
        ['c', bytes('c1')],
      ]),
    );
  },

  'replaces all facts': async ({ store, partition }) => {
    await store.commit(partition, commitOf(await store.claim(partition), { facts: FACTS }));
    const facts = new Map([['topic', 't2']]);
    await store.commit(partition, commitOf(await store.claim(partition), { facts }));
    expect((await store.read(partition))?.header.facts).toEqual(facts);
  },

  'counts the epoch up at each claim and refuses the older one': async ({ store, rival, partition }) => {
    const old = await store.claim(partition);
    const young = await rival.claim(partition);
    expect(young.header.epoch).toBe(old.header.epoch + 1n);
    const set = new Map([['part', bytes('of a zombie')]]);
    const answer = await store.commit(partition, commitOf(old, { set }));
    expect(answer).toEqual({ result: 'refused', epoch: young.header.epoch, next: null });
    expect((await store.read(partition))?.fields).toEqual(new Map());
    expect(await rival.commit(partition, commitOf(young))).toEqual({ result: 'committed' });
  },

  'refuses another position than the stored one and writes nothing': async ({ store, partition }) => {
    const set = new Map([['part', bytes('kept')]]);
    const first = commitOf(await store.claim(partition), { next: 10n, facts: FACTS, set });
    await store.commit(partition, first);
    const { header } = await store.claim(partition);
    for (const expected of [9n, 11n, null, 0n]) {
      const request = { ...first, epoch: header.epoch, expected, next: 20n, commitId: randomUUID() };
      const wrong = { ...request, facts: new Map(), set: new Map([['part', bytes('x')]]), remove: ['part'] };
      expect(await store.commit(partition, wrong)).toEqual({
        result: 'refused',
        epoch: header.epoch,
        next: 10n,
      });
    }
    const read = await store.read(partition);
    expect(read).toEqual({ header: { epoch: header.epoch, next: 10n, facts: FACTS }, fields: set });
  },

  'tells position 0 from none': async ({ store, partition }) => {
    const claim = await store.claim(partition);
    expect(await store.commit(partition, commitOf(claim, { expected: 0n, next: 5n }))).toEqual({
      result: 'refused',
      epoch: 1n,
      next: null,
    });
    await store.commit(partition, commitOf(claim, { next: 0n }));
    expect((await store.read(partition))?.header.next).toBe(0n);
  },

  'compares positions above 2^53 exactly': async ({ store, partition }) => {
    const big = 2n ** 53n + 1n;
    const claim = await store.claim(partition);
    await store.commit(partition, commitOf(claim, { next: big }));
    // As doubles these three are one number.
    for (const expected of [big - 1n, 2n ** 53n + 2n]) {
      const answer = await store.commit(partition, commitOf(claim, { expected, next: big + 9n }));
      expect(answer).toEqual({ result: 'refused', epoch: 1n, next: big });
    }
    const last = 2n ** 63n - 1n;
    expect(await store.commit(partition, commitOf(claim, { expected: big, next: last }))).toEqual({
      result: 'committed',
    });
    expect((await store.read(partition))?.header.next).toBe(last);
  },

  'takes a commit that goes back, or stays where it is': async ({ store, partition }) => {
    const claim = await store.claim(partition);
    await store.commit(partition, commitOf(claim, { next: 100n }));
    for (const [expected, next] of [
      [100n, 100n],
      [100n, 0n],
    ] as const) {
      expect(await store.commit(partition, commitOf(claim, { expected, next }))).toEqual({
        result: 'committed',
      });
    }
    expect((await store.read(partition))?.header.next).toBe(0n);
  },

  'answers `committed` to a repeat and applies it once': async ({ store, partition }) => {
    const claim = await store.claim(partition);
    const request = commitOf(claim, { next: 7n, set: new Map([['part', bytes('once')]]) });
    for (let time = 0; time < 3; time++)
      expect(await store.commit(partition, request)).toEqual({ result: 'committed' });
    expect((await store.read(partition))?.header).toEqual({ epoch: 1n, next: 7n, facts: new Map() });
    // The repeat of an older commit must not bring the old state back.
    await store.commit(partition, commitOf(claim, { expected: 7n, next: 9n, remove: ['part'] }));
    expect(await store.commit(partition, request)).toEqual({ result: 'refused', epoch: 1n, next: 9n });
    expect((await store.read(partition))?.fields).toEqual(new Map());
  },

  'answers `committed` to a repeat after another claim': async ({ store, rival, partition }) => {
    const request = commitOf(await store.claim(partition), { next: 7n });
    await store.commit(partition, request);
    await rival.claim(partition);
    expect(await store.commit(partition, request)).toEqual({ result: 'committed' });
  },

  'refuses a commit to a partition nobody claimed': async ({ store, partition }) => {
    const request = commitOf({ header: { epoch: 1n, next: null, facts: new Map() }, fields: new Map() });
    expect(await store.commit(partition, request)).toEqual({ result: 'refused', epoch: 0n, next: null });
    expect(await store.read(partition)).toBeNull();
  },

  'lets exactly one of many racing writers win': async ({ store, rival, partition }) => {
    const claim = await store.claim(partition);
    const requests = Array.from({ length: 20 }, (_, at) =>
      commitOf(claim, { next: BigInt(at + 1), set: new Map([['winner', bytes(`${at}`)]]) }),
    );
    const answers = await Promise.all(
      requests.map((request, at) => (at % 2 ? store : rival).commit(partition, request)),
    );
    const winners = answers.flatMap(({ result }, at) => (result === 'committed' ? [at] : []));
    expect(winners).toHaveLength(1);
    const read = await store.read(partition);
    expect(read?.header.next).toBe(BigInt((winners[0] ?? 0) + 1));
    expect(read?.fields.get('winner')).toEqual(bytes(`${winners[0]}`));
  },

  'gives racing claims an epoch each': async ({ store, rival, partition }) => {
    const claims = await Promise.all([store, rival, store, rival].map((one) => one.claim(partition)));
    expect(claims.map(({ header }) => header.epoch).sort()).toEqual([1n, 2n, 3n, 4n]);
  },

  'reads without claiming, and null where nothing is stored': async ({ store, rival, partition }) => {
    expect(await store.read(partition)).toBeNull();
    const claim = await store.claim(partition);
    expect((await rival.read(partition))?.header).toEqual(claim.header);
    expect(await store.commit(partition, commitOf(claim))).toEqual({ result: 'committed' });
  },

  'keeps partitions apart and lists them sorted': async ({ store, partition }) => {
    const names = ['b', 'a', 'a{x}[*]?'].map((part) => `${partition}-${part}`);
    for (const name of names) {
      const set = new Map([['name', bytes(name)]]);
      await store.commit(name, commitOf(await store.claim(name), { set }));
    }
    const mine = (await store.list()).filter((name) => name.startsWith(partition));
    expect(mine).toEqual([...names].sort());
    for (const name of names) expect((await store.read(name))?.fields.get('name')).toEqual(bytes(name));
  },

  'takes a commit of a thousand fields and a megabyte': async ({ store, partition }) => {
    const names = Array.from({ length: 1_500 }, (_, at) => `part-${at}`);
    const set = new Map(names.map((name, at) => [name, new Uint8Array(800).fill(at & 255)]));
    const claim = await store.claim(partition);
    expect(await store.commit(partition, commitOf(claim, { set }))).toEqual({ result: 'committed' });
    expect((await store.read(partition))?.fields).toEqual(set);
    const remove = names.slice(0, 1_200);
    await store.commit(partition, commitOf(claim, { expected: 1n, next: 2n, remove }));
    expect((await store.read(partition))?.fields.size).toBe(300);
  },

  'throws at a commit no store could give back': async ({ store, partition }) => {
    const claim = await store.claim(partition);
    const tooLarge = new Uint8Array(STORE_LIMITS.fieldBytesMax + 1);
    for (const change of [
      { set: new Map([['part', tooLarge]]) },
      { set: new Map([['', bytes('x')]]) },
      { set: new Map([['\ud800', bytes('x')]]) },
      { commitId: '' },
      { next: -1n },
    ]) {
      await expect(store.commit(partition, commitOf(claim, change))).rejects.toThrow(RangeError);
    }
    expect(await store.read(partition)).toEqual(claim);
  },

  'finds nothing fatal about itself': async ({ store }) => {
    const checks = await store.check();
    expect(checks.length).toBeGreaterThan(0);
    expect(checks.filter(({ level }) => level === 'fatal')).toEqual([]);
  },
};

export function storeContract(name: string, setup: StoreSetup): void {
  describe(`store contract: ${name}`, () => {
    for (const [sentence, run] of Object.entries(CASES)) {
      test(sentence, async () => {
        const store = setup.store();
        await run({ store, rival: (setup.rival ?? setup.store)(), partition: freshPartition() });
      });
    }
  });
}
