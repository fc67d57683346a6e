/** Brings what the suites need onto the machine: Debian packages (as root) and Kafka's jars. Says each step. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { KAFKA_LIBS, KAFKA_POM } from './paths.ts';
import { findProgram, PACKAGE_OF, type Program, requireProgram } from './programs.ts';
import { SERVICES, type Service, type ServiceName, SKIP_VARIABLE } from './services.ts';

const run = promisify(execFile);

export type Say = (line: string) => void;

export async function installServices(names: readonly ServiceName[], say: Say): Promise<void> {
  const missing = missingPrograms(names);
  if (missing.length > 0) await installPackages(missing, names, say);
  if (names.includes('kafka') && !SERVICES.kafka.download.there()) {
    await step(say, SERVICES.kafka.download.what, fetchKafka);
  }
  for (const name of names) say(`${name} is there`);
}

export function missingPrograms(names: readonly ServiceName[]): Program[] {
  return names.flatMap((name) => programsFor(name).filter((program) => findProgram(program) === null));
}

/** Maven is needed only as long as the jars are not there. */
function programsFor(name: ServiceName): readonly Program[] {
  const service: Service = SERVICES[name];
  return service.programs.filter((program) => program !== 'mvn' || !service.download?.there());
}

async function installPackages(missing: Program[], names: readonly ServiceName[], say: Say): Promise<void> {
  const packages = packagesOf(missing);
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(howToInstall(missing, packages, names));
  }
  await withoutAutostart(async () => {
    const install = () => aptGet('install', '--no-install-recommends', ...packages);
    await step(say, `apt-get install ${packages.join(' ')}`, () =>
      // A fresh machine has no lists, an old one has lists that name packages long replaced.
      install().catch(async () => {
        await aptGet('update');
        await install();
      }),
    );
  });
  const still = missing.filter((program) => findProgram(program) === null);
  if (still.length > 0)
    throw new Error(`apt-get installed ${packages.join(' ')}, but ${still.join(', ')} is not there`);
}

export function packagesOf(programs: readonly Program[]): string[] {
  const packages = new Set<string>(programs.map((program) => PACKAGE_OF[program]));
  // Without a font Chromium draws boxes instead of letters.
  if (packages.has('chromium')) packages.add('fonts-liberation');
  return [...packages];
}

export function howToInstall(
  missing: readonly string[],
  packages: readonly string[],
  names: readonly ServiceName[],
): string {
  const lacking = names.filter((name) =>
    SERVICES[name].programs.some((program) => missing.includes(program)),
  );
  return (
    `${missing.join(', ')} not found, and only root on Debian can install them from here. Either install them ` +
    `(sudo apt-get install ${packages.join(' ')}), or leave out the suites that need them ` +
    `(${SKIP_VARIABLE}=${lacking.join(',')} npm test).`
  );
}

async function aptGet(...args: string[]): Promise<void> {
  await run('apt-get', ['-y', '-q', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Debian starts a server it has just installed, unless this file says no. One that is there already is respected. */
async function withoutAutostart(action: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return action();
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);
  try {
    await action();
  } finally {
    await rm(policy, { force: true });
  }
}

async function fetchKafka(): Promise<void> {
  // Renamed at the end, so that a download that broke off is not taken for a whole one.
  const partial = `${KAFKA_LIBS}.partial-${process.pid}`;
  await mkdir(dirname(KAFKA_LIBS), { recursive: true });
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  await run(requireProgram('mvn'), ['-q', '-B', '-ntp', '-f', KAFKA_POM, ...goal]);
  await rename(partial, KAFKA_LIBS);
}

async function step(say: Say, what: string, action: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  say(`${what} …`);
  await action().catch((error: Error & { stdout?: string; stderr?: string }) => {
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().slice(-2_000);
    throw new Error(`${what} failed: ${said === '' ? error.message : said}`, { cause: error });
  });
  say(`${what}: ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
}
