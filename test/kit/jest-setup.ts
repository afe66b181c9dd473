/**
 * `odradek/testkit/jest`: a globalSetup for jest, which wants a default export, one cluster for the run.
 *
 *     // jest.config.js
 *     module.exports = { globalSetup: 'odradek/testkit/jest', globalTeardown: 'odradek/testkit/jest-teardown' };
 *
 * Options are in the configuration's `globals`: `{ globals: { odradek: { topics: ['orders'] } } }`. Tests
 * find it by `process.env.ODRADEK_BOOTSTRAP_SERVERS`, and what it can do by
 * `remoteCluster()` of `odradek/testkit`.
 */
import type { KitOptions } from './cluster.ts';
import { type SharedCluster, startSharedCluster } from './shared-cluster.ts';

/** Set-up and teardown are two modules to jest, which share nothing but the process. */
const PLACE = Symbol.for('odradek/testkit/jest');

type Shelf = Record<symbol, SharedCluster | undefined>;

/** Jest gives the run's configuration first, and that of the project, which has the globals, second. */
// biome-ignore lint/style/noDefaultExport: this is how jest finds it
export default async function setup(
  _run?: unknown,
  project?: { readonly globals?: { readonly odradek?: KitOptions } },
): Promise<void> {
  (globalThis as unknown as Shelf)[PLACE] = await startSharedCluster(project?.globals?.odradek ?? {});
}

export async function teardown(): Promise<void> {
  await (globalThis as unknown as Shelf)[PLACE]?.close();
}
