import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    env: { INVARIANTS: '1' },
    testTimeout: 30_000,
    maxWorkers: 2,
  },
});
