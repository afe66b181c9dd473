/** A cluster as it was when it was new, and still warm: no topics, no groups, no configs, no faults. */
import { isDeepStrictEqual } from 'node:util';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { AclStore } from '../../coordinator-client/stores/acl-store.ts';
import { ConfigStore } from '../../coordinator-client/stores/config-store.ts';
import type { ConfigType } from '../../coordinator-client/znodes/config-znodes.ts';
import type { AdminClient } from '../../scripts/cli/admin-client.ts';
import { type RulesOfResource, resourceKey } from './acl-rules.ts';
import { deleteTopics, type World } from './administration.ts';

/** Those of topics go with the topics. */
const CONFIG_TYPES: readonly ConfigType[] = ['brokers', 'clients', 'ips'];

/** Groups, and what is known of producers, are in topics of the brokers' own: they go with them. */
export async function resetTopics(admin: AdminClient, world: World): Promise<void> {
  const { topics } = await admin.metadata(null);
  const names = topics.map(({ name }) => name ?? '').filter((name) => name !== '');
  if (names.length > 0) await deleteTopics(admin, world, names);
}

/** What nobody has changed. */
interface Original {
  readonly users: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly rules: readonly RulesOfResource[];
}

export async function resetConfigs(
  coordinator: Coordinator,
  { users, rules }: Original = { users: new Map(), rules: [] },
): Promise<void> {
  const store = new ConfigStore(coordinator);
  for (const type of CONFIG_TYPES) {
    for (const name of await store.names(type)) await put(store, type, name);
  }
  const known = new Set([...(await store.userEntities()), ...users.keys()]);
  for (const name of known) await put(store, 'users', name, users.get(name));
  await resetRules(coordinator, rules);
}

/** These rules, and no others. */
export async function resetRules(coordinator: Coordinator, rules: readonly RulesOfResource[]): Promise<void> {
  const store = new AclStore(coordinator);
  const wanted = new Set(rules.map(({ resource }) => resourceKey(resource)));
  const strays = (await store.resources()).filter((resource) => !wanted.has(resourceKey(resource)));
  if (rules.length > 0) await store.ensurePaths();
  for (const { resource, acls } of [...rules, ...strays.map((resource) => ({ resource, acls: [] }))]) {
    const { acls: found, version } = await store.read(resource);
    if (!isDeepStrictEqual(found, acls)) await store.replace(resource, version, acls);
  }
}

async function put(
  store: ConfigStore,
  type: ConfigType,
  name: string,
  wanted: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const found = await store.read(type, name);
  if (!isDeepStrictEqual(found, wanted)) await store.write(type, name, wanted);
}
