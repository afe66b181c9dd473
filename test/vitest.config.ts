/**
 * How the suites run: files in parallel over two workers, nothing retried. The limits are there to end what
 * would never end, on a machine that is many times slower than this one and busy; how long something takes is
 * no matter of a test.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A second unless told otherwise, which is less than a busy machine may take for anything.
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    maxWorkers: 2,
    retry: 0,
  },
});
