import { defineConfig } from 'vitest/config';
import { NoSkips } from './test/no-skips.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts', 'test/services/setup.ts'],
    env: { INVARIANTS: '1' },
    testTimeout: 30_000,
    maxWorkers: 2,
    reporters: process.env.CI === undefined ? ['default'] : ['default', new NoSkips()],
  },
});
