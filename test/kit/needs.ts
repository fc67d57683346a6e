import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadedBy } from './imports.ts';
import { PROJECT } from './services/paths.ts';
import { SERVICE_NAMES, SERVICES, type ServiceName } from './services/services.ts';

/** Test suites in the order they run: a folder of `test/` each. */
export const SUITES = [
  'unit',
  'property',
  'golden',
  'simulation',
  'fuzz',
  'contract',
  'integration',
  'browser',
];

/** All test files, by path from the project's root. */
export function testFiles(): string[] {
  return SUITES.flatMap((suite) => {
    const folder = join('test', suite);
    if (!existsSync(join(PROJECT, folder))) return [];
    const names = readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.test.ts')).map((name) => join(folder, name));
  }).sort();
}

export function servicesOf(testFile: string): ServiceName[] {
  const loaded = loadedBy(testFile);
  return SERVICE_NAMES.filter((name) => loaded.has(SERVICES[name].maker));
}

/** Test files that cannot run without one of these services. */
export function filesNeeding(services: ReadonlySet<ServiceName>): string[] {
  if (services.size === 0) return [];
  return testFiles().filter((file) => servicesOf(file).some((name) => services.has(name)));
}
