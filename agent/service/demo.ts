/** The demo: the service on shipped recordings, with a store in memory. */
import type { Session } from '../commands/command.ts';
import { DEFAULT_SETTINGS } from '../core/settings.ts';
import { NormwatchError } from '../errors.ts';
import type { Finding, Notifier } from '../flow/ports.ts';
import { createStorySource } from '../io/demo/source.ts';
import { createMemoryStore } from '../io/memory/store.ts';
import { systemClock } from '../io/process/clock.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

export interface DemoOptions {
  readonly host: string;
  readonly port?: number;
  readonly speed: number;
  readonly once?: boolean;
}

const PORT = 9464;
/** Often enough that the page shows every tick, also where the story is played fast. */
const COMMIT_MS = 200;
const RECORDINGS = new URL('../../examples/recordings/', import.meta.url).pathname;

/** Plays until stopped; once: until the stories are told. */
export async function playDemo(session: Session, options: DemoOptions): Promise<void> {
  const say = (text: string): void => session.out(`${text}\n`);
  const silent = (): void => {};
  const complain = (message: string): void => session.err(`normwatch: ${message}\n`);
  const source = createStorySource({
    folder: RECORDINGS,
    speed: options.speed,
    once: options.once === true,
    settings: DEFAULT_SETTINGS,
    clock: systemClock,
    onStory: ({ title, model }) => say(`\n${model}: ${title}`),
  });
  const store = createMemoryStore();
  const service = await listen(options, {
    agent: {
      source,
      store,
      notifiers: { terminal: terminalNotifier(say) },
      settings: DEFAULT_SETTINGS,
      flow: { commitIntervalMs: COMMIT_MS },
      instance: `demo-${process.pid}`,
      systems: { source: 'recordings', store: 'memory' },
    },
    clock: systemClock,
    log: { debug: silent, info: silent, warn: complain, error: complain },
    http: { host: options.host, port: options.port ?? PORT },
    metrics: { layers: 'auto', topLayers: 20, seriesMax: 5_000 },
    environment: session.environment,
  });
  say(
    `normwatch demo\n  page     ${service.address}/\n  metrics  ${service.address}/metrics\n  stop     Ctrl-C`,
  );
  session.stop().addEventListener('abort', () => void source.close(), { once: true });
  try {
    await service.done;
  } finally {
    await service.close();
    await store.close();
  }
}

/** The usual port may be taken by an agent of this machine; a demo takes a free one then. */
async function listen(options: DemoOptions, service: ServiceOptions): Promise<Service> {
  try {
    return await startService(service);
  } catch (error) {
    const taken = error instanceof NormwatchError && error.row === 'address_taken';
    if (!taken || options.port !== undefined) throw error;
    return startService({ ...service, http: { ...service.http, port: 0 } });
  }
}

function terminalNotifier(say: (text: string) => void): Notifier {
  const words = { opened: 'opened', changed: 'changed', resolved: 'resolved' } as const;
  const tell = (finding: Finding): void => {
    const { event, severity, time, message } = finding;
    say(
      `  ${String(time).slice(11, 19)}  ${words[event].padEnd(8)}  ${String(severity).padEnd(6)}  ${message}`,
    );
  };
  return {
    async publish(findings) {
      findings.forEach(tell);
    },
    async close() {},
  };
}
