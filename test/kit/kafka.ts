import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import type { Owner } from './owner.ts';
import { type Server, startServer } from './server.ts';
import { KAFKA_LIBS } from './services/paths.ts';
import { requireProgram } from './services/programs.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

export interface KafkaOptions {
  /** Added to server.properties; a key given here wins. */
  readonly properties?: Readonly<Record<string, string>>;
  /** More arguments of `StorageTool format`, e.g. `['--add-scram', '…']`. */
  readonly formatArgs?: readonly string[];
  readonly port?: number;
  /** The port clients are told to use: a proxy's, that leads to `port`. */
  readonly advertisedPort?: number;
}

export interface KafkaBroker extends Server {
  readonly brokers: string[];
  readonly port: number;
  readonly dir: string;
}

const LOG4J = `Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout: { pattern: "%d{HH:mm:ss.SSS} %p %c{1} %m%n" }
  Loggers:
    Root: { level: INFO, AppenderRef: { ref: out } }
`;

/** One real broker, KRaft, broker and controller in one process; data in a folder of its own, which a restart keeps. */
export async function startKafka(owner: Owner, options: KafkaOptions = {}): Promise<KafkaBroker> {
  const java = requireProgram('java');
  if (!existsSync(KAFKA_LIBS))
    throw new Error(`Kafka's jars are missing (${KAFKA_LIBS}): run \`npm test\` once`);
  const dir = await tempDir(owner);
  const port = options.port ?? (await freePort());
  const clientPort = options.advertisedPort ?? port;
  const configuration = join(dir, 'server.properties');
  const log4j = join(dir, 'log4j2.yaml');
  await writeFile(
    configuration,
    properties(dir, { port, clientPort, controller: await freePort() }, options.properties ?? {}),
  );
  await writeFile(log4j, LOG4J);
  const jvm = ['-XX:+UseSerialGC', `-Dlog4j2.configurationFile=${log4j}`, '-cp', join(KAFKA_LIBS, '*')];
  const format = [
    'format',
    '-t',
    clusterId(),
    '-c',
    configuration,
    '--standalone',
    ...(options.formatArgs ?? []),
  ];
  await run(java, ['-XX:TieredStopAtLevel=1', ...jvm, 'kafka.tools.StorageTool', ...format]);
  const server = await startServer(owner, {
    name: 'kafka',
    command: java,
    args: ['-Xms256m', '-Xmx512m', ...jvm, 'kafka.Kafka', configuration],
    // Said once the controller has unfenced the broker: topics can be made from then on.
    ready: (process) => process.output().includes('Kafka Server started'),
    readyMs: 120_000,
  });
  return { ...server, brokers: [`127.0.0.1:${clientPort}`], port, dir };
}

/** A Kafka uuid: 16 bytes in base64url; a leading dash would look like an option to the tool. */
const clusterId = (): string => Buffer.concat([Buffer.of(0), randomBytes(15)]).toString('base64url');

interface Ports {
  readonly port: number;
  readonly clientPort: number;
  readonly controller: number;
}

function properties(dir: string, ports: Ports, more: Readonly<Record<string, string>>): string {
  const controller = `127.0.0.1:${ports.controller}`;
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': controller,
    listeners: `PLAINTEXT://127.0.0.1:${ports.port},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.clientPort},CONTROLLER://${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(dir, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    ...more,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
