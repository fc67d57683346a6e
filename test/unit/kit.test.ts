/** The parts of the kit that need no service: waiting, owning, processes, needs of a test file, counts. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { importsOf } from '../kit/imports.ts';
import { servicesOf, testFiles } from '../kit/needs.ts';
import { ownerByHand } from '../kit/owner.ts';
import { startProcess } from '../kit/process.ts';
import { startServer } from '../kit/server.ts';
import { howToInstall, packagesOf } from '../kit/services/install.ts';
import { PROJECT } from '../kit/services/paths.ts';
import { skippedServices } from '../kit/services/services.ts';
import { addTallies, tallyTable } from '../kit/tally.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { waitFor } from '../kit/wait-for.ts';

/** A process that has ended but that its parent has not yet asked after counts as ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !readFileSync(stat, 'utf8').includes(') Z ');
}

const node = (script: string) => ({ command: process.execPath, args: ['-e', script] });

test('waitFor gives what the condition gave, zero and empty text included', async () => {
  let calls = 0;
  expect(await waitFor(() => ++calls === 3 && 'third', { what: 'the third call', everyMs: 1 })).toBe('third');
  expect(await waitFor(() => 0, { what: 'a number' })).toBe(0);
  expect(await waitFor(async () => '', { what: 'a text' })).toBe('');
});

test('waitFor names what it waited for and the last error', async () => {
  const never = () => {
    throw new Error('connection refused');
  };
  await expect(waitFor(never, { what: 'the server', deadlineMs: 20, everyMs: 5 })).rejects.toThrow(
    'gave up waiting for the server after 20 ms: connection refused',
  );
});

test('an owner ends everything, newest first', async () => {
  const owner = ownerByHand();
  const ended: string[] = [];
  owner.onTestFinished(() => void ended.push('first'));
  owner.onTestFinished(async () => void ended.push('second'));
  await owner.finish();
  expect(ended).toEqual(['second', 'first']);
});

test('a folder goes with its owner', async () => {
  const owner = ownerByHand();
  const dir = await tempDir(owner);
  await writeFile(join(dir, 'file'), 'x');
  await owner.finish();
  expect(existsSync(dir)).toBe(false);
});

test('a free port can be listened on', async () => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    freePort().then((port) => server.listen(port, '127.0.0.1', resolve), reject);
  });
  server.close();
});

test('a process gives its output, input and exit', async (t) => {
  const script =
    "process.stdin.on('data', (d) => console.log('got ' + d)); console.error('up'); process.exitCode = 3";
  const child = await startProcess(t, { ...node(script), stdin: 'hello' });
  expect(await child.exited).toEqual({ code: 3, signal: null });
  expect(child.stdout()).toBe('got hello\n');
  expect(child.stderr()).toBe('up\n');
  expect(child.running()).toBe(false);
});

test('a process ends with its owner, by SIGTERM, even while it is frozen', async () => {
  const owner = ownerByHand();
  const child = await startProcess(owner, node("console.log('up'); setInterval(() => {}, 1000)"));
  await waitFor(() => child.stdout().includes('up'), { what: 'the process' });
  child.signal('SIGSTOP');
  await owner.finish();
  expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
});

test('a run that is killed takes its processes with it', async (t) => {
  const kit = join(PROJECT, 'test/kit');
  const script = `
    import { startProcess } from '${kit}/process.ts';
    const owner = { onTestFinished: () => {} };
    const child = await startProcess(owner, { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
    console.log(child.pid);
    ${process.platform === 'linux' ? "process.kill(process.pid, 'SIGKILL')" : 'process.exit()'};`;
  const run = await startProcess(t, {
    command: process.execPath,
    args: ['--input-type=module-typescript', '-e', script],
  });
  await run.exited;
  const pid = Number(run.stdout());
  expect(pid).toBeGreaterThan(0);
  await waitFor(() => !isAlive(pid), { what: `process ${pid} to end` });
});

test('a program that does not exist is named', async (t) => {
  await expect(startProcess(t, { command: 'no-such-program', args: [] })).rejects.toThrow(
    'cannot start no-such-program',
  );
});

test('a server that ends before it serves is told with what it said', async (t) => {
  const server = {
    ...node("console.error('port in use'); process.exit(1)"),
    name: 'demo',
    ready: () => false,
  };
  await expect(startServer(t, server)).rejects.toThrow(/demo ended before it served; it said:\nport in use/);
});

test('a server starts again after a kill and refuses to start twice', async (t) => {
  const server = await startServer(t, {
    ...node("console.log('up'); setInterval(() => {}, 1000)"),
    name: 'demo',
    ready: (child) => child.stdout().includes('up'),
  });
  await expect(server.start()).rejects.toThrow('demo is running already');
  const before = server.pid();
  expect((await server.kill()).signal).toBe('SIGKILL');
  await server.start();
  expect(server.pid()).not.toBe(before);
});

test('imports are found in every way of writing them', () => {
  const text = [
    "import a, { type B } from './a.ts';",
    "import type { C } from '../c.ts';",
    "import './side.ts';",
    "export * from 'package';",
    "export {\n  d,\n} from './d.ts';",
    "const e = await import('./e.ts'); // import './no.ts'",
    "new URL('./f.ts', import.meta.url)",
    "const text = 'where from';",
  ].join('\n');
  expect(importsOf('x/y/z.ts', text).map(({ target, typeOnly, line }) => [target, typeOnly, line])).toEqual([
    ['x/y/a.ts', false, 1],
    ['x/c.ts', true, 2],
    ['x/y/side.ts', false, 3],
    ['package', false, 4],
    ['x/y/d.ts', false, 5],
    ['x/y/e.ts', false, 8],
    ['x/y/f.ts', false, 9],
  ]);
});

test('a test file needs the services whose makers it loads, and a type is no need', () => {
  expect(servicesOf('test/integration/kit-redis.test.ts')).toEqual(['redis']);
  expect(servicesOf('test/integration/kit-kafka.test.ts')).toEqual(['kafka']);
  expect(servicesOf('test/integration/kit-observe.test.ts')).toEqual(['prometheus', 'chromium']);
  expect(servicesOf('test/unit/house.test.ts')).toEqual([]);
  expect(testFiles()).toContain('test/unit/kit.test.ts');
});

test('services to leave out are checked by name', () => {
  expect([...skippedServices(' kafka, redis,')]).toEqual(['kafka', 'redis']);
  expect(skippedServices(undefined).size).toBe(0);
  expect(() => skippedServices('kafak')).toThrow(
    'names "kafak"; it knows redis, kafka, prometheus, chromium',
  );
});

test('who cannot install is told what to install and what to leave out', () => {
  const packages = packagesOf(['chromium', 'redis-cli', 'redis-server']);
  expect(packages).toEqual(['chromium', 'redis-server', 'fonts-liberation']);
  const text = howToInstall(['chromium', 'redis-cli'], packages, ['redis', 'kafka', 'chromium']);
  expect(text).toContain('sudo apt-get install chromium redis-server fonts-liberation');
  expect(text).toContain('NORMWATCH_TEST_SKIP=redis,chromium npm test');
});

test('tallies add up and are a table', () => {
  const unit = { suite: 'unit', files: 2, passed: 10, failed: 0, skipped: 0, ms: 1_500 };
  const all = addTallies(
    [unit, { suite: 'browser', files: 1, passed: 1, failed: 2, skipped: 1, ms: 2_000 }],
    'all',
  );
  expect(all).toEqual({ suite: 'all', files: 3, passed: 11, failed: 2, skipped: 1, ms: 3_500 });
  expect(tallyTable([unit])).toBe(
    'suite  files  passed  failed  skipped  seconds\nunit       2      10       0        0      1.5',
  );
});
