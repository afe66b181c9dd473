/**
 * Dynamic configs as they stand in ZooKeeper: overrides of topics, of this broker and of all brokers.
 * Whoever changes one leaves a notice under /config/changes; every broker reads the entity again. A
 * new topic comes with its overrides and without a notice, therefore `load` before its logs are made.
 * Source: ZkConfigManager, ZkNodeChangeNotificationListener.
 */

import { CoordinatorError, type Watch } from '../../coordinator-client/coordinator.ts';
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import {
  type ConfigEntity,
  configChangeZnode,
  DEFAULT_ENTITY,
} from '../../coordinator-client/znodes/config-znodes.ts';
import type { Unreadable } from '../../coordinator-client/znodes/znode-json.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { BrokerId } from '../types.ts';

export type Overrides = ReadonlyMap<string, string>;

interface ConfigFeedOptions {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly onTopicConfig: (topic: string, overrides: Overrides) => void;
  /** Called with both levels when either has changed. */
  readonly onBrokerConfig: (defaults: Overrides, own: Overrides) => void;
  /** Quotas and credentials: entities of other types. */
  readonly onOtherConfig?: (entity: ConfigEntity, config: Overrides) => void;
}

/** Notices older than this are removed; every broker has seen them. */
const NOTICE_LIFE_MS = 15 * 60_000;

const NONE: Overrides = new Map();

/** Follows one store at a time: whatever an earlier store still answers is dropped. */
export class ConfigFeed {
  readonly #options: ConfigFeedOptions;
  /**
   * Of every topic that was read so far. A topic without overrides has an empty entry, so it is not
   * read again.
   */
  readonly #topics = new Map<string, Overrides>();
  #brokerDefaults: Overrides = NONE;
  #ownBroker: Overrides = NONE;
  /** Of the session that is followed; null while stopped. */
  #store: ClusterStore | null = null;
  #watch: Watch | null = null;
  /** Of the last notice that was taken in; -1 before the first. */
  #lastSequence = -1;
  /** One reader of notices at a time; `#readAgain` says that it has to look once more. */
  #reading = false;
  #readAgain = false;

  constructor(options: ConfigFeedOptions) {
    this.#options = options;
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
    this.#watch = store.coordinator.watch(configChangeZnode.parent, 'children', () => this.#changed(store));
    const notices = await store.configs.changesAfter(-1);
    const [topics, defaults, own] = await Promise.all([
      store.configs.names('topics'),
      store.configs.read('brokers', DEFAULT_ENTITY, this.#unreadable),
      store.configs.read('brokers', String(this.#options.brokerId), this.#unreadable),
    ]);
    const overrides = await store.configs.readMany('topics', topics, this.#unreadable);
    if (this.#store !== store) return;
    this.#lastSequence = notices.at(-1)?.sequence ?? -1;
    this.#takeBroker(defaults, own);
    const known = new Set(topics);
    for (const topic of this.#topics.keys()) if (!known.has(topic)) this.#takeTopic(topic, NONE);
    topics.forEach((topic, index) => {
      this.#takeTopic(topic, overrides[index] ?? NONE);
    });
    this.#changed(store);
  }

  stop(): void {
    this.#watch?.close();
    this.#watch = null;
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

  /** Reads new notices, one reader at a time; a change in between makes it read once more. */
  #changed(store: ClusterStore): void {
    if (this.#store !== store) return;
    this.#readAgain = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#readNotices();
  }

  async #readNotices(): Promise<void> {
    while (this.#readAgain && this.#store !== null) {
      this.#readAgain = false;
      const store = this.#store;
      try {
        for (const { sequence, entity } of await store.configs.changesAfter(this.#lastSequence)) {
          if (entity !== null) await this.#readEntity(store, entity);
          if (this.#store !== store) break;
          this.#lastSequence = sequence;
        }
        await store.configs.purgeChanges(this.#options.clock.wallMs(), NOTICE_LIFE_MS);
      } catch (error) {
        // When the session is over, start() reads everything again with the next one.
        this.#options.diagnostics.warn('could not read config changes', error);
      }
    }
    this.#reading = false;
  }

  async #readEntity(store: ClusterStore, entity: ConfigEntity): Promise<void> {
    const config = await store.configs.read(entity.type, entity.name).catch((error: unknown) => {
      if (error instanceof CoordinatorError) throw error;
      this.#options.diagnostics.error(`config of ${entity.type}/${entity.name} can’t be read`, error);
      return null;
    });
    if (config === null || this.#store !== store) return;
    if (entity.type === 'topics') this.#takeTopic(entity.name, config);
    else if (entity.type !== 'brokers') this.#options.onOtherConfig?.(entity, config);
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

function sameOverrides(one: Overrides, other: Overrides): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}
