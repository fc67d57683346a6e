import { defineConfig } from 'vitest/config';

const heavy = {
  testTimeout: 120_000,
  hookTimeout: 180_000,
  globalSetup: ['./test/kit/shared-services.ts'],
};

const project = (name: string, settings: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...settings },
});

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    projects: [
      project('unit'),
      project('property', { testTimeout: 60_000 }),
      project('golden', { testTimeout: 60_000 }),
      project('simulation', { testTimeout: 120_000 }),
      project('fuzz', { testTimeout: 60_000 }),
      project('contract', heavy),
      project('integration', heavy),
      project('browser', heavy),
    ],
  },
});
