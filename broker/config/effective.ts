/**
 * Which value of a config counts, and where it comes from: a topic's override, else what this broker
 * was told at run time, else what all brokers were told, else its properties file, else the default.
 * Source: KafkaConfig.extractLogConfigMap, ConfigHelper.createTopicConfigEntry and
 * createBrokerConfigEntry of Kafka 3.9.
 */

import { BROKER_CONFIGS, type BrokerConfig, brokerProperty } from './broker-config.ts';
import { TOPIC_CONFIGS } from './definitions/topic.ts';
import { type Property, TYPE_CODE } from './property.ts';
import { brokerSynonyms, topicSynonyms } from './synonyms.ts';
import { type LogConfig, logConfig } from './topic-config.ts';

/** Kafka's source codes, as DescribeConfigs gives them. */
export const CONFIG_SOURCE = {
  UNKNOWN: 0,
  DYNAMIC_TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  DYNAMIC_BROKER_LOGGER: 6,
} as const;

type Source = (typeof CONFIG_SOURCE)[keyof typeof CONFIG_SOURCE];

interface Synonym {
  readonly name: string;
  /** Null when sensitive. */
  readonly value: string | null;
  readonly source: Source;
}

export interface EffectiveEntry {
  readonly name: string;
  /** Null when there is none, or when it is sensitive. */
  readonly value: string | null;
  readonly source: Source;
  /** One of TYPE_CODE. */
  readonly type: number;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  readonly documentation: string;
  /** By precedence; the first is what counts. */
  readonly synonyms: readonly Synonym[];
}

type Texts = ReadonlyMap<string, string>;

const NONE: Texts = new Map();

/** Of the configuration only what was given at the start: what is set at run time comes with it. */
type GivenProperties = Pick<BrokerConfig, 'raw'>;

/** Broker-level values by where they come from. */
interface BrokerLevels {
  readonly config: GivenProperties;
  readonly dynamicDefaults: Texts;
  readonly dynamicBroker: Texts;
}

interface EffectiveTopicConfig {
  /** Throws ConfigError for a value that somebody has spoilt. */
  readonly log: LogConfig;
  /** Also of spoilt values, which have to be seen to be mended. Made on demand: only DescribeConfigs and CreateTopics want it. */
  readonly entries: readonly EffectiveEntry[];
}

/** The configs of a topic with the given overrides. */
export function effectiveTopicConfig(
  config: GivenProperties,
  dynamicDefaults: Texts,
  dynamicBroker: Texts,
  topicOverrides: Texts,
): EffectiveTopicConfig {
  const levels = { config, dynamicDefaults, dynamicBroker };
  const texts = new Map([...topicDefaults(config, dynamicDefaults, dynamicBroker), ...topicOverrides]);
  return {
    get log() {
      return logConfig(texts);
    },
    get entries() {
      return topicEntries(levels, topicOverrides, texts);
    },
  };
}

/** The configs of this broker. */
export function effectiveBrokerConfig(
  config: GivenProperties,
  dynamicDefaults: Texts,
  dynamicBroker: Texts,
): readonly EffectiveEntry[] {
  const levels = { config, dynamicDefaults, dynamicBroker };
  const shown = Object.keys(BROKER_CONFIGS).filter((name) => BROKER_CONFIGS[name]?.hidden !== true);
  const names = new Set([...shown, ...config.raw.keys(), ...dynamicDefaults.keys(), ...dynamicBroker.keys()]);
  return [...names].map((name) => brokerEntry(name, brokerSynonymsOf(name, levels)));
}

/** What was set for all brokers at run time, and nothing else. */
export function effectiveBrokerDefaults(dynamicDefaults: Texts): readonly EffectiveEntry[] {
  return [...dynamicDefaults.keys()].map((name) =>
    brokerEntry(name, found(dynamicDefaults, [name], CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER)),
  );
}

/** What topics have without overrides of their own, as texts: the broker configs behind them. */
export function topicDefaults(
  config: GivenProperties,
  dynamicDefaults: Texts,
  dynamicBroker: Texts,
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const name of Object.keys(TOPIC_CONFIGS)) {
    for (const synonym of topicSynonyms(name)) {
      const text =
        dynamicBroker.get(synonym.name) ?? dynamicDefaults.get(synonym.name) ?? config.raw.get(synonym.name);
      const value = text ?? BROKER_CONFIGS[synonym.name]?.default ?? null;
      if (value === null) continue;
      texts.set(name, synonym.unitMs === 1 ? value : String(Number(value) * synonym.unitMs));
      break;
    }
  }
  // Any negative retention means for ever, but a topic only knows -1.
  if (Number(texts.get('retention.ms')) < 0) texts.set('retention.ms', '-1');
  return texts;
}

function topicEntries(levels: BrokerLevels, overrides: Texts, texts: Texts): EffectiveEntry[] {
  return Object.entries(TOPIC_CONFIGS).map(([name, property]: [string, Property]) => {
    const own = found(overrides, [name], CONFIG_SOURCE.DYNAMIC_TOPIC);
    const first = topicSynonyms(name)[0];
    const synonyms = [...own, ...(first === undefined ? [] : brokerSynonymsOf(first.name, levels))];
    return {
      name,
      value: texts.get(name) ?? property.default,
      source: synonyms[0]?.source ?? CONFIG_SOURCE.DEFAULT,
      type: TYPE_CODE[property.type],
      readOnly: false,
      sensitive: false,
      documentation: property.documentation,
      synonyms,
    };
  });
}

function brokerEntry(name: string, values: readonly Synonym[]): EffectiveEntry {
  const property = brokerProperty(name);
  // Nobody knows what an unknown config holds; it may be a secret.
  const sensitive = property === undefined || property.type === 'PASSWORD';
  const synonyms = sensitive ? values.map((value) => ({ ...value, value: null })) : values;
  return {
    name,
    value: synonyms[0]?.value ?? null,
    source: synonyms[0]?.source ?? CONFIG_SOURCE.DEFAULT,
    type: TYPE_CODE[property?.type ?? 'UNKNOWN'],
    readOnly: property === undefined || property.update === 'read-only' || isUndefinedUntilSet(property),
    sensitive,
    documentation: property?.documentation ?? '',
    synonyms,
  };
}

/** All values of a broker config and of those that stand in for it, by precedence. */
function brokerSynonymsOf(name: string, levels: BrokerLevels): readonly Synonym[] {
  const names = brokerSynonyms(name);
  const all = [
    ...found(levels.dynamicBroker, names, CONFIG_SOURCE.DYNAMIC_BROKER),
    ...found(levels.dynamicDefaults, names, CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER),
    ...found(levels.config.raw, names, CONFIG_SOURCE.STATIC_BROKER),
    ...found(defaultTexts(names), names, CONFIG_SOURCE.DEFAULT),
  ];
  // What comes before the config's own first value belongs to a config that overrides it.
  const start = all.findIndex((synonym) => synonym.name === name);
  return start < 0 ? [] : all.slice(start);
}

function found(texts: Texts, names: readonly string[], source: Source): Synonym[] {
  const values: Synonym[] = [];
  for (const name of names) {
    const value = texts.get(name);
    if (value !== undefined) values.push({ name, value, source });
  }
  return values;
}

function defaultTexts(names: readonly string[]): Texts {
  const defined = names.filter((name) => !isUndefinedUntilSet(BROKER_CONFIGS[name]));
  const texts = defined.map((name) => [name, BROKER_CONFIGS[name]?.default ?? null] as const);
  const given = texts.filter((entry): entry is readonly [string, string] => entry[1] !== null);
  return given.length === 0 ? NONE : new Map(given);
}

function isUndefinedUntilSet(property: Property | undefined): boolean {
  return property?.undefinedUntilSet === true;
}
