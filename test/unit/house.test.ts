/** House rules as tests: every rule holds in the tracked files, and every rule is shown to catch a bad sample. */
import { expect, test } from 'vitest';
import { RULES } from '../kit/house/rules.ts';
import { type Tree, trackedTree } from '../kit/house/tree.ts';

/** Where a rule is broken on purpose. An entry that excuses nothing any more fails. */
const EXCEPTIONS: readonly { rule: string; path: string; why: string }[] = [];

const todo = `// ${'TO'}DO: later\n`;
const lines = (count: number) => 'x;\n'.repeat(count);

/** Per rule: made-up files it must complain about, and ones it must let pass. */
const SAMPLES: Readonly<Record<string, { bad: Record<string, string>; good: Record<string, string> }>> = {
  rings: {
    bad: {
      'agent/core/a.ts': "import { readFileSync } from 'node:fs';",
      'agent/core/b.ts': "import type { Source } from '../flow/ports.ts';",
      'agent/core/c.ts': "export * from '../catalog.ts';",
      'agent/flow/a.ts': "import { Redis } from 'ioredis';",
      'agent/flow/b.ts': "const io = await import('../io/redis/store.ts');",
      'agent/io/redis/a.ts': "import { run } from '../../flow/worker.ts';",
      'agent/io/redis/b.ts': "import {\n  load,\n} from '../../config/load.ts';",
      'agent/page/a.ts': "import { createStore } from '../io/redis/store.ts';",
      'agent/config/a.ts': "import { wire } from '../wire.ts';",
    },
    good: {
      'agent/core/a.ts': "import { mean } from 'simple-statistics';\nimport { b } from './decode/b.ts';",
      'agent/core/c.ts': "// import { x } from 'node:fs';\n",
      'agent/flow/a.ts': "import { fold } from '../core/fold.ts';",
      'agent/io/redis/a.ts':
        "import { Redis } from 'ioredis';\nimport type { Source } from '../../flow/ports.ts';",
      'agent/io/redis/b.ts': "import type { Config } from '../../config/settings.ts';",
      'agent/wire.ts': "import { run } from './flow/worker.ts';\nimport { s } from './io/redis/store.ts';",
    },
  },
  'dead files': {
    bad: {
      'agent/core/forgotten.ts': "import './also-forgotten.ts';",
      'agent/core/also-forgotten.ts': "import './forgotten.ts';",
      'agent/core/only-tested.ts': 'export const x = 1;',
    },
    good: {
      'agent/main.ts': "import './wire.ts';",
      'agent/wire.ts':
        "const w = new Worker(new URL('./worker.ts', import.meta.url));\nexport type { T } from './types.ts';",
      'agent/worker.ts': '',
      'agent/types.ts': '',
      'agent/for-bench.ts': '',
      'bench/run.ts': "import '../agent/for-bench.ts';",
      'test/unit/a.test.ts': "import '../../agent/core/only-tested.ts';",
    },
  },
  'pure core': {
    bad: {
      'agent/core/a.ts': 'const now = Date.now();',
      'agent/core/b.ts': 'const x = Math.random();',
      'agent/core/c.ts': 'await f();',
      'agent/core/d.ts': 'const t = performance.now();',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the sample's own text
      'agent/core/e.ts': 'const t = `at ${new Date()}`;',
    },
    good: {
      'agent/core/a.ts':
        "/** Never Date.now(), never await. */\nconst word = 'Date'; // performance\nconst d = x.Date;",
      'agent/core/b.ts': 'const quote = /["\'`]/; const dateMs = 1; /* Math.random */',
      'agent/flow/a.ts': 'await clock.sleep(1);',
    },
  },
  'file length': {
    bad: { 'agent/a.ts': lines(301), 'test/unit/a.test.ts': lines(400) },
    good: { 'agent/b.ts': lines(300), 'docs/long.md': lines(900), 'dashboards/generated/a.ts': lines(900) },
  },
  'left-out tests': {
    bad: {
      'test/unit/a.test.ts': "test.skip('x', () => {});",
      'test/unit/b.test.ts': "describe.only ('x', () => {});",
      'test/unit/c.test.ts': "test.skipIf(mac)('x', () => {});",
    },
    good: { 'test/unit/d.test.ts': "const text = 'test.skip(';", 'agent/core/a.ts': 'reader.skip(4);' },
  },
  unfinished: {
    bad: { 'agent/a.ts': todo, 'docs/a.md': todo },
    good: { 'agent/b.ts': 'const todos = [];' },
  },
  names: {
    bad: {
      'agent/utils.ts': '',
      'agent/common/a.ts': '',
      'agent/stream-manager.ts': '',
      'test/legacy.test.ts': '',
    },
    good: { 'agent/core/baseline.ts': '', 'docs/commonplace.md': '' },
  },
  places: {
    bad: {
      'docs/a.md': `https://registry.${'npm'}js.org/x`,
      'test/a.ts': `read('/${'work'}/main')`,
      'examples/a.sh': `cat ../shared/${'tele'}metry/a`,
    },
    good: { 'docs/a.md': 'see docs/work/a and home/work/b', 'a.txt': 'https://www.apache.org/licenses/' },
  },
};

const treeOf = (files: Record<string, string>): Tree => new Map(Object.entries(files));

test.each(RULES)('rule "$name" holds', ({ name, check }) => {
  const excused = EXCEPTIONS.filter(({ rule }) => rule === name).map(({ path }) => path);
  const found = check(trackedTree());
  const broken = found.filter(({ path }) => !excused.includes(path));
  expect(broken.map(({ path, line, message }) => `${path}:${line}: ${message}`)).toEqual([]);
  const stale = excused.filter((path) => !found.some((violation) => violation.path === path));
  expect(stale, 'exceptions that excuse nothing').toEqual([]);
});

test.each(RULES)('rule "$name" complains about each bad sample and no good one', ({ name, check }) => {
  const sample = SAMPLES[name];
  if (sample === undefined) throw new Error(`the rule "${name}" has no samples`);
  const found = check(treeOf({ ...sample.good, ...sample.bad }));
  expect([...new Set(found.map(({ path }) => path))].sort()).toEqual(Object.keys(sample.bad).sort());
  expect(check(treeOf(sample.good))).toEqual([]);
});

test('exceptions name a rule and a reason', () => {
  for (const { rule, why } of EXCEPTIONS) {
    expect(RULES.map(({ name }) => name)).toContain(rule);
    expect(why).not.toBe('');
  }
});

test('a rule names the line', () => {
  const purity = RULES.find(({ name }) => name === 'pure core');
  const [violation] = purity?.check(treeOf({ 'agent/core/a.ts': '/* a\n*/\n\nconst t = Date.now();' })) ?? [];
  expect(violation?.line).toBe(4);
});
