import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { blankComments } from './blank.ts';
import { PROJECT } from './services/paths.ts';

export interface Import {
  /** Path from the project's root for a file of the project, else the package's or builtin's name as written. */
  readonly target: string;
  readonly local: boolean;
  readonly typeOnly: boolean;
  readonly line: number;
}

const STATEMENT =
  /\b(?:import|export)\s+(type\s)?[^'"`;()]*?from\s*(['"])([^'"]+)\2|\bimport\s*\(?\s*(['"])([^'"]+)\4|new URL\(\s*(['"])(\.[^'"]+)\6\s*,\s*import\.meta\.url/g;

/** What a source file imports, `import('…')`, `export … from` and `new URL('…', import.meta.url)` included. */
export function importsOf(path: string, text: string): Import[] {
  const code = blankComments(text);
  return [...code.matchAll(STATEMENT)].map((match) => {
    const specifier = match[3] ?? match[5] ?? match[7] ?? '';
    const local = specifier.startsWith('.');
    return {
      target: local ? join(dirname(path), specifier) : specifier,
      local,
      typeOnly: match[1] !== undefined,
      line: code.slice(0, match.index).split('\n').length,
    };
  });
}

/** Every project file that loads when this one does. */
export function loadedBy(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path) || !existsSync(join(PROJECT, path))) return seen;
  seen.add(path);
  if (!/\.[cm]?[jt]s$/.test(path)) return seen;
  for (const { local, typeOnly, target } of importsOf(path, readFileSync(join(PROJECT, path), 'utf8'))) {
    if (local && !typeOnly) loadedBy(target, seen);
  }
  return seen;
}
