import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs of the tests that come from the system, and the Debian package that brings each. */
export const PACKAGE_OF = {
  'redis-server': 'redis-server',
  'redis-cli': 'redis-server',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
  chromium: 'chromium',
  java: 'default-jre-headless',
  mvn: 'maven',
} as const;

export type Program = keyof typeof PACKAGE_OF;

/** The program's path, or null where the machine lacks it. */
export function findProgram(name: Program): string | null {
  // Debian keeps servers in sbin folders, which are missing from many users' PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

export function requireProgram(name: Program): string {
  const path = findProgram(name);
  if (path === null) {
    throw new Error(
      `${name} is missing: run \`npm test\` once as root, or \`apt-get install ${PACKAGE_OF[name]}\``,
    );
  }
  return path;
}
