/**
 * The agent as a service: the loop over its ports with everything that shows what it commits — metrics, health, page.
 * `run` gives it real adapters, `demo` the embedded ones; beyond that they are the same program.
 */
import { createHash } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import type { Event } from '../core/decode/event.ts';
import { decode } from '../core/decode/index.ts';
import type { Refusal } from '../core/decode/refusal.ts';
import {
  createPartition,
  finishPartition,
  foldEvent,
  foldRefusal,
  type Partition,
  restorePartition,
  takeDirty,
  takeFindings,
  viewPartition,
} from '../core/fold.ts';
import { STATE_SCHEMA } from '../core/parts.ts';
import type { Settings } from '../core/settings.ts';
import { failure } from '../errors.ts';
import { type Agent, type AgentSettings, createAgent } from '../flow/agent.ts';
import type { Core } from '../flow/core.ts';
import { createExposer, type ExpositionOptions } from '../flow/exposition.ts';
import type { IntakeCounters } from '../flow/intake.ts';
import type { Log, Timings } from '../flow/occurrences.ts';
import type { Clock, Notifier, Source, StateStore } from '../flow/ports.ts';
import { createHttpServer, type HttpServer } from '../io/http/server.ts';
import { type PushSettings, PushSettingsError, pushSettings } from '../io/otel/push-settings.ts';
import type { SelfCounts } from '../io/otel/self.ts';
import { createTelemetry, type Telemetry, type TelemetryOptions } from '../io/otel/telemetry.ts';
import { rememberViews } from '../page/data.ts';
import { pagePlugin } from '../page/server.ts';

export interface ServiceOptions {
  /** Null in a process that plays the intake only. */
  readonly agent: AgentParts | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly http: { readonly host: string; readonly port: number };
  readonly metrics: ExpositionOptions;
  /** `OTEL_*` variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The intake of the same process, if any. */
  readonly intake?: () => IntakeCounters;
}

export interface AgentParts {
  readonly source: Source;
  readonly store: StateStore;
  readonly notifiers: Readonly<Record<string, Notifier>>;
  readonly settings: Settings;
  readonly flow?: Partial<AgentSettings>;
  /** Unique to this process, also among those that ran before. */
  readonly instance: string;
  /** What the source and the store are called in metrics and /readyz. */
  readonly systems: { readonly source: string; readonly store: string };
}

export interface Service {
  readonly address: string;
  /** As the agent's `run`; without an agent it stays pending. */
  readonly done: Promise<void>;
  /** Commits, delivers, leaves, then stops answering. The adapters are closed by who made them. */
  close(): Promise<void>;
}

export const coreOf = (settings: Settings): Core<Partition, Event, Refusal> => ({
  decode,
  create: () => createPartition(settings),
  restore: (fields) => restorePartition(settings, fields),
  foldEvent,
  foldRefusal,
  finish: finishPartition,
  takeFindings,
  takeDirty,
  view: viewPartition,
});

/** What a state was folded under: it changes when the settings or the layout of the state do. */
export const configHashOf = (settings: Settings): string =>
  createHash('sha256')
    .update(JSON.stringify([STATE_SCHEMA, settings]))
    .digest('hex')
    .slice(0, 16);

/** Rejects when it cannot listen; nothing is left running then. */
export async function startService(options: ServiceOptions): Promise<Service> {
  let telemetry: Telemetry | null = null;
  const timings: Timings = {
    recordCommit: (seconds) => telemetry?.self.recordCommit(seconds),
    recordFold: (seconds) => telemetry?.self.recordFold(seconds),
  };
  const agent = options.agent === null ? null : agentOf(options, options.agent, timings);
  const observed = observe(options, agent, await pusherOf(options.environment));
  telemetry = observed;
  const server = await serve(options, agent, observed).catch(async (error: unknown) => {
    await observed.close();
    throw error;
  });
  const done = agent === null ? new Promise<void>(() => {}) : agent.run();
  // Whoever started the service awaits `done`; until then a failure is not unhandled.
  done.catch((error: Error) => options.log.error(`the agent stopped: ${error.message}`));
  return {
    address: server.address,
    done,
    async close() {
      await agent?.close();
      await server.close();
      await observed.close();
    },
  };
}

function agentOf({ clock, log }: ServiceOptions, parts: AgentParts, timings: Timings): Agent {
  const { settings } = parts;
  return createAgent({
    ...parts,
    clock,
    log,
    timings,
    core: coreOf(settings),
    configHash: configHashOf(settings),
    settings: { silenceMs: settings.silenceMs, ...parts.flow },
  });
}

const NO_COUNTS: SelfCounts = { errors: {}, occurrences: {}, records: {} };

function observe(options: ServiceOptions, agent: Agent | null, push: TelemetryOptions['push']): Telemetry {
  const { metrics, clock, log, intake } = options;
  const expose = createExposer({
    ...metrics,
    onLimited: (limited) =>
      log.warn(
        limited
          ? `more than ${metrics.seriesMax} series: only the ${metrics.topLayers} worst layers of each stream are shown`
          : 'all layers are shown again',
      ),
  });
  return createTelemetry({
    samples: () => expose({ partitions: agent?.exposed() ?? [], intake: intake?.(), nowMs: clock.nowMs() }),
    counts: () => (agent === null || options.agent === null ? NO_COUNTS : namedCounts(agent, options.agent)),
    nowMs: clock.nowMs,
    push,
    onTrouble: (message) => log.warn(`OpenTelemetry: ${message}`),
  });
}

/** The flow knows a source and a store; who reads metrics knows Kafka and Redis. */
function namedCounts(agent: Agent, { systems }: AgentParts): SelfCounts {
  const { errors, occurrences, records } = agent.self().counters;
  const { source, store, ...others } = errors;
  return { errors: { [systems.source]: source, [systems.store]: store, ...others }, occurrences, records };
}

async function pusherOf(environment: ServiceOptions['environment']): Promise<TelemetryOptions['push']> {
  const settings = pushOf(environment);
  if (settings === null) return null;
  const { createPushReader } = await import('../io/otel/push.ts');
  return (producer) => createPushReader(settings, producer);
}

function pushOf(environment: ServiceOptions['environment']): PushSettings | null {
  try {
    return pushSettings(environment);
  } catch (error) {
    if (!(error instanceof PushSettingsError)) throw error;
    throw failure('otlp_setting', { variable: error.variable, expected: error.expected }, error);
  }
}

async function serve(
  options: ServiceOptions,
  agent: Agent | null,
  telemetry: Telemetry,
): Promise<HttpServer> {
  const { clock, http, log, intake } = options;
  return createHttpServer({
    ...http,
    metrics: () => telemetry.text(),
    ready: () => ({
      ...(agent === null || options.agent === null ? {} : readiness(agent, options.agent)),
      ...(intake === undefined ? {} : { intake: intake().trouble ?? 'ok' }),
    }),
    plugins: agent === null ? [] : [pageOf(agent, clock)],
    onError: (error, route) => log.error(`${route} failed: ${error.message}`),
  });
}

function readiness(agent: Agent, { systems }: AgentParts): Record<string, string> {
  const { kafka, store } = agent.status();
  return { [systems.source]: kafka ?? 'ok', [systems.store]: store ?? 'ok' };
}

function pageOf(agent: Agent, clock: Clock): FastifyPluginAsync {
  const data = rememberViews(agent, clock);
  return (app) => pagePlugin(app, { data, clock });
}
