/**
 * The configs of a topic: whether they may be set so, and the typed form that a log lives by.
 * Source: LogConfig of Kafka 3.9.
 */
import { type Int64, MAX_INT64 } from '../int64.ts';
import { TOPIC_CONFIGS } from './definitions/topic.ts';
import {
  ConfigError,
  type Property,
  type PropertyTable,
  parseValue,
  type ValuesOf,
  valuesOf,
} from './property.ts';

interface CleanupPolicy {
  readonly delete: boolean;
  readonly compact: boolean;
}

type CompressionType = 'uncompressed' | 'zstd' | 'lz4' | 'snappy' | 'gzip' | 'producer';
type TimestampType = 'CreateTime' | 'LogAppendTime';

/** Values that the validators narrow further than their type does. */
interface Narrowed {
  readonly cleanupPolicy: CleanupPolicy;
  readonly compressionType: CompressionType;
  readonly messageTimestampType: TimestampType;
}

/** What a log lives by. Times and sizes that Kafka writes as 2^63-1 are the largest safe integer. */
export interface LogConfig extends Omit<ValuesOf<typeof TOPIC_CONFIGS>, keyof Narrowed>, Narrowed {}

/** The typed form of a complete set of values. */
export function logConfig(texts: ReadonlyMap<string, string>): LogConfig {
  const values = valuesOf(TOPIC_CONFIGS, texts);
  const { cleanupPolicy, messageTimestampBeforeMaxMs, messageTimestampAfterMaxMs } = values;
  // The older config bounds both directions unless one of the newer ones is set.
  const difference = values.messageTimestampDifferenceMaxMs;
  const bound = (newer: Int64): Int64 => (newer === MAX_INT64 ? difference : newer);
  return {
    ...values,
    cleanupPolicy: {
      delete: cleanupPolicy.includes('delete'),
      compact: cleanupPolicy.includes('compact'),
    },
    compressionType: values.compressionType as CompressionType,
    messageTimestampType: values.messageTimestampType as TimestampType,
    messageTimestampBeforeMaxMs: bound(messageTimestampBeforeMaxMs),
    messageTimestampAfterMaxMs: bound(messageTimestampAfterMaxMs),
  };
}

/** The definition of a topic config, undefined for a name that is none. */
export function topicProperty(name: string): Property | undefined {
  return Object.hasOwn(TOPIC_CONFIGS, name) ? (TOPIC_CONFIGS as PropertyTable)[name] : undefined;
}

/**
 * Judges the overrides of a topic: every name known, every value valid, and the values consistent
 * with each other and with the defaults of the broker where they are given.
 */
export function validateTopicOverrides(
  overrides: ReadonlyMap<string, string>,
  brokerDefaults: ReadonlyMap<string, string> = new Map(),
): ConfigError | null {
  for (const name of overrides.keys()) {
    if (topicProperty(name) === undefined)
      return new ConfigError(`Unknown topic config name: ${name}`, 'requirement');
  }
  try {
    for (const [name, text] of overrides) parseValue(name, topicProperty(name) ?? never(), text);
    return contradiction(valuesOf(TOPIC_CONFIGS, new Map([...brokerDefaults, ...overrides])));
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Those of the overrides whose values are valid. */
export function validTopicOverrides(overrides: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...overrides].filter((one) => validateTopicOverrides(new Map([one])) === null));
}

/**
 * Whether a replica out of sync may lead the topic, as far as its overrides say. Of a spoilt value the answer
 * is no, as it is Kafka's: it costs records.
 */
export function allowsUncleanLeader(overrides: ReadonlyMap<string, string>, byDefault: boolean): boolean {
  const name = 'unclean.leader.election.enable';
  const text = overrides.get(name);
  if (text === undefined) return byDefault;
  try {
    return parseValue(name, TOPIC_CONFIGS[name], text);
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

function contradiction(values: ValuesOf<typeof TOPIC_CONFIGS>): ConfigError | null {
  const { minCompactionLagMs, maxCompactionLagMs } = values;
  if (minCompactionLagMs > maxCompactionLagMs) {
    return new ConfigError(
      `conflict topic config setting min.compaction.lag.ms (${minCompactionLagMs}) > max.compaction.lag.ms (${maxCompactionLagMs})`,
      'requirement',
    );
  }
  if (values.remoteStorageEnable) {
    return new ConfigError(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    );
  }
  if (values.remoteLogCopyDisable || values.remoteLogDeleteOnDisable) {
    return new ConfigError(
      "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode.",
      'requirement',
    );
  }
  return null;
}

function never(): never {
  throw new TypeError('an unknown config was let through');
}
