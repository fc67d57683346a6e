/** File and variables → a checked configuration. All problems are told at once. */
import { readFileSync } from 'node:fs';
import { failure, failures, type NormwatchError, systemDetail } from '../errors.ts';
import { CHECKS } from './checks.ts';
import { type FileValues, type Found, readYaml } from './file.ts';
import { assemble, type Config, fileNameOf, ROWS, variableOf } from './rows.ts';
import { type Environment, readVariables } from './variables.ts';

export interface LoadOptions {
  /** Null: variables alone. */
  readonly file: string | null;
  readonly environment: Environment;
  /** Folder that relative paths in variables count from. */
  readonly folder: string;
  /** False: what keys demand of each other is not asked, so that an unfinished configuration can be looked at. */
  readonly demands?: boolean;
}

export interface Loaded {
  readonly config: Config;
  /** Every key's value by its path. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Path of each key that is not at its default → the line or variable that set it. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Throws a NormwatchError, or an AggregateError of several. */
export function loadConfig(options: LoadOptions): Loaded {
  const fromFile = options.file === null ? NOTHING : readYaml(readText(options.file), options.file);
  const fromVariables = readVariables(options.environment, options.folder);
  const problems = [...fromFile.problems, ...fromVariables.problems];
  const found = new Map<string, Found>([...fromFile.values, ...fromVariables.values]);
  const values = new Map(ROWS.map(({ path, key }) => [path, found.get(path)?.value ?? key.default]));
  const config = assemble(values);
  // A broken key would only make its neighbours look wrong too.
  if (problems.length === 0 && options.demands !== false)
    problems.push(...brokenChecks(config, placesOf(options.file, fromFile, found)));
  if (problems.length > 0) throw failures(problems);
  return { config, values, origins: new Map([...found].map(([path, { where }]) => [path, where])) };
}

const NOTHING: FileValues = { values: new Map(), places: new Map(), problems: [] };

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw failure('config_unreadable', { file, detail: systemDetail(error) }, error);
  }
}

function brokenChecks(config: Config, placeOf: (path: string) => string): NormwatchError[] {
  return CHECKS.flatMap(({ key, row, broken }) => {
    const sentence = broken(config);
    if (sentence === false) return [];
    const where = placeOf(key);
    if (row === 'config_missing') return [failure(row, { where, key: nameInFile(key), because: sentence })];
    if (row === 'config_conflict') return [failure(row, { where, key, conflict: sentence })];
    return [failure(row, { where, key, file: nameInFile(key), variable: variableOf(key) })];
  });
}

function nameInFile(path: string): string {
  const row = ROWS.find((one) => one.path === path);
  return row === undefined ? path : fileNameOf(path, row.key);
}

/** Where a key is set, else where the nearest section around it stands, else the file. */
function placesOf(
  file: string | null,
  fromFile: FileValues,
  found: ReadonlyMap<string, Found>,
): (path: string) => string {
  return (path) => {
    const set = found.get(path)?.where;
    if (set !== undefined) return set;
    const parts = path.split('.');
    for (let length = parts.length; length > 0; length -= 1) {
      const place = fromFile.places.get(parts.slice(0, length).join('.'));
      if (place !== undefined) return place;
    }
    return file ?? 'environment';
  };
}
