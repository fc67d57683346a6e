import { createActions } from './actions.ts';
import type { PlantedBug } from './planted.ts';
import { drawWeather } from './weather.ts';
import { createRandom } from './world/random.ts';
import { createWorld, storedName, type World } from './world/world.ts';

/**
 * One history: some agents, a log and a store in virtual time; a second or two of trouble drawn from the seed; then all
 * faults end, and within a minute everything that the log held must be counted once, and every finding be out.
 */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
}

const REST_MS = 60_000;
const CLOSE_MS = 10_000;

export async function playHistory(seed: number, bug: PlantedBug | null = null): Promise<Outcome> {
  const random = createRandom(seed);
  const world = createWorld(drawWeather(random), random, bug);
  await suffer(world);
  await rest(world);
  for (const [p, log] of world.logs.entries()) world.oracle.judge(p, log, world.store.held(storedName(p)));
  await closeAll(world);
  return { seed, violations: world.oracle.violations, faults: world.faults.counts, trace: world.trace };
}

async function suffer(world: World): Promise<void> {
  const { weather, random, time } = world;
  const act = createActions(world);
  const endMs = time.nowMs() + weather.troubleMs;
  for (let n = 0; n < weather.agents; n += 1) world.startAgent();
  const strike = (): void => {
    if (time.nowMs() >= endMs) return;
    const action = random.pick(weather.actions);
    const needsVictim = action === 'kill' || action === 'freeze';
    if (!needsVictim || world.living().length > 0) act[action]();
    time.after(random.between(5, 100), strike);
  };
  strike();
  await time.runUntil(() => false, endMs);
}

async function rest(world: World): Promise<void> {
  const { time, store, logs, group, oracle, written, note } = world;
  world.isCalm = true;
  store.heal();
  for (const process of world.living()) process.thaw();
  if (world.living().length === 0) world.startAgent();
  // Records after the last fault: whoever is stuck shows, and no position is right by accident.
  for (const [p, log] of logs.entries()) {
    do world.produce(p);
    while (log.end === store.held(storedName(p)).next);
  }
  group.rebalance();
  written.clear();
  note('calm');
  const isAtRest = (): boolean =>
    logs.every((log, p) => {
      const { next, fields } = store.held(storedName(p));
      return written.has(storedName(p)) && next === log.end && !fields.has('pending');
    });
  if (await time.runUntil(isAtRest, time.nowMs() + REST_MS)) return;
  const left = logs.map((log, p) => `${store.held(storedName(p)).next} of ${log.end}`);
  oracle.violate(`not at rest after ${REST_MS} ms: ${left.join(', ')}`);
}

async function closeAll({ agents, time, oracle }: World): Promise<void> {
  let open = 0;
  for (const agent of agents.values()) {
    open += 1;
    void agent.close().then(() => {
      open -= 1;
    });
  }
  if (!(await time.runUntil(() => open === 0, time.nowMs() + CLOSE_MS))) oracle.violate('close never ends');
}
