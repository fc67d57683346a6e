/** The agent's loop, driven by hand: what the simulation does not look at, because it is about words and limits. */
import { describe, expect, test } from 'vitest';
import { idFold } from '../../simulation/world/fold.ts';
import { setUpAgent } from './agent-kit.ts';
import { ID } from './flow-kit.ts';

describe('a finite log', () => {
  test('is counted, committed and told when run resolves, and its views stay', async () => {
    const { agent, source, assign, deliver, settled, stored, sent } = setUpAgent();
    const run = agent.run();
    await assign();
    await deliver(0, 10);
    source.end();
    await settled(run);
    expect(await stored()).toMatchObject({ next: 10n, counted: 10 });
    expect(sent).toEqual(['5', '10']);
    expect(agent.views().map(({ rejected }) => rejected.total)).toEqual([10]);
  });

  test('is finished before its last commit', async () => {
    let finished = 0;
    const core = { ...idFold, finish: () => void finished++ };
    const { agent, source, assign, deliver, settled, store } = setUpAgent({ core });
    const run = agent.run();
    await assign();
    await deliver(0, 10);
    source.end();
    await settled(run);
    expect(finished).toBe(1);
    expect(store.commits.at(-1)!.next).toBe(10n);
  });

  test('that is left early is not finished', async () => {
    let finished = 0;
    const core = { ...idFold, finish: () => void finished++ };
    const { agent, assign, deliver, settled } = setUpAgent({ core });
    const run = agent.run();
    await assign();
    await deliver(0, 10);
    await settled(agent.close());
    await settled(run);
    expect(finished).toBe(0);
  });
});

describe('what is shown', () => {
  test('is what was committed', async () => {
    const { agent, assign, deliver, passMs } = setUpAgent();
    let changes = 0;
    const stop = agent.onChange(() => {
      changes += 1;
    });
    void agent.run();
    await assign();
    await deliver(0, 10);
    expect(agent.views()).toEqual([]);
    await passMs(1_000);
    expect(agent.views()).toHaveLength(1);
    expect(changes).toBe(1);
    stop();
    await deliver(10, 20);
    await passMs(1_000);
    expect(changes).toBe(1);
  });

  test('goes when the partition goes', async () => {
    const { agent, source, assign, deliver, passMs, settled } = setUpAgent();
    void agent.run();
    await assign();
    await deliver(0, 10);
    await passMs(1_000);
    await settled(source.handler.revoked([ID], 1_000));
    expect(agent.views()).toEqual([]);
    expect(agent.self().partitions).toEqual([]);
  });

  test('survives a listener that fails, which is told', async () => {
    const { agent, assign, deliver, passMs, stored, told } = setUpAgent();
    agent.onChange(() => {
      throw new Error('page is broken');
    });
    void agent.run();
    await assign();
    await deliver(0, 10);
    await passMs(1_000);
    expect(await stored()).toMatchObject({ next: 10n });
    expect(told('listener_failed')).toHaveLength(1);
  });

  test('counts the lag from the committed position', async () => {
    const { agent, assign, deliver, passMs } = setUpAgent();
    void agent.run();
    await assign();
    await deliver(0, 10);
    expect(agent.self().partitions[0]).toMatchObject({ lagRecords: 0, next: null });
    await passMs(1_000);
    await deliver(10, 30);
    expect(agent.self().partitions[0]).toMatchObject({ lagRecords: 20, next: 10n });
    expect(agent.self().counters.records).toEqual({ folded: 30, refused: 2, repeated: 0 });
  });
});

describe('a revocation', () => {
  test('commits what was folded, within its deadline', async () => {
    const { agent, source, assign, deliver, settled, stored } = setUpAgent();
    void agent.run();
    await assign();
    await deliver(0, 10);
    await settled(source.handler.revoked([ID], 1_000));
    expect(await stored()).toMatchObject({ next: 10n });
  });

  test('ends in time though the store is down', async () => {
    const { agent, source, store, time, assign, deliver, settled } = setUpAgent();
    void agent.run();
    await assign();
    await deliver(0, 10);
    store.isDown = true;
    const beganMs = time.nowMs();
    await settled(source.handler.revoked([ID], 1_000));
    expect(time.nowMs() - beganMs).toBeLessThanOrEqual(1_000);
  });

  test('during a claim leaves the partition without a start', async () => {
    const { agent, source, store, passMs, settled } = setUpAgent();
    void agent.run();
    store.isDown = true;
    const assigned = source.handler.assigned([{ id: ID, log: source.log }]);
    await passMs(500);
    await settled(source.handler.revoked([ID], 1_000));
    store.isDown = false;
    expect(await settled(assigned)).toEqual(new Map());
  });
});

describe('a log', () => {
  test('in trouble is told and in the status, and its streams are not called silent', async () => {
    const { agent, source, told } = setUpAgent();
    void agent.run();
    source.handler.trouble(new Error('no broker answers'));
    expect(agent.status().kafka).toBe('no broker answers');
    source.handler.trouble(null);
    expect(agent.status().kafka).toBeNull();
    expect([told('source_trouble').length, told('source_recovered').length]).toEqual([1, 1]);
  });

  test('gets the committed positions mirrored once each, and again when that failed', async () => {
    const { agent, source, assign, deliver, passMs, told } = setUpAgent();
    void agent.run();
    await assign();
    source.mirrorFails = true;
    await deliver(0, 10);
    await passMs(2_100);
    expect(told('position_mirror_failed')).toHaveLength(1);
    source.mirrorFails = false;
    await passMs(3_000);
    expect(source.mirrored).toEqual([10n]);
  });

  test('that gives nothing though it goes on is asked again where it stands', async () => {
    const { agent, source, assign, deliver, passMs, told } = setUpAgent({}, { idleCheckMs: 5_000 });
    void agent.run();
    await assign();
    await deliver(0, 10);
    await passMs(7_000);
    expect(source.seeks).toEqual([10n]);
    expect(told('position_stalled')).toHaveLength(1);
    expect(agent.self().partitions[0]!.lagRecords).toBe(990);
  });

  test('that is at its end is left alone', async () => {
    const { agent, source, assign, deliver, passMs } = setUpAgent({}, { idleCheckMs: 5_000 });
    source.log = { ...source.log, end: 10n };
    void agent.run();
    await assign();
    await deliver(0, 10);
    await passMs(30_000);
    expect(source.seeks).toEqual([]);
  });
});

test.each([
  [{ commitIntervalMs: 0 }, 'commitIntervalMs must be a positive number, not 0'],
  [{ foldSliceMs: Number.NaN }, 'foldSliceMs must be a positive number, not NaN'],
])('settings %j are refused', (settings, message) => {
  expect(() => setUpAgent({}, settings)).toThrow(message);
});
