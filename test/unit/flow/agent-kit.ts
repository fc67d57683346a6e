/** An agent over small ports, driven by hand. */
import { type AgentOptions, type AgentSettings, createAgent } from '../../../agent/flow/agent.ts';
import type { Notifier } from '../../../agent/flow/ports.ts';
import { countsOf, type IdRefusal, type IdState, idFold } from '../../simulation/world/fold.ts';
import {
  batchOf,
  createBreakableStore,
  createHandSource,
  createTestTime,
  createToldLog,
  ID,
} from './flow-kit.ts';

export type Options = AgentOptions<IdState, { readonly id: number }, IdRefusal>;

export function setUpAgent(given: Partial<Options> = {}, settings: Partial<AgentSettings> = {}) {
  const time = createTestTime();
  const source = createHandSource();
  const store = createBreakableStore();
  const log = createToldLog();
  const sent: string[] = [];
  const sink: Notifier = {
    publish: async (findings) => void sent.push(...findings.map(({ id }) => id)),
    close: () => Promise.resolve(),
  };
  const agent = createAgent({
    core: idFold,
    source,
    store,
    notifiers: { sink },
    clock: time,
    log,
    instance: 'me',
    configHash: 'c1',
    settings: { commitIntervalMs: 1_000, ...settings },
    ...given,
  });
  const told = (name: string) => log.lines.filter(({ fields }) => fields.occurrence === name);
  const passMs = (ms: number) => time.runUntil(() => false, time.nowMs() + ms);
  /** Lets time pass until the promise is settled; fails when a minute is not enough. */
  async function settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    if (!(await time.runUntil(() => isSettled, time.nowMs() + 60_000)))
      throw new Error('not settled in a minute');
    return promise;
  }
  const assign = () => settled(source.handler.assigned([{ id: ID, log: source.log }]));
  const deliver = (from: number, next: number) => settled(source.handler.batch(batchOf(from, next)));
  const stored = async () => {
    const claim = await store.read('t:0');
    return {
      next: claim?.header.next ?? null,
      facts: claim?.header.facts,
      counted: countsOf(claim?.fields ?? new Map()).size,
    };
  };
  return { agent, source, store, log, told, sent, time, passMs, settled, assign, deliver, stored };
}
