/** Stores that are down, folds that break, states that cannot be used: what the agent does then, and says. */
import { describe, expect, test } from 'vitest';
import { type IdState, idFold } from '../../simulation/world/fold.ts';
import { type Options, setUpAgent } from './agent-kit.ts';
import { batchOf, createTestTime, ID } from './flow-kit.ts';

describe('a store that is down', () => {
  test('is told at the claim and in the status, until it answers', async () => {
    const { agent, store, told, passMs, settled, assign } = setUpAgent();
    void agent.run();
    store.isDown = true;
    const assigned = assign();
    await passMs(1_000);
    expect(agent.status()).toEqual({ kafka: null, store: 'no route to the store' });
    store.isDown = false;
    expect(await settled(assigned)).toEqual(new Map([['t:0', 0n]]));
    expect(agent.status().store).toBeNull();
    expect([told('store_unavailable').length, told('store_recovered').length]).toEqual([1, 1]);
  });

  test('makes the source wait before memory fills up, and loses nothing', async () => {
    const { agent, source, store, assign, deliver, passMs, settled, stored } = setUpAgent(
      {},
      { commitRecords: 50 },
    );
    void agent.run();
    await assign();
    store.isDown = true;
    await deliver(0, 60); // begins a commit that cannot be written
    let isTaken = false;
    const second = source.handler.batch(batchOf(60, 160)).then(() => {
      isTaken = true;
    });
    await passMs(20_000);
    expect(isTaken).toBe(false);
    store.isDown = false;
    await settled(second);
    await passMs(2_000);
    expect(await stored()).toMatchObject({ next: 160n, counted: 160 });
  });

  test('gets the same commit again, not another one', async () => {
    const { agent, store, assign, deliver, passMs } = setUpAgent();
    const { commit } = store;
    const ids: string[] = [];
    store.commit = async (partition, request) => {
      ids.push(request.commitId);
      return commit(partition, request);
    };
    void agent.run();
    await assign();
    await deliver(0, 10);
    store.isDown = true;
    await passMs(4_000);
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(1);
  });

  test('does not keep close from ending', async () => {
    const { agent, store, time, assign, deliver, settled } = setUpAgent({}, { closeDeadlineMs: 3_000 });
    const run = agent.run();
    await assign();
    await deliver(0, 10);
    store.isDown = true;
    const beganMs = time.nowMs();
    await settled(Promise.all([agent.close(), agent.close(), run]));
    expect(time.nowMs() - beganMs).toBeLessThanOrEqual(3_000);
  });
});

describe('folding', () => {
  test('gives up its turn every few milliseconds', async () => {
    const time = createTestTime();
    let workMs = 0;
    let turns = 0;
    const clock = {
      nowMs: () => {
        workMs += 0.5;
        return time.nowMs() + workMs;
      },
      sleep(ms: number, signal?: AbortSignal) {
        if (ms === 0) turns += 1;
        return time.sleep(ms, signal);
      },
    };
    const { agent, source } = setUpAgent({ clock }, { foldSliceMs: 5 });
    void agent.run();
    const assigned = source.handler.assigned([{ id: ID, log: source.log }]);
    await time.runUntil(() => false, time.nowMs() + 100);
    await assigned;
    let isTaken = false;
    void source.handler.batch(batchOf(0, 200)).then(() => {
      isTaken = true;
    });
    expect(await time.runUntil(() => isTaken, time.nowMs() + 10_000)).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(200 / 10);
  });

  test('of a record that decode refuses goes on behind it, and tells which', async () => {
    const { agent, assign, deliver, passMs, stored, told } = setUpAgent();
    void agent.run();
    await assign();
    await deliver(0, 11); // id 11, the last one, is refused
    await passMs(1_000);
    expect(await stored()).toMatchObject({ next: 11n, counted: 11 });
    expect(told('record_refused').map(({ message }) => message)).toEqual([
      't:0 position 10: refused (bad): id 11',
    ]);
  });

  test('that breaks stops the agent by name and position, and writes nothing of the broken state', async () => {
    const core = {
      ...idFold,
      foldEvent(state: IdState, event: { readonly id: number }, arrivedMs: number | null) {
        if (event.id === 7) throw new Error('a bug');
        idFold.foldEvent(state, event, arrivedMs);
      },
    };
    const { agent, source, assign, settled, stored } = setUpAgent({ core });
    const run = agent.run();
    run.catch(() => undefined); // it ends before anybody awaits it
    await assign();
    await expect(settled(source.handler.batch(batchOf(0, 10)))).rejects.toThrow('t:0 position 6: a bug');
    await expect(settled(run)).rejects.toThrow('t:0 position 6: a bug');
    expect(await stored()).toMatchObject({ next: null, counted: 0 });
  });
});

describe('a start', () => {
  /** A store as an agent left it that read ten records. */
  async function leave(given: Partial<Options> = {}) {
    const left = setUpAgent();
    const run = left.agent.run();
    await left.assign();
    await left.deliver(0, 10);
    await left.settled(left.agent.close());
    await left.settled(run);
    const next = setUpAgent({ ...given, store: left.store, instance: 'next' });
    void next.agent.run();
    return { ...next, store: left.store, stored: left.stored };
  }

  test('reads the last record again, to know the log', async () => {
    const { assign, deliver, passMs, stored } = await leave();
    expect(await assign()).toEqual(new Map([['t:0', 9n]]));
    await deliver(9, 15);
    await passMs(1_000);
    expect(await stored()).toMatchObject({ next: 15n, counted: 15 });
  });

  test('shows at once what is stored', async () => {
    const { agent, assign } = await leave();
    await assign();
    expect(agent.views().map(({ rejected }) => rejected.total)).toEqual([10]);
  });

  test('with a state that cannot be read tells so, begins cold, and clears the old fields', async () => {
    const broken = {
      ...idFold,
      restore: (): IdState => {
        throw new Error('schema 9 is not known');
      },
    };
    const { store, assign, deliver, passMs, stored, told } = await leave({ core: broken });
    const claim = await store.claim('t:0');
    await store.commit('t:0', {
      epoch: claim.header.epoch,
      expected: 10n,
      next: 10n,
      commitId: 'x',
      facts: claim.header.facts,
      set: new Map([['of another age', new Uint8Array(1)]]),
      remove: [],
    });
    expect(await assign()).toEqual(new Map([['t:0', 0n]]));
    expect(told('state_unreadable')[0]).toMatchObject({
      level: 'error',
      message: expect.stringContaining('schema 9'),
    });
    await deliver(0, 12);
    await passMs(1_000);
    expect(await stored()).toMatchObject({ next: 12n, counted: 12 });
    expect((await store.read('t:0'))!.fields.has('of another age')).toBe(false);
  });

  test('behind what retention took counts the loss once, in the state', async () => {
    const { source, agent, assign, deliver, passMs, stored, told } = await leave();
    source.log = { ...source.log, low: 25n };
    expect(await assign()).toEqual(new Map([['t:0', 25n]]));
    expect(told('records_expired')[0]).toMatchObject({ level: 'error', fields: { lost: 15 } });
    expect(agent.self().partitions[0]!.lost).toBe(0);
    await deliver(25, 30);
    await passMs(1_000);
    expect(agent.self().partitions[0]!.lost).toBe(15);
    expect((await stored()).facts!.get('lost')).toBe('15');
  });

  test('at a log that was cut keeps the state, and begins a new epoch once the position has gone back', async () => {
    const { source, store, assign, deliver, passMs, stored, told } = await leave();
    source.log = { ...source.log, end: 6n };
    expect(await assign()).toEqual(new Map([['t:0', 6n]]));
    expect(told('log_truncated')).toHaveLength(1);
    await passMs(1_000);
    const goingBack = store.commits.at(-1)!;
    expect([goingBack.expected, goingBack.next]).toEqual([10n, 6n]);
    await deliver(6, 10);
    await passMs(1_000);
    expect(await stored()).toMatchObject({ next: 10n });
    // The network may deliver it once more, now that the position is where it was.
    expect(await store.commit('t:0', { ...goingBack, commitId: 'late' })).toMatchObject({
      result: 'refused',
    });
  });

  test('under another configuration is told', async () => {
    const { assign, told } = await leave({ configHash: 'c2' });
    await assign();
    expect(told('configuration_changed')).toHaveLength(1);
  });

  test('at a log that ends early asks again before it gives up the state', async () => {
    const { source, assign, deliver, passMs, stored, told } = await leave();
    const fresh = source.log;
    source.log = { ...fresh, topicId: null, end: 5n }; // as it was before the predecessor read on
    const assigned = assign();
    source.log = { ...fresh, topicId: null };
    expect(await assigned).toEqual(new Map([['t:0', 9n]]));
    expect(told('log_recreated')).toEqual([]);
    await deliver(9, 12);
    await passMs(1_000);
    expect(await stored()).toMatchObject({ next: 12n, counted: 12 });
  });
});
