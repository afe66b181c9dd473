/**
 * What may be set for a topic.
 * Source: TopicConfig of Kafka 3.9.
 */
import { boolean, double, exactLong, int, list, long, type PropertyTable, text } from '../property.ts';
import { atLeast, between, eachOneOf, METADATA_VERSION, oneOf, THROTTLED_REPLICAS } from '../validators.ts';
import { COMPRESSION } from './compression.ts';

const FOREVER = '9223372036854775807';

/** Every topic config. All of them may change while the topic is in use. */
export const TOPIC_CONFIGS = {
  'cleanup.policy': list(
    'delete',
    'cluster-wide',
    'What becomes of old segments: delete, compact or both.',
    eachOneOf('compact', 'delete'),
  ),
  'compression.gzip.level': COMPRESSION.gzipLevel,
  'compression.lz4.level': COMPRESSION.lz4Level,
  'compression.type': COMPRESSION.type,
  'compression.zstd.level': COMPRESSION.zstdLevel,
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
