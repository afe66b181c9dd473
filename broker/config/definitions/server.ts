/**
 * The broker itself: identity, shutdown, compression, fetch limits.
 * Source: the broker configs of Kafka 3.9, of the group Server.
 */
import { boolean, int, long, text } from '../property.ts';
import { atLeast } from '../validators.ts';
import { COMPRESSION } from './compression.ts';

export const SERVER_CONFIGS = {
  'broker.id.generation.enable': boolean(
    'true',
    'read-only',
    'Whether a broker without broker.id takes an id from the cluster, above reserved.broker.max.id.',
  ),
  'reserved.broker.max.id': int(
    '1000',
    'read-only',
    'The largest id that broker.id may have while ids are also generated.',
    atLeast(0),
  ),
  'broker.id': int(
    '-1',
    'read-only',
    'Id of this broker; -1 takes the one in meta.properties or has one generated.',
  ),
  'message.max.bytes': int(
    '1048588',
    'cluster-wide',
    'Largest record batch that is accepted, after compression.',
    atLeast(0),
  ),
  'num.io.threads': int(
    '8',
    'cluster-wide',
    "Kafka's request handler threads; here it only scales request quotas.",
    atLeast(1),
  ),
  'num.replica.alter.log.dirs.threads': int(
    null,
    'read-only',
    'Threads that move replicas between log directories; null means one per directory.',
  ),
  'background.threads': int(
    '10',
    'cluster-wide',
    'Threads for background work such as segment deletion.',
    atLeast(1),
  ),
  'request.timeout.ms': int(
    '30000',
    'read-only',
    'How long this broker waits for the answer to a request of its own.',
  ),
  'socket.connection.setup.timeout.ms': long(
    '10000',
    'read-only',
    'How long this broker waits for a connection of its own to be made.',
  ),
  'socket.connection.setup.timeout.max.ms': long(
    '30000',
    'read-only',
    'Upper bound of the connection set-up timeout after repeated failures.',
  ),
  'authorizer.class.name': text(
    '',
    'read-only',
    'Class of the authorizer; empty means that everything is allowed.',
  ),
  'early.start.listeners': text(null, 'read-only', 'Listeners that serve before the authorizer is ready.'),
  'broker.rack': text(
    null,
    'read-only',
    'Rack of this broker, for the placement of replicas and reads from the nearest one.',
  ),
  'controlled.shutdown.max.retries': int(
    '3',
    'read-only',
    'How often the controller is asked to move leadership away before a shutdown goes on without.',
  ),
  'controlled.shutdown.retry.backoff.ms': long(
    '5000',
    'read-only',
    'Pause between two attempts of a controlled shutdown.',
  ),
  'controlled.shutdown.enable': boolean(
    'true',
    'read-only',
    'Whether leadership is moved away before the broker stops.',
  ),
  'delete.topic.enable': boolean('true', 'read-only', 'Whether topics may be deleted.'),
  'compression.type': COMPRESSION.type,
  'compression.gzip.level': COMPRESSION.gzipLevel,
  'compression.lz4.level': COMPRESSION.lz4Level,
  'compression.zstd.level': COMPRESSION.zstdLevel,
  'max.incremental.fetch.session.cache.slots': int(
    '1000',
    'read-only',
    'How many incremental fetch sessions are remembered; 0 turns them off.',
    atLeast(0),
  ),
  'fetch.max.bytes': int(
    '57671680',
    'read-only',
    'Largest fetch response, whatever the client asks for.',
    atLeast(1024),
  ),
  'max.request.partition.size.limit': int(
    '2000',
    'read-only',
    'Most partitions of one request that pages through partitions.',
    atLeast(1),
  ),
};
