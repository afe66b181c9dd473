/**
 * Brokers and controllers without ZooKeeper. This broker knows these configs to show them and to say
 * that they have no effect here; who asks for a role without ZooKeeper is refused.
 * Source: the broker configs of Kafka 3.9, of the groups KRaft and Raft.
 */
import { boolean, int, list, long, text } from '../property.ts';
import { atLeast, eachOneOf } from '../validators.ts';

export const KRAFT_CONFIGS = {
  'process.roles': list(
    '',
    'read-only',
    'Roles of this process without ZooKeeper; empty is a broker that uses ZooKeeper.',
    eachOneOf('broker', 'controller'),
  ),
  'node.id': int(
    '-1',
    'read-only',
    'The other name of broker.id; both must be the same when both are given.',
  ),
  'initial.broker.registration.timeout.ms': int(
    '60000',
    'read-only',
    'How long a broker tries to register with the quorum before it gives up.',
  ),
  'broker.heartbeat.interval.ms': int('2000', 'read-only', 'Pause between heartbeats to the quorum.'),
  'broker.session.timeout.ms': int(
    '9000',
    'read-only',
    'A broker that the quorum has not heard of for this long is fenced.',
  ),
  'controller.listener.names': text(null, 'read-only', 'Names of the listeners of controllers.'),
  'sasl.mechanism.controller.protocol': text('GSSAPI', 'read-only', 'SASL mechanism towards controllers.'),
  'metadata.log.dir': text(
    null,
    'read-only',
    'Where the metadata log lies; null is the first log directory.',
  ),
  'metadata.log.max.record.bytes.between.snapshots': long(
    '20971520',
    'read-only',
    'Bytes of metadata after which a snapshot is written.',
    atLeast(1),
  ),
  'metadata.log.max.snapshot.interval.ms': long(
    '3600000',
    'read-only',
    'Time after which a snapshot of new metadata is written; 0 never.',
    atLeast(0),
  ),
  'metadata.log.segment.bytes': int(
    '1073741824',
    'read-only',
    'Largest size of a segment of the metadata log.',
    atLeast(12),
  ),
  'metadata.log.segment.ms': long(
    '604800000',
    'read-only',
    'Age at which the metadata log begins a segment.',
  ),
  'metadata.max.retention.bytes': long(
    '104857600',
    'read-only',
    'Size of metadata log and snapshots above which old ones are deleted.',
  ),
  'metadata.max.retention.ms': long(
    '604800000',
    'read-only',
    'How long metadata log and snapshots are kept.',
  ),
  'metadata.max.idle.interval.ms': int(
    '500',
    'read-only',
    'How often the active controller writes when there is nothing to write; 0 never.',
    atLeast(0),
  ),
  'controller.quorum.voters': list('', 'read-only', 'The voters of the quorum, each as id@host:port.'),
  'controller.quorum.bootstrap.servers': list(
    '',
    'read-only',
    'Where the quorum is first asked, host:port each.',
  ),
  'controller.quorum.election.timeout.ms': int(
    '1000',
    'read-only',
    'A voter that cannot fetch from the leader for this long calls an election.',
  ),
  'controller.quorum.election.backoff.max.ms': int(
    '1000',
    'read-only',
    'Longest pause before another election.',
  ),
  'controller.quorum.fetch.timeout.ms': int(
    '2000',
    'read-only',
    'A voter that has not fetched for this long becomes a candidate.',
  ),
  'controller.quorum.request.timeout.ms': int(
    '2000',
    'read-only',
    'How long the quorum waits for an answer.',
  ),
  'controller.quorum.append.linger.ms': int(
    '25',
    'read-only',
    'How long the leader of the quorum collects writes before it flushes them.',
  ),
  'controller.quorum.retry.backoff.ms': int('20', 'read-only', 'Pause before a failed request is repeated.'),
  'eligible.leader.replicas.enable': boolean(
    'false',
    'read-only',
    'Whether replicas that left the ISR while it was small may still be elected.',
  ),
};
