/** Redis behind Sentinel: the common exam, then failovers, the last one with acknowledged writes that are lost. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type StateStore, StoreUnavailable } from '../../agent/flow/ports.ts';
import { createRedisStore } from '../../agent/io/redis/store.ts';
import { fileOwner, type Owner } from '../kit/owner.ts';
import { redisCli } from '../kit/redis.ts';
import { type SentinelSetup, startSentinel } from '../kit/redis-sentinel.ts';
import { waitFor } from '../kit/wait-for.ts';
import { bytes, commitOf, storeContract } from './store.ts';

const owner = fileOwner();
let store: StateStore;
beforeAll(async () => {
  store = openStore(owner, await startSentinel(owner));
});
storeContract('Redis Sentinel', { store: () => store });

function openStore(by: Owner, { sentinels, name }: SentinelSetup, deadlineMs = 2_000): StateStore {
  const opened = createRedisStore({ target: { mode: 'sentinel', sentinels, name }, deadlineMs });
  by.onTestFinished(() => opened.close());
  return opened;
}

const untilMasterIs = (setup: SentinelSetup, port: number) =>
  waitFor(async () => (await setup.masterPort()) === port, { what: 'the failover', deadlineMs: 60_000 });

const replicated = (setup: SentinelSetup, next: string) =>
  waitFor(async () => (await setup.replica.cli('hget', 'nw:{t:0}', 'next')) === next, {
    what: 'the replica',
  });

/** Repeats a call while the store is unavailable, as the flow does. */
const answered = <T>(call: () => Promise<T>) =>
  waitFor(call, { what: 'the store to answer after a failover', deadlineMs: 60_000 });

describe('Redis store behind Sentinel', () => {
  test('goes on at the new master when the old one dies', async (t) => {
    const setup = await startSentinel(t, { args: ['--appendonly', 'yes'] });
    const patient = openStore(t, setup, 1_000);
    const claim = await patient.claim('t:0');
    await patient.commit('t:0', commitOf(claim, { next: 5n, set: new Map([['part', bytes('kept')]]) }));
    await replicated(setup, '5');
    await setup.master.kill();
    const request = commitOf(claim, { expected: 5n, next: 6n });
    await expect(patient.commit('t:0', request)).rejects.toThrow(StoreUnavailable);
    await untilMasterIs(setup, setup.replica.port);
    expect(await answered(() => patient.commit('t:0', request))).toEqual({ result: 'committed' });
    expect((await patient.claim('t:0')).fields.get('part')).toEqual(bytes('kept'));
  });

  test('goes to the new master when the old one lives on as a replica', async (t) => {
    const setup = await startSentinel(t);
    const patient = openStore(t, setup, 1_000);
    const claim = await patient.claim('t:0');
    await patient.commit('t:0', commitOf(claim));
    await replicated(setup, '1');
    const [sentinel] = setup.sentinels;
    const failover = () => redisCli(sentinel?.port ?? 0, ['sentinel', 'failover', setup.name]);
    await waitFor(async () => (await failover()) === 'OK', { what: 'the sentinel to find the replica good' });
    await untilMasterIs(setup, setup.replica.port);
    await waitFor(async () => (await setup.master.cli('info', 'replication')).includes('role:slave'), {
      what: 'the old master to become a replica',
      deadlineMs: 60_000,
    });
    expect(await answered(() => patient.commit('t:0', commitOf(claim, { expected: 1n, next: 2n })))).toEqual({
      result: 'committed',
    });
    expect(await setup.replica.cli('hget', 'nw:{t:0}', 'next')).toBe('2');
  });

  test('a failover that loses acknowledged writes refuses with the older position and state', async (t) => {
    const setup = await startSentinel(t);
    const patient = openStore(t, setup, 1_000);
    const claim = await patient.claim('t:0');
    await patient.commit('t:0', commitOf(claim, { next: 5n, set: new Map([['part', bytes('old')]]) }));
    await replicated(setup, '5');
    // The replica stands still and its link is gone: what is acknowledged from here on, only the master has.
    setup.replica.signal('SIGSTOP');
    await setup.master.cli('client', 'kill', 'type', 'replica');
    const set = new Map([['part', bytes('lost')]]);
    const lost = commitOf(claim, { expected: 5n, next: 9n, set });
    expect(await patient.commit('t:0', lost)).toEqual({ result: 'committed' });
    await setup.master.kill();
    setup.replica.signal('SIGCONT');
    await untilMasterIs(setup, setup.replica.port);
    const next = commitOf(claim, { expected: 9n, next: 12n });
    expect(await answered(() => patient.commit('t:0', next))).toEqual({
      result: 'refused',
      epoch: claim.header.epoch,
      next: 5n,
    });
    // State and position went back together: reading the log again from 5 mends it.
    const again = await patient.claim('t:0');
    expect(again.header.next).toBe(5n);
    expect(again.fields.get('part')).toEqual(bytes('old'));
    expect(await patient.commit('t:0', commitOf(again, { next: 12n }))).toEqual({ result: 'committed' });
  });

  test('says so when no sentinel answers', async (t) => {
    const target = { mode: 'sentinel', sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'x' } as const;
    const lonely = createRedisStore({ target, deadlineMs: 1_500 });
    t.onTestFinished(() => lonely.close());
    await expect(lonely.claim('t:0')).rejects.toThrow(/All sentinels are unreachable/);
  });
});
