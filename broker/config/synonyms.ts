/**
 * Configs that stand in for each other: a topic config has a broker config as its default, and some
 * broker configs exist in several units, the finer one first.
 * Source: ServerTopicConfigSynonyms, DynamicBrokerConfig.brokerConfigSynonyms of Kafka 3.9.
 */

interface TopicSynonym {
  /** The broker config. */
  readonly name: string;
  /** Milliseconds of its unit; 1 where the value is taken as it is. */
  readonly unitMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const plain = (...names: string[]): readonly TopicSynonym[] => names.map((name) => ({ name, unitMs: 1 }));

const TOPIC_SYNONYMS: Readonly<Record<string, readonly TopicSynonym[]>> = {
  'cleanup.policy': plain('log.cleanup.policy'),
  'compression.gzip.level': plain('compression.gzip.level'),
  'compression.lz4.level': plain('compression.lz4.level'),
  'compression.type': plain('compression.type'),
  'compression.zstd.level': plain('compression.zstd.level'),
  'delete.retention.ms': plain('log.cleaner.delete.retention.ms'),
  'file.delete.delay.ms': plain('log.segment.delete.delay.ms'),
  'flush.messages': plain('log.flush.interval.messages'),
  'flush.ms': plain('log.flush.interval.ms', 'log.flush.scheduler.interval.ms'),
  'index.interval.bytes': plain('log.index.interval.bytes'),
  'local.retention.bytes': plain('log.local.retention.bytes'),
  'local.retention.ms': plain('log.local.retention.ms'),
  'max.compaction.lag.ms': plain('log.cleaner.max.compaction.lag.ms'),
  'max.message.bytes': plain('message.max.bytes'),
  'message.downconversion.enable': plain('log.message.downconversion.enable'),
  'message.format.version': plain('log.message.format.version'),
  'message.timestamp.after.max.ms': plain('log.message.timestamp.after.max.ms'),
  'message.timestamp.before.max.ms': plain('log.message.timestamp.before.max.ms'),
  'message.timestamp.difference.max.ms': plain('log.message.timestamp.difference.max.ms'),
  'message.timestamp.type': plain('log.message.timestamp.type'),
  'min.cleanable.dirty.ratio': plain('log.cleaner.min.cleanable.ratio'),
  'min.compaction.lag.ms': plain('log.cleaner.min.compaction.lag.ms'),
  'min.insync.replicas': plain('min.insync.replicas'),
  preallocate: plain('log.preallocate'),
  'retention.bytes': plain('log.retention.bytes'),
  'retention.ms': [
    { name: 'log.retention.ms', unitMs: 1 },
    { name: 'log.retention.minutes', unitMs: MINUTE_MS },
    { name: 'log.retention.hours', unitMs: HOUR_MS },
  ],
  'segment.bytes': plain('log.segment.bytes'),
  'segment.index.bytes': plain('log.index.size.max.bytes'),
  'segment.jitter.ms': [
    { name: 'log.roll.jitter.ms', unitMs: 1 },
    { name: 'log.roll.jitter.hours', unitMs: HOUR_MS },
  ],
  'segment.ms': [
    { name: 'log.roll.ms', unitMs: 1 },
    { name: 'log.roll.hours', unitMs: HOUR_MS },
  ],
  'unclean.leader.election.enable': plain('unclean.leader.election.enable'),
};

const BROKER_FAMILIES: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

/** The broker configs behind a topic config, by precedence. */
export function topicSynonyms(name: string): readonly TopicSynonym[] {
  return TOPIC_SYNONYMS[name] ?? [];
}

/** A broker config and those that it may be given as, by precedence. */
export function brokerSynonyms(name: string): readonly string[] {
  const family = BROKER_FAMILIES.find((names) => names.includes(name));
  if (family !== undefined) return family;
  const base = name.replace(/^listener\.name\.[^.]+\./, '');
  return base === name ? [name] : [name, base];
}
