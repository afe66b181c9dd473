/**
 * The configs of a topic: what may be set, and the typed form that a log lives by.
 * Source: LogConfig and TopicConfig of Kafka 3.9.
 */
import { type Int64, MAX_INT64 } from '../int64.ts';
import {
  boolean,
  ConfigError,
  double,
  exactLong,
  int,
  list,
  long,
  type Property,
  type PropertyTable,
  parseValue,
  text,
  type ValuesOf,
  valuesOf,
} from './property.ts';
import {
  atLeast,
  between,
  COMPRESSION_TYPE,
  eachOneOf,
  GZIP_LEVEL,
  METADATA_VERSION,
  oneOf,
  THROTTLED_REPLICAS,
} from './validators.ts';

const FOREVER = '9223372036854775807';

/** Every topic config. All of them may change while the topic is in use. */
export const TOPIC_CONFIGS = {
  'cleanup.policy': list(
    'delete',
    'cluster-wide',
    'What becomes of old segments: delete, compact or both.',
    eachOneOf('compact', 'delete'),
  ),
  'compression.gzip.level': int(
    '-1',
    'cluster-wide',
    'Level of gzip when the broker compresses.',
    GZIP_LEVEL,
  ),
  'compression.lz4.level': int(
    '9',
    'cluster-wide',
    'Level of lz4 when the broker compresses.',
    between(1, 17),
  ),
  'compression.type': text(
    'producer',
    'cluster-wide',
    'Codec of what is stored; `producer` keeps the codec of the producer.',
    COMPRESSION_TYPE,
  ),
  'compression.zstd.level': int(
    '3',
    'cluster-wide',
    'Level of zstd when the broker compresses.',
    between(-131072, 22),
  ),
  'delete.retention.ms': long(
    '86400000',
    'cluster-wide',
    'How long tombstones stay in a compacted log.',
    atLeast(0),
  ),
  'file.delete.delay.ms': long(
    '60000',
    'cluster-wide',
    'How long a deleted segment’s files stay.',
    atLeast(0),
  ),
  'flush.messages': long(
    FOREVER,
    'cluster-wide',
    'Messages after which the log is flushed to disk.',
    atLeast(1),
  ),
  'flush.ms': long(
    FOREVER,
    'cluster-wide',
    'Age of unflushed messages at which the log is flushed.',
    atLeast(0),
  ),
  'follower.replication.throttled.replicas': list(
    '',
    'cluster-wide',
    'Followers whose replication is throttled: partition:broker, or *.',
    THROTTLED_REPLICAS,
  ),
  'index.interval.bytes': int(
    '4096',
    'cluster-wide',
    'Bytes between two entries of the offset index.',
    atLeast(0),
  ),
  'leader.replication.throttled.replicas': list(
    '',
    'cluster-wide',
    'Leaders whose replication is throttled: partition:broker, or *.',
    THROTTLED_REPLICAS,
  ),
  'local.retention.bytes': long(
    '-2',
    'cluster-wide',
    'Bytes kept locally when older data is tiered; -2 is retention.bytes.',
    atLeast(-2),
  ),
  'local.retention.ms': long(
    '-2',
    'cluster-wide',
    'Time kept locally when older data is tiered; -2 is retention.ms.',
    atLeast(-2),
  ),
  'max.compaction.lag.ms': exactLong(
    FOREVER,
    'cluster-wide',
    'Time after which a record must be compacted.',
    atLeast(1),
  ),
  'max.message.bytes': int(
    '1048588',
    'cluster-wide',
    'Largest record batch that is accepted, after compression.',
    atLeast(0),
  ),
  'message.downconversion.enable': boolean(
    'true',
    'cluster-wide',
    'Whether records are converted for clients that know older formats only.',
  ),
  'message.format.version': text(
    '3.0-IV1',
    'cluster-wide',
    'Version of the record format; ignored since 3.0, where it is always the newest.',
    METADATA_VERSION,
  ),
  'message.timestamp.after.max.ms': exactLong(
    FOREVER,
    'cluster-wide',
    'How far a record’s time may lie after the broker’s.',
    atLeast(0),
  ),
  'message.timestamp.before.max.ms': exactLong(
    FOREVER,
    'cluster-wide',
    'How far a record’s time may lie before the broker’s.',
    atLeast(0),
  ),
  'message.timestamp.difference.max.ms': exactLong(
    FOREVER,
    'cluster-wide',
    'Largest difference between a record’s time and the broker’s.',
    atLeast(0),
  ),
  'message.timestamp.type': text(
    'CreateTime',
    'cluster-wide',
    'Whether a record’s time is the producer’s or that of its arrival.',
    oneOf('CreateTime', 'LogAppendTime'),
  ),
  'min.cleanable.dirty.ratio': double(
    '0.5',
    'cluster-wide',
    'Share of uncompacted bytes from which the log is compacted.',
    between(0, 1),
  ),
  'min.compaction.lag.ms': long('0', 'cluster-wide', 'Time for which a record is not compacted.', atLeast(0)),
  'min.insync.replicas': int(
    '1',
    'cluster-wide',
    'Replicas that must have a record before acks=all is answered.',
    atLeast(1),
  ),
  preallocate: boolean('false', 'cluster-wide', 'Whether a new segment file gets its full size at once.'),
  'remote.log.copy.disable': boolean('false', 'cluster-wide', 'Whether no more data is tiered.'),
  'remote.log.delete.on.disable': boolean(
    'false',
    'cluster-wide',
    'Whether tiered data is deleted when tiering ends.',
  ),
  'remote.storage.enable': boolean('false', 'cluster-wide', 'Whether older data is tiered.'),
  'retention.bytes': long(
    '-1',
    'cluster-wide',
    'Size of a partition above which old segments are deleted; -1 is no limit.',
  ),
  'retention.ms': long('604800000', 'cluster-wide', 'How long segments are kept; -1 for ever.', atLeast(-1)),
  'segment.bytes': int('1073741824', 'cluster-wide', 'Largest size of a segment file.', atLeast(14)),
  'segment.index.bytes': int('10485760', 'cluster-wide', 'Largest size of an index file.', atLeast(4)),
  'segment.jitter.ms': long('0', 'cluster-wide', 'Random part taken off segment.ms.', atLeast(0)),
  'segment.ms': exactLong('604800000', 'cluster-wide', 'Age at which a new segment is begun.', atLeast(1)),
  'unclean.leader.election.enable': boolean(
    'false',
    'cluster-wide',
    'Whether a replica that is not in sync may become leader, which loses data.',
  ),
} satisfies PropertyTable;

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
