/**
 * Tiered storage, which this broker does not have: who enables it is refused.
 * Source: the broker configs of Kafka 3.9, of RemoteLogManagerConfig.
 */
import { boolean, int, long, text } from '../property.ts';
import { atLeast, NOT_EMPTY, POSITIVE_OR_NONE } from '../validators.ts';

const UNLIMITED = '9223372036854775807';

export const REMOTE_LOG_CONFIGS = {
  'remote.log.storage.system.enable': boolean('false', 'read-only', 'Whether older data may be tiered.'),
  'remote.log.storage.manager.class.name': text(
    null,
    'read-only',
    'Class that stores tiered data.',
    NOT_EMPTY,
  ),
  'remote.log.storage.manager.class.path': text(null, 'read-only', 'Where that class and its libraries are.'),
  'remote.log.storage.manager.impl.prefix': text(
    'rsm.config.',
    'read-only',
    'Prefix of the properties that are handed to the storage.',
    NOT_EMPTY,
  ),
  'remote.log.metadata.manager.class.name': text(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    'read-only',
    'Class that knows what has been tiered.',
    NOT_EMPTY,
  ),
  'remote.log.metadata.manager.class.path': text(
    null,
    'read-only',
    'Where that class and its libraries are.',
  ),
  'remote.log.metadata.manager.impl.prefix': text(
    'rlmm.config.',
    'read-only',
    'Prefix of the properties that are handed to it.',
    NOT_EMPTY,
  ),
  'remote.log.metadata.manager.listener.name': text(
    null,
    'read-only',
    'Listener by which it reaches this broker.',
    NOT_EMPTY,
  ),
  'remote.log.metadata.custom.metadata.max.bytes': int(
    '128',
    'read-only',
    'Most bytes that the storage may add to the metadata of a segment.',
    atLeast(0),
  ),
  'remote.log.index.file.cache.total.size.bytes': long(
    '1073741824',
    'cluster-wide',
    'Local space for index files of tiered segments.',
    atLeast(1),
  ),
  'remote.log.manager.thread.pool.size': int(
    '10',
    'read-only',
    'Threads that tier segments, read their indexes and delete them.',
    atLeast(1),
  ),
  'remote.log.manager.copier.thread.pool.size': int(
    '-1',
    'read-only',
    'Threads that tier segments; -1 is remote.log.manager.thread.pool.size.',
    POSITIVE_OR_NONE,
  ),
  'remote.log.manager.expiration.thread.pool.size': int(
    '-1',
    'read-only',
    'Threads that delete tiered segments; -1 is remote.log.manager.thread.pool.size.',
    POSITIVE_OR_NONE,
  ),
  'remote.log.manager.task.interval.ms': long(
    '30000',
    'read-only',
    'How often segments to tier or to delete are looked for.',
    atLeast(1),
  ),
  'remote.log.reader.threads': int('10', 'read-only', 'Threads that read tiered data.', atLeast(1)),
  'remote.log.reader.max.pending.tasks': int(
    '100',
    'read-only',
    'Reads of tiered data that may wait; further fetches get an error.',
    atLeast(1),
  ),
  'remote.fetch.max.wait.ms': int(
    '500',
    'cluster-wide',
    'How long a fetch waits for tiered data.',
    atLeast(1),
  ),
  'remote.log.manager.copy.max.bytes.per.second': long(
    UNLIMITED,
    'cluster-wide',
    'Bytes per second that may be tiered.',
    atLeast(1),
  ),
  'remote.log.manager.copy.quota.window.num': int('11', 'read-only', 'Samples of that quota.', atLeast(1)),
  'remote.log.manager.copy.quota.window.size.seconds': int(
    '1',
    'read-only',
    'Length of a sample of that quota.',
    atLeast(1),
  ),
  'remote.log.manager.fetch.max.bytes.per.second': long(
    UNLIMITED,
    'cluster-wide',
    'Bytes per second of tiered data that may be read.',
    atLeast(1),
  ),
  'remote.log.manager.fetch.quota.window.num': int('11', 'read-only', 'Samples of that quota.', atLeast(1)),
  'remote.log.manager.fetch.quota.window.size.seconds': int(
    '1',
    'read-only',
    'Length of a sample of that quota.',
    atLeast(1),
  ),
};
