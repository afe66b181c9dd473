/** One cluster for the whole run of vitest. In your project: `globalSetup: 'odradek/testkit/vitest'`. */
import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: this is how vitest finds it
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['orders.spec.ts'],
    globalSetup: '../../vitest-setup.ts',
    // 5 s and 10 s unless told otherwise, which a busy machine may exceed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    cache: false,
  },
});
