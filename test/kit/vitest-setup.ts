/**
 * `odradek/testkit/vitest`: a globalSetup for vitest, one cluster for the whole run.
 *
 *     // vitest.config.ts
 *     export default { test: { globalSetup: 'odradek/testkit/vitest' } };
 *     // or a file of your own, with options
 *     export const { setup, teardown } = globalSetup({ topics: ['orders'] });
 *
 * Tests find it by `process.env.ODRADEK_BOOTSTRAP_SERVERS`, and what it can do by
 * `remoteCluster()` of `odradek/testkit`.
 */
import type { KitOptions } from './cluster.ts';
import { type SharedCluster, startSharedCluster } from './shared-cluster.ts';

interface GlobalSetup {
  setup(): Promise<void>;
  teardown(): Promise<void>;
}

export function globalSetup(options: KitOptions = {}): GlobalSetup {
  let shared: SharedCluster | null = null;
  return {
    async setup() {
      shared = await startSharedCluster(options);
    },
    async teardown() {
      await shared?.close();
      shared = null;
    },
  };
}

/** With the defaults. */
export const { setup, teardown } = globalSetup();
