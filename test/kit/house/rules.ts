import { basename } from 'node:path';
import { blankProse } from '../blank.ts';
import { deadFiles, rings } from './rings.ts';
import { isSource, matches, type Rule } from './tree.ts';

const LINES_MAX = 300;
const MEASURED = /^(agent|rules|dashboards|test|bench|examples)\//;

const fileLength: Rule = {
  name: 'file length',
  check: (tree) =>
    [...tree].flatMap(([path, text]) => {
      if (!MEASURED.test(path) || !isSource(path) || path.includes('/generated/')) return [];
      const lines = text.trimEnd().split('\n').length;
      const message = `${lines} lines, ${LINES_MAX} at most: split it along its state`;
      return lines > LINES_MAX ? [{ path, line: LINES_MAX + 1, message }] : [];
    }),
};

const IMPURE =
  /(?<![.\w$])(?:await|async|Date|performance|process|setTimeout|setInterval|queueMicrotask|console|globalThis)\b(?!\s*\??:)|\bMath\.random\b/g;

const purity: Rule = {
  name: 'pure core',
  check: (tree) =>
    [...tree].flatMap(([path, text]) =>
      path.startsWith('agent/core/') && isSource(path)
        ? matches(
            path,
            blankProse(text),
            IMPURE,
            (word) => `${word} in core: pass it as data, or return what is to be told`,
          )
        : [],
    ),
};

const leftOut: Rule = {
  name: 'left-out tests',
  check: (tree) =>
    [...tree].flatMap(([path, text]) =>
      path.startsWith('test/') && isSource(path)
        ? matches(
            path,
            blankProse(text),
            /\.(?:skip|only|skipIf|runIf|todo)\s*\(/g,
            (call) => `${call}…): a test runs or is deleted; what a machine lacks is told to test/run.ts`,
          )
        : [],
    ),
};

const unfinished: Rule = {
  name: 'unfinished',
  check: (tree) =>
    [...tree].flatMap(([path, text]) =>
      matches(
        path,
        text,
        /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/g,
        (word) => `${word}: do it, or file it as an issue`,
      ),
    ),
};

const BANNED = /(?:^|[-_.])(?:utils?|common|manager|legacy|misc|helpers?)(?:[-_.]|$)/;

const names: Rule = {
  name: 'names',
  check: (tree) =>
    [...tree.keys()].flatMap((path) => {
      const bad = path.split('/').find((part) => BANNED.test(part.toLowerCase()));
      const message = `"${bad}" says nothing about what ${basename(path)} holds`;
      return bad === undefined ? [] : [{ path, line: 1, message }];
    }),
};

// Spelt in parts, or this file would break its own rule.
const HOSTS = [
  ['npmjs', 'org'],
  ['npmjs', 'com'],
  ['yarnpkg', 'com'],
  ['pypi', 'org'],
  ['pythonhosted', 'org'],
  ['crates', 'io'],
  ['proxy', 'golang', 'org'],
  ['maven', 'org'],
  ['maven', 'apache', 'org'],
  ['deb', 'debian', 'org'],
];
const PLACES = new RegExp(
  [...HOSTS.map((parts) => parts.join('\\.')), '(?<![\\w.-])/wor[k]/', 'shared/tele[m]etry'].join('|'),
  'g',
);

const places: Rule = {
  name: 'places',
  check: (tree) =>
    [...tree].flatMap(([path, text]) =>
      matches(
        path,
        text,
        PLACES,
        (place) => `${place} is a place of somebody's machine or network, not of the project`,
      ),
    ),
};

export const RULES: readonly Rule[] = [
  rings,
  deadFiles,
  purity,
  fileLength,
  leftOut,
  unfinished,
  names,
  places,
];
