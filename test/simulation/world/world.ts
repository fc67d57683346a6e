import { type Agent, createAgent } from '../../../agent/flow/agent.ts';
import type { Log } from '../../../agent/flow/occurrences.ts';
import { type Finding, type Notifier, partitionName } from '../../../agent/flow/ports.ts';
import { type PlantedBug, plant } from '../planted.ts';
import type { Weather } from '../weather.ts';
import { createFaults, type Faults } from './faults.ts';
import { idFold } from './fold.ts';
import { createGroup, type Group } from './group.ts';
import { createPartitionLog, type PartitionLog } from './log.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { createProcess, type Process } from './process.ts';
import type { Random } from './random.ts';
import { createSource, simulatedPartition } from './source.ts';
import { createStore, type SimulatedStore } from './store.ts';
import { createTime, type Time } from './time.ts';

/** Everything of one history: real agents over a log, a group, a store and a notifier that exist in virtual time only. */
export interface World {
  readonly weather: Weather;
  readonly random: Random;
  readonly time: Time;
  readonly faults: Faults;
  readonly logs: readonly PartitionLog[];
  readonly group: Group;
  readonly store: SimulatedStore;
  readonly oracle: Oracle;
  readonly agents: Map<Process, Agent>;
  readonly trace: string[];
  /** Partitions written since somebody last cleared it. */
  readonly written: Set<string>;
  /** Clients behave and notifiers take everything once it is set. */
  isCalm: boolean;
  isNotifierBroken: boolean;
  note(sentence: string): void;
  startAgent(): void;
  living(): Process[];
  produce(partition?: number): void;
}

export const storedName = (partition: number): string => partitionName(simulatedPartition(partition));

export function createWorld(weather: Weather, random: Random, bug: PlantedBug | null): World {
  const time = createTime();
  const startMs = time.nowMs();
  const faults = createFaults();
  const planted = plant(bug);
  const trace: string[] = [];
  let nextId = 1;
  let nextProcess = 1;

  const world: World = {
    weather,
    random,
    time,
    faults,
    trace,
    written: new Set(),
    logs: Array.from({ length: weather.partitions }, () => createPartitionLog(weather.isNamed)),
    group: createGroup(weather.partitions),
    store: createStore({ time, random, faults, bug: planted.store, lossiness: weather.lossiness }),
    oracle: createOracle(weather.partitions),
    agents: new Map(),
    isCalm: false,
    isNotifierBroken: false,
    note: (sentence) => void trace.push(`${time.nowMs() - startMs} ${sentence}`),
    living: () => [...world.agents.keys()].filter((process) => process.isAlive()),

    startAgent() {
      const process = createProcess(`p${nextProcess++}`, time);
      const tell = (message: string): void => world.note(`${process.name}: ${message}`);
      const log: Log = { debug: tell, info: tell, warn: tell, error: tell };
      const notifier = createNotifier(world, process);
      const agent = createAgent({
        core: planted.core(idFold, notifier),
        source: createSource({
          process,
          logs: world.logs,
          group: world.group,
          random,
          faults,
          unruliness: () => (world.isCalm ? 0 : weather.unruliness),
          isBlind: planted.isBlind,
        }),
        store: planted.client(world.store.client(process)),
        notifiers: { sink: notifier },
        clock: process.clock,
        log,
        instance: process.name,
        configHash: 'c',
        repeatMs: 0,
        settings: {
          commitIntervalMs: 100,
          commitRecords: 25,
          foldSliceMs: 0.05,
          idleCheckMs: 2_000,
          closeDeadlineMs: 1_000,
        },
      });
      agent.onChange(() => {
        for (const { partition, view } of agent.exposed())
          world.oracle.shown(partition, view.rejected.total ?? 0);
      });
      agent.run().catch((error: unknown) => {
        if (process.isAlive()) world.oracle.violate(`${process.name} failed: ${(error as Error).stack}`);
      });
      world.agents.set(process, agent);
      world.note(`${process.name} started`);
    },

    produce(partition = random.between(0, weather.partitions - 1)) {
      for (let n = random.between(1, 15); n > 0; n -= 1) {
        const id = nextId++ * weather.partitions + partition;
        const gap = weather.hasGaps && random.chance(0.1) ? random.between(1, 4) : 0;
        world.oracle.produced(partition, world.logs[partition]!.append(id, time.nowMs(), gap));
      }
    },
  };
  watchStore(world);
  return world;
}

function createNotifier(world: World, process: Process): Notifier {
  const { time, random, oracle, weather } = world;
  async function publish(findings: readonly Finding[]): Promise<void> {
    await time.sleep(random.between(1, 60));
    if (world.isNotifierBroken) throw new Error('takes nothing');
    for (const finding of findings)
      oracle.published(Number(finding.id) % weather.partitions, Number(finding.id));
  }
  return { publish: (findings) => process.through(publish(findings)), close: () => Promise.resolve() };
}

function watchStore({ store, faults, oracle, written, note }: World): void {
  store.onWrite = (partition, held, { commitId, expected, next }) => {
    note(`${partition} written: ${commitId} ${expected}→${next}`);
    written.add(partition);
    oracle.written(Number(partition.split(':')[1]), held);
  };
  store.onRefused = (partition, held, { commitId, expected, next }, isOwn) => {
    faults.count('commit_refused');
    note(`${partition} refused: ${commitId} ${expected}→${next}, stored ${held.next}`);
    if (isOwn) oracle.violate(`${partition}: an agent was refused its own commit ${commitId}`);
  };
}
