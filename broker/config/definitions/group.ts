/**
 * Consumer groups and committed offsets.
 * Source: the broker configs of Kafka 3.9, of the group GroupCoordinator.
 */
import { boolean, hidden, int, list, long, short, text } from '../property.ts';
import { atLeast, COMPRESSION_ID, eachOneOf, oneOfIgnoringCase } from '../validators.ts';

export const GROUP_CONFIGS = {
  'group.min.session.timeout.ms': int('6000', 'read-only', 'Shortest session timeout a member may ask for.'),
  'group.max.session.timeout.ms': int(
    '1800000',
    'read-only',
    'Longest session timeout a member may ask for.',
  ),
  'group.initial.rebalance.delay.ms': int(
    '3000',
    'read-only',
    'How long an empty group waits for more members before its first rebalance.',
  ),
  'group.max.size': int('2147483647', 'read-only', 'Most members of a group.', atLeast(1)),
  'group.max.protocols': int(
    '1000',
    'read-only',
    'Most protocols that a member may offer; who offers more is refused. They are compared with those of all others.',
    atLeast(1),
  ),
  'group.coordinator.rebalance.protocols': list(
    'classic',
    'read-only',
    'Group protocols that are served.',
    eachOneOf('unknown', 'consumer', 'classic', 'share'),
  ),
  'group.coordinator.threads': int('1', 'read-only', 'Threads of the new group coordinator.', atLeast(1)),
  'group.coordinator.append.linger.ms': int(
    '10',
    'read-only',
    'How long the new group coordinator collects writes.',
    atLeast(0),
  ),
  'group.coordinator.new.enable': hidden(
    boolean('false', 'read-only', 'Whether the new group coordinator is used.'),
  ),
  'offset.metadata.max.bytes': int('4096', 'read-only', 'Longest metadata text of a committed offset.'),
  'offsets.load.buffer.size': int(
    '5242880',
    'read-only',
    'Bytes read at once when a coordinator loads offsets.',
    atLeast(1),
  ),
  'offsets.topic.replication.factor': short('3', 'read-only', 'Replicas of the offsets topic.', atLeast(1)),
  'offsets.topic.num.partitions': int(
    '50',
    'read-only',
    'Partitions of the offsets topic; must not change later.',
    atLeast(1),
  ),
  'offsets.topic.segment.bytes': int(
    '104857600',
    'read-only',
    'Segment size of the offsets topic.',
    atLeast(1),
  ),
  'offsets.topic.compression.codec': int('0', 'read-only', 'Codec of the offsets topic.', COMPRESSION_ID),
  'offsets.retention.minutes': int(
    '10080',
    'read-only',
    'How long offsets of an empty group are kept.',
    atLeast(1),
  ),
  'offsets.retention.check.interval.ms': long(
    '600000',
    'read-only',
    'How often expired offsets are looked for.',
    atLeast(1),
  ),
  'offsets.commit.timeout.ms': int(
    '5000',
    'read-only',
    'How long an offset commit waits for its replicas.',
    atLeast(1),
  ),
  'offsets.commit.required.acks': short(
    '-1',
    'read-only',
    'Acks that an offset commit needs; leave it at -1.',
  ),
  'group.consumer.session.timeout.ms': int(
    '45000',
    'read-only',
    'Session timeout of the new group protocol.',
    atLeast(1),
  ),
  'group.consumer.min.session.timeout.ms': int(
    '45000',
    'read-only',
    'Shortest session timeout of the new group protocol.',
    atLeast(1),
  ),
  'group.consumer.max.session.timeout.ms': int(
    '60000',
    'read-only',
    'Longest session timeout of the new group protocol.',
    atLeast(1),
  ),
  'group.consumer.heartbeat.interval.ms': int(
    '5000',
    'read-only',
    'Heartbeat interval of the new group protocol.',
    atLeast(1),
  ),
  'group.consumer.min.heartbeat.interval.ms': int(
    '5000',
    'read-only',
    'Shortest heartbeat interval of the new group protocol.',
    atLeast(1),
  ),
  'group.consumer.max.heartbeat.interval.ms': int(
    '15000',
    'read-only',
    'Longest heartbeat interval of the new group protocol.',
    atLeast(1),
  ),
  'group.consumer.max.size': int(
    '2147483647',
    'read-only',
    'Most members of a group of the new protocol.',
    atLeast(1),
  ),
  'group.consumer.assignors': list(
    'org.apache.kafka.coordinator.group.assignor.UniformAssignor,org.apache.kafka.coordinator.group.assignor.RangeAssignor',
    'read-only',
    'Server-side assignors of the new group protocol.',
  ),
  'group.consumer.migration.policy': hidden(
    text(
      'disabled',
      'read-only',
      'Whether groups change between the protocols.',
      oneOfIgnoringCase('DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'),
    ),
  ),
};
