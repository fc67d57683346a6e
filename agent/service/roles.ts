/** What `run` starts: the roles of the configuration with their adapters, and their end in the opposite order. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Session } from '../commands/command.ts';
import type { Config } from '../config/rows.ts';
import { foldSettings } from '../config/settings.ts';
import { failure } from '../errors.ts';
import { createIntake, type Intake } from '../flow/intake.ts';
import { type Notifier, type StateStore, StoreUnavailable } from '../flow/ports.ts';
import { openIntakeDoor } from '../io/intake/http.ts';
import { systemClock } from '../io/process/clock.ts';
import { createLineLog, createLogNotifier, type LineLog } from '../io/process/log.ts';
import { createProducer, createSource, createStore, createTopicNotifier } from '../wire.ts';
import { type AgentParts, startService } from './service.ts';

/** Kubernetes grants 30 s from SIGTERM to SIGKILL; the agent's own close takes up to 10 of them. */
const DRAIN_MS = 10_000;
const STORE_CHECK_MS = 5_000;

/** What was started, to be closed in the opposite order. */
type Closers = (() => Promise<void>)[];

/** Runs until `session` is told to stop, or until what trying again cannot mend. */
export async function runRoles(session: Session, config: Config): Promise<void> {
  const log = createLineLog({ level: config.log.level, write: session.out });
  const closers: Closers = [];
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  try {
    const intake = config.roles.includes('intake') ? await startIntake(config, log, closers) : null;
    const agent = config.roles.includes('agent')
      ? await agentParts(config, log, closers, failed.reject)
      : null;
    const service = await startService({
      agent,
      clock: systemClock,
      log,
      http: config.http,
      metrics: config.metrics,
      environment: session.environment,
      ...(intake === null ? {} : { intake: () => intake.intakeCounters() }),
    });
    closers.push(() => service.close());
    log.info(`normwatch runs as ${config.roles.join(' and ')}`, { address: service.address });
    await Promise.race([stopped(session.stop()), service.done, failed.promise]);
    log.info('stopping');
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function startIntake(config: Config, log: LineLog, closers: Closers): Promise<Intake> {
  const producer = await createProducer(config);
  closers.push(() => producer.close());
  const intake = createIntake({
    producer,
    clock: systemClock,
    source: hostname(),
    boot: randomUUID(),
    bytesMax: config.intake.memoryBytes,
    lingerMs: config.intake.lingerMs,
    occurrences: {
      intakeTrouble: (error) => log.warn(`Kafka does not take events: ${error.message}`),
      intakeRecovered: () => log.info('Kafka takes events again'),
      intakeDropped: (kind, why) => log.debug('event dropped', { kind, why }),
    },
  });
  closers.push(() => intake.drain(DRAIN_MS));
  const door = await openIntakeDoor({
    sink: intake,
    host: config.intake.host,
    port: config.intake.port,
    socketPath: config.intake.socketPath,
    onError: (error) => log.error(`the intake failed: ${error.message}`),
  });
  closers.push(() => door.close());
  log.info('intake listens', { address: door.address, socket: config.intake.socketPath });
  return intake;
}

async function agentParts(
  config: Config,
  log: LineLog,
  closers: Closers,
  fail: (reason: unknown) => void,
): Promise<AgentParts> {
  const store = await createStore(config);
  closers.push(() => store.close());
  const checking = new AbortController();
  closers.push(async () => checking.abort());
  void checkStore(store, config.store.type, log, checking.signal).catch(fail);
  return {
    source: await createSource(config),
    store,
    notifiers: await notifiersOf(config, log, closers),
    settings: foldSettings(config),
    instance: randomUUID(),
    systems: { source: 'kafka', store: config.store.type },
  };
}

/** A store that cannot keep a promise is refused as soon as it can be asked. */
async function checkStore(store: StateStore, type: string, log: LineLog, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      const found = await store.check();
      for (const { level, message } of found) if (level === 'warning') log.warn(message);
      const fatal = found.find(({ level }) => level === 'fatal');
      if (fatal !== undefined) throw failure('store_unfit', { store: type, detail: fatal.message });
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn(`the store does not answer yet: ${error.message}`);
      await systemClock.sleep(STORE_CHECK_MS, stop);
    }
  }
}

async function notifiersOf(
  config: Config,
  log: LineLog,
  closers: Closers,
): Promise<Record<string, Notifier>> {
  const notifiers: Record<string, Notifier> = { log: createLogNotifier(log) };
  if (config.kafka.findingsTopic === null) return notifiers;
  const topic = await createTopicNotifier(config, config.kafka.findingsTopic);
  closers.push(() => topic.close());
  return { ...notifiers, topic };
}
