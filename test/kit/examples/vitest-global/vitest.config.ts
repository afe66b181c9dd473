/** One cluster for the whole run of vitest. In your project: `globalSetup: 'odradek/testkit/vitest'`. */
import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: this is how vitest finds it
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['orders.spec.ts'],
    globalSetup: '../../vitest-setup.ts',
    cache: false,
  },
});
