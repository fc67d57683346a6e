import type { Action } from './weather.ts';
import { storedName, type World } from './world/world.ts';

/** What can happen to a world, each once when called. */
export function createActions(world: World): Record<Action, () => void> {
  const { random, time, faults, logs, group, store, oracle, agents, note } = world;
  const anyPartition = (): number => random.between(0, logs.length - 1);
  const soon = (mostMs: number, run: () => void): void => time.after(random.between(0, mostMs), run);

  return {
    produce: () => world.produce(),
    rebalance: () => group.rebalance(),

    kill() {
      const victim = random.pick(world.living());
      victim.kill();
      agents.delete(victim);
      faults.count('kill');
      note(`${victim.name} killed`);
      soon(100, group.rebalance);
      soon(300, world.startAgent);
    },

    /** It comes back when others own its partitions, with its memory and its plans. */
    freeze() {
      const victim = random.pick(world.living());
      victim.freeze();
      faults.count('freeze');
      note(`${victim.name} frozen`);
      soon(150, group.rebalance);
      time.after(random.between(50, 900), () => {
        victim.thaw();
        note(`${victim.name} thawed`);
        soon(200, group.rebalance);
      });
    },

    close() {
      const leaver = world.living().find((process) => !process.isFrozen());
      if (leaver === undefined) return;
      faults.count('close');
      note(`${leaver.name} closes`);
      void agents.get(leaver)!.close();
      agents.delete(leaver);
      world.startAgent();
    },

    outage() {
      note('store is out');
      faults.count('outage');
      store.setOutage(true);
      time.after(random.between(100, 900), () => store.setOutage(false));
    },

    notifier() {
      faults.count('notifier_broken');
      world.isNotifierBroken = true;
      time.after(random.between(50, 1_500), () => {
        world.isNotifierBroken = false;
      });
    },

    failover() {
      const taken = store.failOver(random.between(1, 8));
      faults.count('failover', taken);
      note(`failover: ${taken} writes gone`);
    },

    expire() {
      const p = anyPartition();
      const log = logs[p]!;
      const to = log.low + BigInt(random.between(0, Number(log.end - log.low)));
      const stored = store.held(storedName(p)).next;
      if (stored !== null && stored < to) faults.count('expired_unread');
      const gone = log.records.filter(({ position }) => position < to);
      oracle.expired(p, gone, stored !== null);
      log.expire(to);
      note(`retention: ${p} begins at ${to}`);
    },

    truncate() {
      const p = anyPartition();
      const log = logs[p]!;
      const to = log.end - BigInt(random.between(0, Math.min(10, Number(log.end - log.low))));
      oracle.truncated(p, log.end);
      log.truncate(to);
      faults.count('truncated');
      note(`truncated: ${p} ends at ${to}`);
    },

    recreate() {
      const p = anyPartition();
      oracle.recreated(p);
      logs[p]!.recreate();
      for (let n = random.between(0, 4); n > 0; n -= 1) world.produce(p);
      faults.count('recreated');
      note(`created again: ${p}`);
      group.rebalance();
    },
  };
}
