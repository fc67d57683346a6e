import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { filesNeeding } from './test/kit/needs.ts';
import { SKIP_VARIABLE, skippedServices } from './test/kit/services/services.ts';

// What the machine lacks by its user's word; `test/run.ts` tells at the end what was therefore not run.
const left = filesNeeding(skippedServices(process.env[SKIP_VARIABLE]));

/** Pure computing: as many files at a time as there are cores. */
const light = (name: string, testTimeout = 20_000) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    exclude: left,
    testTimeout,
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { groupOrder: 0 },
  },
});

/** Real servers beside the tests: two files at a time, so that they fit two cores. */
const heavy = (name: string) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    exclude: left,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    globalSetup: ['./test/kit/shared-services.ts'],
    maxWorkers: 2,
    sequence: { groupOrder: 1 },
  },
});

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      light('unit'),
      light('property', 60_000),
      light('golden', 60_000),
      light('simulation', 120_000),
      light('fuzz', 60_000),
      heavy('contract'),
      heavy('integration'),
      heavy('browser'),
    ],
  },
});
