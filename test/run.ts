/**
 * What `npm test` runs: services, static checks, vitest, and a count of it all. Arguments go to vitest
 * (`npm test -- unit`, `npm test -- -t 'name'`); with arguments the static checks are left out.
 * NORMWATCH_TEST_SKIP=kafka,redis,prometheus,chromium leaves out the suites that need what a machine lacks.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesNeeding, servicesOf, testFiles } from './kit/needs.ts';
import { installServices } from './kit/services/install.ts';
import { PROJECT } from './kit/services/paths.ts';
import { SERVICE_NAMES, type ServiceName, SKIP_VARIABLE, skippedServices } from './kit/services/services.ts';
import { addTallies, NOTHING, type Tally, tallyTable } from './kit/tally.ts';
import { TALLY_VARIABLE } from './kit/tally-reporter.ts';

const bin = (name: string) => join(PROJECT, 'node_modules/.bin', name);
const say = (line: string) => console.log(line);

async function main(args: readonly string[]): Promise<boolean> {
  const skip = skippedServices(process.env[SKIP_VARIABLE]);
  const chosen = chosenFiles(args);
  const left = filesNeeding(skip).filter((file) => chosen.includes(file));
  const needed = SERVICE_NAMES.filter(
    (name) => !skip.has(name) && chosen.some((file) => servicesOf(file).includes(name)),
  );
  say(`Node ${process.version}; services needed: ${needed.join(', ') || 'none'}`);
  if (needed.length > 0) say(`(a machine that lacks one: ${SKIP_VARIABLE}=${needed.join(',')} npm test)`);
  await installServices(needed, (line) => say(`  ${line}`));
  const tallies = args.length > 0 ? [] : [await staticChecks()];
  if (left.length < chosen.length || chosen.length === 0) tallies.push(...(await vitest(args)));
  return report(tallies, left, skip);
}

/** The test files vitest will choose by its path filters; all of them where options make that hard to tell. */
function chosenFiles(args: readonly string[]): string[] {
  const files = testFiles();
  if (args.length === 0 || args.some((arg) => arg.startsWith('-'))) return files;
  return files.filter((file) => args.some((filter) => file.includes(filter)));
}

async function staticChecks(): Promise<Tally> {
  const checks: [string, string, string[]][] = [
    ['biome check', bin('biome'), ['check', '.']],
    ['tsc', bin('tsc'), []],
    ['tsc, page in the browser', bin('tsc'), ['-p', 'agent/page/browser']],
    ['tsc, tests in the browser', bin('tsc'), ['-p', 'test/browser']],
  ];
  const generate = join(PROJECT, 'agent/generate.ts');
  if (existsSync(generate)) checks.push(['generated files', process.execPath, [generate, '--check']]);
  const tallies = [];
  for (const [name, command, args] of checks) {
    const startMs = performance.now();
    const code = await run(command, args);
    const ms = performance.now() - startMs;
    say(`${name}: ${code === 0 ? 'good' : 'FAILED'}, ${(ms / 1_000).toFixed(1)} s`);
    const good = code === 0 ? 1 : 0;
    tallies.push({ suite: 'static checks', ...NOTHING, passed: good, failed: 1 - good, ms });
  }
  return addTallies(tallies, 'static checks');
}

async function vitest(args: readonly string[]): Promise<Tally[]> {
  const file = join(tmpdir(), `normwatch-tally-${process.pid}.json`);
  const reporters = ['--reporter=default', `--reporter=${join(PROJECT, 'test/kit/tally-reporter.ts')}`];
  const code = await run(bin('vitest'), ['run', ...reporters, ...args], { [TALLY_VARIABLE]: file });
  const tallies: Tally[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  await rm(file, { force: true });
  // Vitest may fail although no test did: nothing found, a wrong option, a crash.
  if (code !== 0 && addTallies(tallies, 'all').failed === 0) {
    tallies.push({ suite: `vitest (exit ${code})`, ...NOTHING, failed: 1 });
  }
  return tallies;
}

function report(tallies: readonly Tally[], left: readonly string[], skip: ReadonlySet<ServiceName>): boolean {
  const all = addTallies(tallies, 'all');
  say(`\n${tallyTable([...tallies, all])}`);
  if (left.length > 0) {
    say(`\n${left.length} test files NOT RUN, because ${SKIP_VARIABLE} leaves out ${[...skip].join(', ')}:`);
    for (const file of left) say(`  ${file}`);
  }
  if (all.passed === 0) say('\nno test ran: that is a failure');
  say(`\n${all.passed} passed, ${all.failed} failed`);
  return all.failed === 0 && all.passed > 0;
}

/** Exit code of a program whose output goes straight through; a signal counts as 1. */
function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: PROJECT, stdio: 'inherit', env: { ...process.env, ...env } });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  console.error(`npm test cannot run: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
