/** `NORMWATCH_*` variables → values by path. They win over the file. */
import { resolve } from 'node:path';
import { failure, type NormwatchError } from '../errors.ts';
import { type Found, nearest, valueProblem } from './file.ts';
import { ROWS } from './rows.ts';
import { Secret } from './secret.ts';

/** Variables that are read elsewhere than in the table. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  NORMWATCH_CONFIG: 'The configuration file, where --config is not given.',
  NORMWATCH_DEBUG: 'With 1, failures print their stack and cause.',
};

/** What Kubernetes sets in every pod for a Service whose name begins with `normwatch`. */
const SERVICE_LINK =
  /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;

export type Environment = Readonly<Record<string, string | undefined>>;

export function readVariables(
  environment: Environment,
  folder: string,
): { values: Map<string, Found>; problems: NormwatchError[] } {
  const values = new Map<string, Found>();
  const problems: NormwatchError[] = [];
  const known = new Map<string, (given: string) => void>();
  for (const { path, variable, key } of ROWS) {
    if (variable === null) continue;
    known.set(variable, (given) => {
      const value = key.parse(given);
      if (value === undefined) problems.push(valueProblem(variable, path, key, given));
      else values.set(path, { value: key.type === 'path' ? resolve(folder, value) : value, where: variable });
    });
    if (key.type === 'secret') {
      const fileVariable = `${variable}_FILE`;
      known.set(fileVariable, (given) =>
        values.set(path, {
          value: Secret.fromFile(fileVariable, resolve(folder, given)),
          where: fileVariable,
        }),
      );
    }
  }
  for (const [variable, given] of Object.entries(environment)) {
    if (!variable.startsWith('NORMWATCH_') || given === undefined || given === '') continue;
    const read = known.get(variable);
    if (read !== undefined) read(given);
    else if (!isForeign(variable)) {
      problems.push(
        failure('config_unknown_variable', { variable, nearest: nearest(variable, [...known.keys()]) }),
      );
    }
  }
  return { values, problems };
}

/** Read elsewhere, set by Kubernetes, or meant for the project's own tests. */
const isForeign = (variable: string): boolean =>
  Object.hasOwn(OTHER_VARIABLES, variable) ||
  SERVICE_LINK.test(variable) ||
  variable.startsWith('NORMWATCH_TEST_');
