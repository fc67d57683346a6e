import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../services/paths.ts';

/** Text of files by their path from the project's root. Rules look at nothing else, so that samples can be made up. */
export type Tree = ReadonlyMap<string, string>;

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface Rule {
  readonly name: string;
  readonly check: (tree: Tree) => Violation[];
}

const BINARY = /\.(gz|png|jpg|ico|woff2|zst|bin)$/;

/** What git tracks, as it lies on the disk. */
export function trackedTree(): Tree {
  const names = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' }).split('\0');
  const present = names.filter(
    (name) => name !== '' && !BINARY.test(name) && existsSync(join(PROJECT, name)),
  );
  return new Map(present.map((name) => [name, readFileSync(join(PROJECT, name), 'utf8')]));
}

export const isSource = (path: string): boolean => /\.[cm]?[jt]s$/.test(path);

/** Every match of a pattern (with the flag g) as a violation on its line. */
export function matches(
  path: string,
  text: string,
  pattern: RegExp,
  message: (found: string) => string,
): Violation[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: text.slice(0, match.index).split('\n').length,
    message: message(match[0].trim()),
  }));
}
