import { defineConfig } from 'vitest/config';

const architecture = 'packages/conformance/architecture.test.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'architecture',
          include: [architecture],
        },
      },
      {
        test: {
          name: 'suite',
          include: [
            'packages/*/test/**/*.test.ts',
            'services/*/test/**/*.test.ts',
            'packages/conformance/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', architecture],
          globalSetup: ['infra/test/servers.ts'],
          // Generous: many tests start processes, on machines that do other things as well.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
