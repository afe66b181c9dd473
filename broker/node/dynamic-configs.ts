/**
 * Configs that change while the broker runs: whoever holds the Live sees every change, and logs of a
 * topic are given their new effective config. What was set in vain is said, once for each level.
 * Source: Kafka's DynamicBrokerConfig and TopicConfigHandler.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { type BrokerConfig, brokerProperty, reconfigured } from '../config/broker-config.ts';
import { overrideProblem } from '../config/broker-overrides.ts';
import { TOPIC_CONFIGS } from '../config/definitions/topic.ts';
import { effectiveTopicConfig, topicDefaults } from '../config/effective.ts';
import { type Live, LiveValue } from '../config/live.ts';
import { ConfigError } from '../config/property.ts';
import { allowsUncleanLeader, type LogConfig, validTopicOverrides } from '../config/topic-config.ts';
import {
  isEffectiveFromNextStart,
  isTopicConfigWithoutEffect,
  isWithoutEffect,
} from '../config/without-effect.ts';
import { ConfigFeed, type ConfigFeedOptions, type Overrides } from '../metadata/config-feed.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Journal } from '../platform/journal.ts';
import { StoredPasswords } from './stored-passwords.ts';

interface DynamicConfigListeners {
  topicChanged(topic: string, config: LogConfig): void;
  /** unclean.leader.election.enable has become true for a topic, or for all (null). */
  uncleanElectionAllowed(topic: string | null): void;
}

export class DynamicConfigs {
  /** As the broker was started; dynamic configs are laid over it each time anew. */
  readonly #static: BrokerConfig;
  readonly #live: LiveValue<BrokerConfig>;
  readonly #feed: ConfigFeed;
  readonly #diagnostics: Diagnostics;
  readonly #journal: Pick<Journal, 'record'> | null;
  readonly #passwords: StoredPasswords;
  /** null until the parts are made that are to hear of changes. */
  #listeners: DynamicConfigListeners | null = null;
  /** All was read once: from then on what is spoilt is left as it was instead of thrown. */
  #started = false;
  /** What is set for all brokers and for this one, as far as it is valid. */
  #defaults: Overrides = new Map();
  #own: Overrides = new Map();
  /** Effective configs of the topics that were asked for or have changed. */
  readonly #known = new Map<string, LogConfig>();
  /** What has been said: `level config`. */
  readonly #said = new Set<string>();

  /** `config`: as the broker was started with it, its id included. */
  constructor(
    config: BrokerConfig,
    parts: { clock: Clock; diagnostics: Diagnostics; journal?: Pick<Journal, 'record'> } & Partial<
      Pick<ConfigFeedOptions, 'onOtherConfig'>
    >,
  ) {
    this.#static = config;
    this.#live = new LiveValue(config);
    this.#diagnostics = parts.diagnostics;
    this.#journal = parts.journal ?? null;
    this.#passwords = new StoredPasswords(config, parts.diagnostics);
    this.#feed = new ConfigFeed({
      onOtherConfig: () => {},
      ...parts,
      brokerId: config.brokerId,
      onTopicConfig: (topic, overrides) => this.#topicChanged(topic, overrides),
      onBrokerConfig: (defaults, own) => this.#brokerChanged(defaults, own),
    });
  }

  /** Of the broker; topics' configs are in topicConfig(). */
  get live(): Live<BrokerConfig> {
    return this.#live;
  }

  /** Reads all dynamic configs and follows their changes, in this session. Rejects with ConfigError. */
  async start(store: ClusterStore): Promise<void> {
    await this.#passwords.renew(store, this.#static.brokerId);
    await this.#feed.start(store);
    this.#started = true;
  }

  stop(): void {
    this.#feed.stop();
  }

  listen(listeners: DynamicConfigListeners): void {
    this.#listeners = listeners;
  }

  /** Makes sure that the overrides of these topics are known before their logs are made. */
  load(topics: Iterable<string>): Promise<void> {
    return this.#feed.load(topics);
  }

  forget(topic: string): void {
    this.#feed.forget(topic);
    this.#known.delete(topic);
  }

  /** What a topic without overrides gets, as texts: new overrides are judged against it. */
  get topicDefaults(): Overrides {
    return topicDefaults(this.#static, this.#defaults, this.#own);
  }

  /** The effective config of a topic's logs. */
  topicConfig(topic: string): LogConfig {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    const overrides = this.#feed.topicOverrides(topic);
    const config = this.#judged(topic, overrides) ?? this.#effective(validTopicOverrides(overrides));
    this.#known.set(topic, config);
    this.#sayTopic(topic, overrides);
    return config;
  }

  #effective(overrides: Overrides): LogConfig {
    return effectiveTopicConfig(this.#static, this.#defaults, this.#own, overrides).log;
  }

  /**
   * What the overrides come to. A value that somebody has spoilt in ZooKeeper stops the start, as it stops
   * Kafka's: with the default in its place records might be deleted that are to be kept. For a broker that
   * runs it is null: the topic keeps what it had.
   */
  #judged(topic: string, overrides: Overrides): LogConfig | null {
    try {
      return this.#effective(overrides);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const complaint = `Topic ${topic} has an invalid config in ZooKeeper: ${error.message}`;
      if (!this.#started) throw new ConfigError(complaint);
      this.#diagnostics.error(`${complaint}; the topic keeps what it had`);
      return null;
    }
  }

  #topicChanged(topic: string, overrides: Overrides): void {
    const config = this.#judged(topic, overrides);
    if (config === null) return;
    this.#diagnostics.info(`Configs of topic ${topic} are now ${describe(overrides)}`);
    this.#journal?.record({ kind: 'configs-changed', topic, names: [...overrides.keys()] });
    this.#sayTopic(topic, overrides);
    this.#take(topic, config);
    if (allowsUncleanLeader(overrides, false)) this.#listeners?.uncleanElectionAllowed(topic);
  }

  #take(topic: string, config: LogConfig): void {
    this.#known.set(topic, config);
    this.#listeners?.topicChanged(topic, config);
  }

  #brokerChanged(givenDefaults: Overrides, givenOwn: Overrides): void {
    const before = this.#live.now.uncleanLeaderElectionEnable;
    const defaults = this.#usable('default', givenDefaults, this.#defaults);
    const own = this.#usable('broker', this.#passwords.decoded(givenOwn), this.#own);
    let config: BrokerConfig;
    try {
      config = reconfigured(this.#static, defaults, own);
    } catch (error) {
      this.#diagnostics.error('Dynamic broker configs can’t be applied; the ones before stay', error);
      return;
    }
    this.#defaults = defaults;
    this.#own = own;
    this.#live.set(config);
    for (const name of defaults.keys()) this.#say('all brokers', name, brokerConfigNote(name));
    for (const name of own.keys()) this.#say('this broker', name, brokerConfigNote(name));
    for (const topic of [...this.#known.keys()]) {
      const changed = this.#judged(topic, this.#feed.topicOverrides(topic));
      if (changed !== null) this.#take(topic, changed);
    }
    const names = [...new Set([...defaults.keys(), ...own.keys()])];
    this.#diagnostics.info(`Dynamic broker configs are now ${describe(new Map([...defaults, ...own]))}`);
    this.#journal?.record({ kind: 'configs-changed', topic: null, names });
    if (!before && config.uncleanLeaderElectionEnable) this.#listeners?.uncleanElectionAllowed(null);
  }

  /** Without what can't be, or can't be set at run time: there, what was before stays. As Kafka's broker does. */
  #usable(scope: 'broker' | 'default', given: Overrides, before: Overrides): Overrides {
    const usable = new Map<string, string>();
    for (const [name, value] of given) {
      const problem = overrideProblem(this.#static, [name, value], scope);
      const former = before.get(name);
      if (problem === null) usable.set(name, value);
      else if (former !== undefined) usable.set(name, former);
      if (problem !== null) {
        this.#diagnostics.error(`The dynamic configuration '${name}' is ignored: ${problem.message}`);
      }
    }
    return usable;
  }

  #sayTopic(topic: string, overrides: Overrides): void {
    for (const [name, value] of overrides) {
      if (isTopicConfigWithoutEffect(name, value, TOPIC_CONFIGS))
        this.#say(`topic ${topic}`, name, NO_EFFECT);
    }
  }

  /** Of topics, the first that has a config speaks for all: there may be many. */
  #say(level: string, name: string, note: string | null): void {
    const once = `${level.split(' ')[0]} ${name}`;
    if (note === null || this.#said.has(once)) return;
    this.#said.add(once);
    this.#diagnostics.warn(`The configuration '${name}', set for ${level}, ${note}.`);
  }
}

const NO_EFFECT = 'is known but has no effect here';

/** What is to be said of a broker config that was set at run time; null when it does what it should. */
function brokerConfigNote(name: string): string | null {
  if (brokerProperty(name) === undefined) return "isn't a known config";
  if (isEffectiveFromNextStart(name)) return 'takes effect when the broker is started again';
  return isWithoutEffect(name) ? NO_EFFECT : null;
}

/** Names only: values may be secrets. */
function describe(overrides: Overrides): string {
  return overrides.size === 0 ? 'the defaults' : `those with ${[...overrides.keys()].join(', ')} set`;
}
