/**
 * Dynamic configs as they stand in ZooKeeper: overrides of topics, of this broker and of all brokers.
 * Whoever changes one leaves a notice under /config/changes; every broker reads the entity again. A
 * new topic comes with its overrides and without a notice, therefore `load` before its logs are made.
 * Source: ZkConfigManager, ZkNodeChangeNotificationListener.
 */

import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { type ConfigEntity, DEFAULT_ENTITY } from '../../coordinator-client/znodes/config-znodes.ts';
import type { Unreadable } from '../../coordinator-client/znodes/znode-json.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { BrokerId } from '../types.ts';
import { NoticeFollower } from './notice-follower.ts';

export type Overrides = ReadonlyMap<string, string>;

export interface ConfigFeedOptions {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly onTopicConfig: (topic: string, overrides: Overrides) => void;
  /** Called with both levels when either has changed. */
  readonly onBrokerConfig: (defaults: Overrides, own: Overrides) => void;
  /** Quotas and credentials of users, clients and addresses; empty when nothing is said of one any more. */
  readonly onOtherConfig: (entity: ConfigEntity, config: Overrides) => void;
}

const NONE: Overrides = new Map();

/** Follows one store at a time: whatever an earlier store still answers is dropped. */
export class ConfigFeed {
  readonly #options: ConfigFeedOptions;
  /**
   * Of every topic that was read so far. A topic without overrides has an empty entry, so it is not
   * read again.
   */
  readonly #topics = new Map<string, Overrides>();
  /** Entities of other types of which something is said, by `type/name`. */
  readonly #others = new Map<string, ConfigEntity>();
  #brokerDefaults: Overrides = NONE;
  #ownBroker: Overrides = NONE;
  /** Of the session that is followed; null while stopped. */
  #store: ClusterStore | null = null;
  readonly #notices: NoticeFollower<ConfigEntity>;

  constructor(options: ConfigFeedOptions) {
    this.#options = options;
    const { clock, diagnostics } = options;
    const reread = (entity: ConfigEntity): Promise<void> => this.#readEntity(entity);
    this.#notices = new NoticeFollower({ clock, diagnostics, what: 'config', keyOf: pathOf, reread });
  }

  /** One node that a tool has spoilt must not keep a broker from starting, or from leading other topics. */
  readonly #unreadable: Unreadable = (error) =>
    this.#options.diagnostics.error('going on without a config that can’t be read', error);

  get brokerDefaults(): Overrides {
    return this.#brokerDefaults;
  }

  get brokerOverrides(): Overrides {
    return this.#ownBroker;
  }

  topicOverrides(topic: string): Overrides {
    return this.#topics.get(topic) ?? NONE;
  }

  /**
   * Reads everything and follows the notices from there. With the store of a new session this is also
   * how the feed goes on after one was lost.
   */
  async start(store: ClusterStore): Promise<void> {
    this.stop();
    this.#store = store;
    // Answers of a session come in the order of asking: what is read here is no older than the newest notice.
    const [, topics, others, defaults, own] = await Promise.all([
      this.#notices.watch(store.configs.changes, store.coordinator),
      store.configs.names('topics'),
      this.#readOthers(store),
      store.configs.read('brokers', DEFAULT_ENTITY, this.#unreadable),
      store.configs.read('brokers', String(this.#options.brokerId), this.#unreadable),
    ]);
    const overrides = await store.configs.readMany('topics', topics, this.#unreadable);
    if (this.#store !== store) return;
    this.#takeBroker(defaults, own);
    this.#takeOthers(others);
    const known = new Set(topics);
    for (const topic of this.#topics.keys()) if (!known.has(topic)) this.#takeTopic(topic, NONE);
    topics.forEach((topic, index) => {
      this.#takeTopic(topic, overrides[index] ?? NONE);
    });
    this.#notices.follow();
  }

  async #readOthers({ configs }: ClusterStore): Promise<(readonly [ConfigEntity, Overrides])[]> {
    const named = await Promise.all([
      configs.userEntities().then((names) => ({ type: 'users' as const, names })),
      configs.names('clients').then((names) => ({ type: 'clients' as const, names })),
      configs.names('ips').then((names) => ({ type: 'ips' as const, names })),
    ]);
    const read = named.map(async ({ type, names }) => {
      const found = await configs.readMany(type, names, this.#unreadable);
      return names.map((name, index) => [{ type, name }, found[index] ?? NONE] as const);
    });
    return (await Promise.all(read)).flat();
  }

  #takeOthers(all: readonly (readonly [ConfigEntity, Overrides])[]): void {
    const found = new Set(all.map(([entity]) => pathOf(entity)));
    for (const [path, entity] of [...this.#others]) if (!found.has(path)) this.#takeOther(entity, NONE);
    for (const [entity, config] of all) this.#takeOther(entity, config);
  }

  #takeOther(entity: ConfigEntity, config: Overrides): void {
    if (config.size === 0 && !this.#others.has(pathOf(entity))) return;
    if (config.size === 0) this.#others.delete(pathOf(entity));
    else this.#others.set(pathOf(entity), entity);
    this.#options.onOtherConfig(entity, config);
  }

  stop(): void {
    this.#notices.stop();
    this.#store = null;
  }

  /** Reads the overrides of topics that are not known yet. */
  async load(topics: Iterable<string>): Promise<void> {
    const store = this.#store;
    const unknown = [...new Set(topics)].filter((topic) => !this.#topics.has(topic));
    if (store === null || unknown.length === 0) return;
    const overrides = await store.configs.readMany('topics', unknown, this.#unreadable);
    if (this.#store !== store) return;
    unknown.forEach((topic, index) => {
      // A notice that came in meanwhile has brought something newer.
      if (!this.#topics.has(topic)) this.#topics.set(topic, overrides[index] ?? NONE);
    });
  }

  /** The topic is gone; one of the same name must not inherit its overrides. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  async #readEntity(entity: ConfigEntity): Promise<void> {
    const store = this.#store;
    if (store === null) return;
    const config = await store.configs.read(entity.type, entity.name).catch((error: unknown) => {
      if (error instanceof CoordinatorError) throw error;
      this.#options.diagnostics.error(`config of ${entity.type}/${entity.name} can’t be read`, error);
      return null;
    });
    if (config === null || this.#store !== store) return;
    if (entity.type === 'topics') this.#takeTopic(entity.name, config);
    else if (entity.type !== 'brokers') this.#takeOther(entity, config);
    else if (entity.name === DEFAULT_ENTITY) this.#takeBroker(config, this.#ownBroker);
    else if (entity.name === String(this.#options.brokerId)) this.#takeBroker(this.#brokerDefaults, config);
  }

  #takeTopic(topic: string, overrides: Overrides): void {
    const known = this.#topics.get(topic) ?? NONE;
    this.#topics.set(topic, overrides);
    if (!sameOverrides(known, overrides)) this.#options.onTopicConfig(topic, overrides);
  }

  #takeBroker(defaults: Overrides, own: Overrides): void {
    const same = sameOverrides(defaults, this.#brokerDefaults) && sameOverrides(own, this.#ownBroker);
    this.#brokerDefaults = defaults;
    this.#ownBroker = own;
    if (!same) this.#options.onBrokerConfig(defaults, own);
  }
}

function pathOf({ type, name }: ConfigEntity): string {
  return `${type}/${name}`;
}

function sameOverrides(one: Overrides, other: Overrides): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}
