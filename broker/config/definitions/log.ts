/**
 * Logs: segments, retention, flushing, compaction; and topic creation defaults.
 * Source: the broker configs of Kafka 3.9, of the group Cleaner and Logs.
 */
import { boolean, className, double, hidden, int, list, long, text } from '../property.ts';
import { atLeast, between, eachOneOf, METADATA_VERSION, oneOf } from '../validators.ts';

export const LOG_CONFIGS = {
  'num.partitions': int(
    '1',
    'read-only',
    'Partitions of a topic that is created without saying how many.',
    atLeast(1),
  ),
  'log.dir': text('/tmp/kafka-logs', 'read-only', 'Directory of the logs, when log.dirs is not set.'),
  'log.dirs': text(null, 'read-only', 'Directories of the logs, separated by commas; null means log.dir.'),
  'log.segment.bytes': int('1073741824', 'cluster-wide', 'Largest size of a segment file.', atLeast(14)),
  'log.roll.ms': long(
    null,
    'cluster-wide',
    'Age at which a new segment is begun; null means log.roll.hours.',
  ),
  'log.roll.hours': int('168', 'read-only', 'Age in hours at which a new segment is begun.', atLeast(1)),
  'log.roll.jitter.ms': long(
    null,
    'cluster-wide',
    'Random part taken off the roll age; null means log.roll.jitter.hours.',
  ),
  'log.roll.jitter.hours': int('0', 'read-only', 'Random part in hours taken off the roll age.', atLeast(0)),
  'log.retention.ms': long(
    null,
    'cluster-wide',
    'How long segments are kept; null means log.retention.minutes, -1 for ever.',
  ),
  'log.retention.minutes': int(
    null,
    'read-only',
    'How many minutes segments are kept; null means log.retention.hours.',
  ),
  'log.retention.hours': int('168', 'read-only', 'How many hours segments are kept.'),
  'log.retention.bytes': long(
    '-1',
    'cluster-wide',
    'Size of a partition above which old segments are deleted; -1 is no limit.',
  ),
  'log.retention.check.interval.ms': long(
    '300000',
    'read-only',
    'How often old segments are looked for.',
    atLeast(1),
  ),
  'log.cleanup.policy': list(
    'delete',
    'cluster-wide',
    'What becomes of old segments: delete, compact or both.',
    eachOneOf('compact', 'delete'),
  ),
  'log.index.size.max.bytes': int('10485760', 'cluster-wide', 'Largest size of an index file.', atLeast(4)),
  'log.index.interval.bytes': int(
    '4096',
    'cluster-wide',
    'Bytes between two entries of the offset index.',
    atLeast(0),
  ),
  'log.flush.interval.messages': long(
    '9223372036854775807',
    'cluster-wide',
    'Messages after which a log is flushed to disk.',
    atLeast(1),
  ),
  'log.segment.delete.delay.ms': long(
    '60000',
    'cluster-wide',
    "How long a deleted segment's files stay.",
    atLeast(0),
  ),
  'log.flush.scheduler.interval.ms': long(
    '9223372036854775807',
    'read-only',
    'How often logs are looked at for flushing.',
  ),
  'log.flush.interval.ms': long(
    null,
    'cluster-wide',
    'Age of unflushed messages at which a log is flushed; null means log.flush.scheduler.interval.ms.',
  ),
  'log.flush.offset.checkpoint.interval.ms': int(
    '60000',
    'read-only',
    'How often recovery points are written to disk.',
    atLeast(0),
  ),
  'log.flush.start.offset.checkpoint.interval.ms': int(
    '60000',
    'read-only',
    'How often log start offsets are written to disk.',
    atLeast(0),
  ),
  'log.preallocate': boolean(
    'false',
    'cluster-wide',
    'Whether a new segment file gets its full size at once.',
  ),
  'num.recovery.threads.per.data.dir': int(
    '1',
    'cluster-wide',
    'Threads per directory that load, recover and flush logs.',
    atLeast(1),
  ),
  'auto.create.topics.enable': boolean(
    'true',
    'read-only',
    'Whether a topic is created when a client asks about it.',
  ),
  'min.insync.replicas': int(
    '1',
    'cluster-wide',
    'Replicas that must have a record before acks=all is answered.',
    atLeast(1),
  ),
  'log.message.format.version': text(
    '3.0-IV1',
    'read-only',
    'Version of the record format; ignored since 3.0, where it is always the newest.',
    METADATA_VERSION,
  ),
  'log.message.timestamp.type': text(
    'CreateTime',
    'cluster-wide',
    "Whether a record's time is the producer's or that of its arrival.",
    oneOf('CreateTime', 'LogAppendTime'),
  ),
  'log.message.timestamp.difference.max.ms': long(
    '9223372036854775807',
    'cluster-wide',
    "Largest difference between a record's time and the broker's; superseded by before.max and after.max.",
    atLeast(0),
  ),
  'log.message.timestamp.before.max.ms': long(
    '9223372036854775807',
    'cluster-wide',
    "How far a record's time may lie before the broker's.",
    atLeast(0),
  ),
  'log.message.timestamp.after.max.ms': long(
    '9223372036854775807',
    'cluster-wide',
    "How far a record's time may lie after the broker's.",
    atLeast(0),
  ),
  'create.topic.policy.class.name': className(null, 'read-only', 'Class that may refuse new topics.'),
  'alter.config.policy.class.name': className(null, 'read-only', 'Class that may refuse changes of configs.'),
  'log.message.downconversion.enable': boolean(
    'true',
    'cluster-wide',
    'Whether records are converted for clients that know older formats only.',
  ),
  'log.dir.failure.timeout.ms': long(
    '30000',
    'read-only',
    'How long a broker waits to report a failed directory before it stops.',
    atLeast(1),
  ),
  'log.local.retention.bytes': long(
    '-2',
    'cluster-wide',
    'Bytes kept locally when older data is tiered; -2 is log.retention.bytes.',
    atLeast(-2),
  ),
  'log.local.retention.ms': long(
    '-2',
    'cluster-wide',
    'Time kept locally when older data is tiered; -2 is log.retention.ms.',
    atLeast(-2),
  ),
  'log.initial.task.delay.ms': hidden(
    long('30000', 'read-only', 'Pause after the start before background work on logs begins.', atLeast(0)),
  ),
  'log.cleaner.threads': int('1', 'cluster-wide', 'Threads that compact logs.', atLeast(0)),
  'log.cleaner.io.max.bytes.per.second': double(
    '1.7976931348623157E308',
    'cluster-wide',
    'Most bytes that compaction reads and writes per second.',
  ),
  'log.cleaner.dedupe.buffer.size': long(
    '134217728',
    'cluster-wide',
    'Memory for the key map of compaction.',
  ),
  'log.cleaner.io.buffer.size': int(
    '524288',
    'cluster-wide',
    'Memory for the read and write buffers of compaction.',
    atLeast(0),
  ),
  'log.cleaner.io.buffer.load.factor': double('0.9', 'cluster-wide', 'How full the key map may get.'),
  'log.cleaner.backoff.ms': long(
    '15000',
    'cluster-wide',
    'Pause of the cleaner when there is nothing to do.',
    atLeast(0),
  ),
  'log.cleaner.min.cleanable.ratio': double(
    '0.5',
    'cluster-wide',
    'Share of uncompacted bytes from which a log is compacted.',
    between(0, 1),
  ),
  'log.cleaner.enable': boolean('true', 'read-only', 'Whether logs are compacted.'),
  'log.cleaner.delete.retention.ms': long(
    '86400000',
    'cluster-wide',
    'How long tombstones stay in a compacted log.',
    atLeast(0),
  ),
  'log.cleaner.min.compaction.lag.ms': long(
    '0',
    'cluster-wide',
    'Time for which a record is not compacted.',
    atLeast(0),
  ),
  'log.cleaner.max.compaction.lag.ms': long(
    '9223372036854775807',
    'cluster-wide',
    'Time after which a record must be compacted.',
    atLeast(1),
  ),
};
