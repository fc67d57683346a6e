import { importsOf } from '../imports.ts';
import { isSource, type Rule, type Tree, type Violation } from './tree.ts';

interface Ring {
  readonly folder: string;
  /** Folders (with a slash at the end) and files of the project it may import; its own always. */
  readonly may: readonly string[];
  /** The same, for `import type` alone. */
  readonly mayTypes?: readonly string[];
  /** Packages and builtins; null = any. */
  readonly packages: readonly string[] | null;
}

// Tables of words that every ring may look up: they know nobody.
const TABLES = ['agent/catalog.ts', 'agent/catalog/', 'agent/errors.ts'];

/** core ← flow ← wire → io. What is not listed (wire, commands, main) may know both sides. */
const RINGS: readonly Ring[] = [
  { folder: 'agent/core/', may: [], packages: ['simple-statistics'] },
  { folder: 'agent/catalog/', may: [], mayTypes: ['agent/core/'], packages: [] },
  { folder: 'agent/flow/', may: ['agent/core/', ...TABLES], packages: ['simple-statistics', 'node:crypto'] },
  {
    folder: 'agent/io/',
    may: ['agent/core/', 'agent/flow/ports.ts', ...TABLES],
    mayTypes: ['agent/config/'],
    packages: null,
  },
  {
    folder: 'agent/page/',
    may: ['agent/core/', 'agent/flow/', ...TABLES],
    mayTypes: ['agent/config/'],
    packages: null,
  },
  { folder: 'agent/config/', may: ['agent/core/', ...TABLES], packages: null },
];

export const rings: Rule = {
  name: 'rings',
  check: (tree) => [...tree].flatMap(([path, text]) => (isSource(path) ? wrongImports(path, text) : [])),
};

function wrongImports(path: string, text: string): Violation[] {
  const ring = RINGS.find(({ folder }) => path.startsWith(folder));
  if (ring === undefined) return [];
  const allowed = [ring.folder, ...ring.may];
  return importsOf(path, text).flatMap(({ target, local, typeOnly, line }) => {
    const good = local
      ? within(target, typeOnly ? [...allowed, ...(ring.mayTypes ?? [])] : allowed)
      : ring.packages === null || ring.packages.includes(target);
    return good ? [] : [{ path, line, message: `${ring.folder} may not import ${target}` }];
  });
}

const within = (target: string, allowed: readonly string[]): boolean =>
  allowed.some((place) => (place.endsWith('/') ? target.startsWith(place) : target === place));

// Where reading begins: the program, the generator, and the page's script, which the browser loads.
const ENTRIES = ['agent/main.ts', 'agent/generate.ts', 'agent/page/browser/main.ts'];

export const deadFiles: Rule = {
  name: 'dead files',
  check: (tree) => {
    // Tests do not count: what only a test uses is not part of the program.
    const outside = [...tree.keys()].filter((path) => isSource(path) && !/^(agent|test)\//.test(path));
    const reached = reach(tree, [...ENTRIES, ...outside]);
    return [...tree.keys()]
      .filter(
        (path) =>
          path.startsWith('agent/') && path.endsWith('.ts') && !path.endsWith('.d.ts') && !reached.has(path),
      )
      .map((path) => ({
        path,
        line: 1,
        message: `nothing leads here from ${ENTRIES.join(', ')}: use it or delete it`,
      }));
  },
};

function reach(tree: Tree, from: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const open = [...from];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const text = tree.get(path);
    if (text === undefined || reached.has(path)) continue;
    reached.add(path);
    open.push(...importsOf(path, text).flatMap(({ local, target }) => (local ? [target] : [])));
  }
  return reached;
}
