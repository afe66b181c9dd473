/**
 * Configs that change while the broker runs. Everybody holds the same BrokerConfig object, so a change
 * is written into it; logs of a topic are given their new effective config. What was set in vain is
 * said, once for each level.
 * Source: Kafka's DynamicBrokerConfig and TopicConfigHandler.
 */
import type { ClusterStore } from '../coordinator-client/cluster-store.ts';
import { type BrokerConfig, brokerProperty, reconfigured } from './config/broker-config.ts';
import { effectiveTopicConfig, topicDefaults } from './config/effective.ts';
import { type LogConfig, TOPIC_CONFIGS } from './config/topic-config.ts';
import {
  isEffectiveFromNextStart,
  isTopicConfigWithoutEffect,
  isWithoutEffect,
} from './config/without-effect.ts';
import { ConfigFeed, type Overrides } from './metadata/config-feed.ts';
import type { Clock } from './platform/clock.ts';
import type { Diagnostics } from './platform/diagnostics.ts';

export interface DynamicConfigListeners {
  topicChanged(topic: string, config: LogConfig): void;
  brokerChanged(config: BrokerConfig): void;
  /** unclean.leader.election.enable has become true for a topic, or for all (null). */
  uncleanElectionAllowed(topic: string | null): void;
}

const UNCLEAN = 'unclean.leader.election.enable';

export class DynamicConfigs {
  /** Changes in place; read what you need when you need it. */
  readonly config: BrokerConfig;
  readonly #static: BrokerConfig;
  readonly #feed: ConfigFeed;
  readonly #diagnostics: Diagnostics;
  #listeners: DynamicConfigListeners | null = null;
  readonly #known = new Map<string, LogConfig>();
  /** What has been said: `level config`. */
  readonly #said = new Set<string>();

  /** `live` becomes `config`: whoever was given it before the broker knew its id sees all changes. */
  constructor(config: BrokerConfig, live: BrokerConfig, parts: { clock: Clock; diagnostics: Diagnostics }) {
    this.#static = config;
    this.config = Object.assign(live, config);
    this.#diagnostics = parts.diagnostics;
    this.#feed = new ConfigFeed({
      ...parts,
      brokerId: config.brokerId,
      onTopicConfig: (topic, overrides) => this.#topicChanged(topic, overrides),
      onBrokerConfig: (defaults, own) => this.#brokerChanged(defaults, own),
    });
  }

  /** Reads all dynamic configs and follows their changes, in this session. */
  start(store: ClusterStore): Promise<void> {
    return this.#feed.start(store);
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
    return topicDefaults(this.#static, this.#feed.brokerDefaults, this.#feed.brokerOverrides);
  }

  /** The effective config of a topic's logs. */
  topicConfig(topic: string): LogConfig {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    const overrides = this.#feed.topicOverrides(topic);
    const config = this.#effective(overrides);
    this.#known.set(topic, config);
    this.#sayTopic(topic, overrides);
    return config;
  }

  #effective(overrides: Overrides): LogConfig {
    const { brokerDefaults, brokerOverrides } = this.#feed;
    return effectiveTopicConfig(this.#static, brokerDefaults, brokerOverrides, overrides).log;
  }

  #topicChanged(topic: string, overrides: Overrides): void {
    const config = this.#effective(overrides);
    this.#known.set(topic, config);
    this.#diagnostics.info(`Configs of topic ${topic} are now ${describe(overrides)}`);
    this.#sayTopic(topic, overrides);
    this.#listeners?.topicChanged(topic, config);
    if (overrides.get(UNCLEAN) === 'true') this.#listeners?.uncleanElectionAllowed(topic);
  }

  #brokerChanged(defaults: Overrides, own: Overrides): void {
    const before = this.config.uncleanLeaderElectionEnable;
    try {
      Object.assign(this.config, reconfigured(this.#static, defaults, own));
    } catch (error) {
      this.#diagnostics.error('Dynamic broker configs can’t be applied; the ones before stay', error);
      return;
    }
    this.#diagnostics.info(`Dynamic broker configs are now ${describe(new Map([...defaults, ...own]))}`);
    for (const name of defaults.keys()) this.#say('all brokers', name, brokerConfigNote(name));
    for (const name of own.keys()) this.#say('this broker', name, brokerConfigNote(name));
    const topics = [...this.#known.keys()];
    this.#known.clear();
    for (const topic of topics) this.#listeners?.topicChanged(topic, this.topicConfig(topic));
    this.#listeners?.brokerChanged(this.config);
    if (!before && this.config.uncleanLeaderElectionEnable) this.#listeners?.uncleanElectionAllowed(null);
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
