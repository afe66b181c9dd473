/**
 * Dynamic configurations in the tree. A change and the notice about it are one commit, and it stands only
 * while there is a controller of this mode. Source: kafka.zk.AdminZkClient, KafkaZkClient.
 */

import type { Change, Coordinator, ZNode } from '../coordinator.ts';
import type { ConfigEntity, ConfigType } from '../znodes/config-znodes.ts';
import { configChangeZnode, configZnode } from '../znodes/config-znodes.ts';
import { readable, type Unreadable } from '../znodes/znode-json.ts';
import { controllerZnode } from '../znodes/znodes.ts';
import { ChangeNotices } from './change-notices.ts';
import { assertPassing, commitKnown, pipelined } from './commits.ts';
import { ensurePaths, parentPath } from './paths.ts';

/** A configuration was to be written while no controller was elected. Try again later. */
export class NoController extends Error {
  override readonly name = 'NoController';
}

/** Types whose entities go when nothing is said of them any more; the others keep an empty node. */
const GOING: ReadonlySet<ConfigType> = new Set(['users', 'clients', 'ips']);

export class ConfigStore {
  /** What has changed lately. */
  readonly changes: ChangeNotices<ConfigEntity>;
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    this.changes = new ChangeNotices(coordinator, configChangeZnode);
  }

  /** Overrides of an entity; empty when there are none, or when nobody can read them and `unreadable` is told. */
  async read(type: ConfigType, name: string, unreadable?: Unreadable): Promise<Map<string, string>> {
    const node = await this.#coordinator.read(configZnode.path(type, name));
    if (node === null) return new Map();
    return readable(() => configZnode.decode(type, name, node.data), unreadable) ?? new Map();
  }

  /** In the order asked. */
  readMany(
    type: ConfigType,
    names: readonly string[],
    unreadable?: Unreadable,
  ): Promise<Map<string, string>[]> {
    return pipelined(names, (name) => this.read(type, name, unreadable));
  }

  /** Names of the entities of a type that have a node, sorted. */
  async names(type: ConfigType): Promise<readonly string[]> {
    return (await this.#coordinator.children(configZnode.typePath(type))) ?? [];
  }

  /** Every entity of a type below users, which nest: `alice`, `alice/clients/app`. */
  async userEntities(): Promise<string[]> {
    const users = await this.names('users');
    const clients = await pipelined(users, (user) =>
      this.#coordinator.children(configZnode.path('users', `${user}/clients`)),
    );
    return users.flatMap((user, index) => [
      user,
      ...(clients[index] ?? []).map((client) => `${user}/clients/${client}`),
    ]);
  }

  /**
   * Changes the overrides of an entity and tells every broker. `change` gets what is stored and answers
   * what shall be; it runs again when somebody else was faster. `replaces` tells that all of them are replaced
   * rather than single ones changed, which Kafka's order of keys depends on. Rejects with {@link NoController},
   * unless it is `unattended`: before there are brokers.
   */
  async update(
    type: ConfigType,
    name: string,
    change: (stored: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
    { replaces = false, unattended = false } = {},
  ): Promise<void> {
    const path = configZnode.path(type, name);
    for (;;) {
      const [fence, node] = await Promise.all([
        unattended ? [] : this.#fence({ type, name }),
        this.#coordinator.read(path),
      ]);
      const stored = node === null ? new Map<string, string>() : configZnode.decode(type, name, node.data);
      const wanted = change(stored);
      const removal = wanted.size === 0 ? await this.#removal({ type, name }, node) : null;
      const data = configZnode.encode(wanted, replaces ? null : stored);
      const write: Change =
        node === null
          ? { op: 'create', path, data, lifetime: 'persistent' }
          : { op: 'put', path, data, version: node.version };
      const answer = await commitKnown(this.#coordinator, [
        ...fence,
        ...(removal ?? [write]),
        noticeOf({ type, name }),
      ]);
      if (answer.ok) return;
      assertPassing(answer, ['version', 'exists', 'missing', 'not-empty'], `write ${path}`);
      if (removal === null && answer.reason === 'missing' && answer.index >= fence.length) {
        const parent = answer.index === fence.length ? parentPath(path) : configChangeZnode.parent;
        await ensurePaths(this.#coordinator, [parent]);
      }
    }
  }

  /** By which a change stands only while there is a controller of this mode. */
  async #fence({ type, name }: ConfigEntity): Promise<Change[]> {
    const controller = await this.#coordinator.read(controllerZnode.path);
    if (controller === null || controllerZnode.decode(controller.data).kraftControllerEpoch >= 0) {
      throw new NoController(`cannot change the configuration of ${type}/${name}: no ZooKeeper controller`);
    }
    return [{ op: 'check', path: controllerZnode.path, version: controller.version }];
  }

  /**
   * What removes a user, client or address of whom nothing is said any more, as Kafka does with them: a
   * user's last client takes the nodes above along, if they say nothing either. null when it has to stay.
   */
  async #removal({ type, name }: ConfigEntity, node: ZNode | null): Promise<Change[] | null> {
    if (!GOING.has(type)) return null;
    const path = configZnode.path(type, name);
    if (((await this.#coordinator.children(path)) ?? []).length > 0) return null;
    if (node === null) return [];
    const changes: Change[] = [{ op: 'remove', path, version: node.version }];
    const [user, client] = name.split('/clients/');
    if (user === undefined || client === undefined) return changes;
    const [clientsPath, userPath] = [`${user}/clients`, user].map((above) => configZnode.path(type, above));
    if (clientsPath === undefined || userPath === undefined) return changes;
    const [siblings, clients, above] = await Promise.all([
      this.#coordinator.children(clientsPath),
      this.#coordinator.read(clientsPath),
      this.#coordinator.read(userPath),
    ]);
    if (siblings?.length !== 1 || clients === null || above === null) return changes;
    changes.push({ op: 'remove', path: clientsPath, version: clients.version });
    if (configZnode.decode(type, user, above.data).size > 0) return changes;
    return [...changes, { op: 'remove', path: userPath, version: above.version }];
  }

  /**
   * Writes other values that mean the same: nobody is told, and no controller is needed. Does nothing when nothing
   * changes; whoever was faster is left alone.
   */
  async rewrite(
    type: ConfigType,
    name: string,
    change: (name: string, value: string) => string,
  ): Promise<void> {
    const path = configZnode.path(type, name);
    const node = await this.#coordinator.read(path);
    if (node === null) return;
    const stored = configZnode.decode(type, name, node.data);
    const wanted = new Map([...stored].map(([key, value]) => [key, change(key, value)]));
    if ([...stored].every(([key, value]) => wanted.get(key) === value)) return;
    const data = configZnode.encode(wanted, stored);
    const answer = await commitKnown(this.#coordinator, [{ op: 'put', path, data, version: node.version }]);
    if (!answer.ok) assertPassing(answer, ['version', 'missing'], `write ${path}`);
  }

  /** Replaces all overrides of an entity. */
  write(type: ConfigType, name: string, config: ReadonlyMap<string, string>): Promise<void> {
    return this.update(type, name, () => config, { replaces: true });
  }
}

function noticeOf(entity: ConfigEntity): Change {
  return {
    op: 'create',
    path: configChangeZnode.prefix,
    data: configChangeZnode.encode(entity),
    lifetime: 'persistent',
    sequential: true,
  };
}
