/** A cluster as it was when it was new, and still warm: no topics, no groups, no configs, no faults. */
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { ConfigStore } from '../../coordinator-client/stores/config-store.ts';
import type { ConfigType } from '../../coordinator-client/znodes/config-znodes.ts';
import type { AdminClient } from '../../scripts/cli/admin-client.ts';
import { deleteTopics, type World } from './administration.ts';

/** Those of topics go with the topics. */
const CONFIG_TYPES: readonly ConfigType[] = ['brokers', 'clients', 'ips'];
const OPEN_TIMEOUT_MS = 5000;

/** Groups, and what is known of producers, are in topics of the brokers' own: they go with them. */
export async function resetTopics(admin: AdminClient, world: World): Promise<void> {
  const { topics } = await admin.metadata(null);
  const names = topics.map(({ name }) => name ?? '').filter((name) => name !== '');
  if (names.length > 0) await deleteTopics(admin, world, names);
}

export async function resetConfigs(source: CoordinatorSource): Promise<void> {
  const coordinator = await source.open(OPEN_TIMEOUT_MS);
  try {
    const store = new ConfigStore(coordinator);
    for (const type of CONFIG_TYPES) {
      for (const name of await store.names(type)) await clear(store, type, name);
    }
    for (const name of await store.userEntities()) await clear(store, 'users', name);
  } finally {
    await coordinator.close();
  }
}

async function clear(store: ConfigStore, type: ConfigType, name: string): Promise<void> {
  if ((await store.read(type, name)).size > 0) await store.write(type, name, new Map());
}
