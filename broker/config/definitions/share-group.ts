/**
 * Share groups (KIP-932), which exist without ZooKeeper only.
 * Source: the broker configs of Kafka 3.9, of ShareGroupConfig.
 */
import { int, short } from '../property.ts';
import { atLeast, between } from '../validators.ts';

export const SHARE_GROUP_CONFIGS = {
  'group.share.max.groups': short('10', 'read-only', 'Most share groups.', between(1, 100)),
  'group.share.max.size': short('200', 'read-only', 'Most members of a share group.', between(10, 1000)),
  'group.share.delivery.count.limit': int(
    '5',
    'read-only',
    'How often a record is delivered before it is given up.',
    between(2, 10),
  ),
  'group.share.partition.max.record.locks': int(
    '200',
    'read-only',
    'Records of a partition that may be out for delivery.',
    between(100, 10_000),
  ),
  'group.share.record.lock.duration.ms': int(
    '30000',
    'read-only',
    'How long a member has a record to itself.',
    between(1000, 60_000),
  ),
  'group.share.min.record.lock.duration.ms': int(
    '15000',
    'read-only',
    'Shortest time that a group may give a member for a record.',
    between(1000, 30_000),
  ),
  'group.share.max.record.lock.duration.ms': int(
    '60000',
    'read-only',
    'Longest time that a group may give a member for a record.',
    between(30_000, 3_600_000),
  ),
  'group.share.session.timeout.ms': int(
    '45000',
    'read-only',
    'A member of a share group that is not heard of for this long has failed.',
    atLeast(1),
  ),
  'group.share.min.session.timeout.ms': int('45000', 'read-only', 'Least session timeout.', atLeast(1)),
  'group.share.max.session.timeout.ms': int('60000', 'read-only', 'Greatest session timeout.', atLeast(1)),
  'group.share.heartbeat.interval.ms': int(
    '5000',
    'read-only',
    'Pause between heartbeats of a member of a share group.',
    atLeast(1),
  ),
  'group.share.min.heartbeat.interval.ms': int('5000', 'read-only', 'Least heartbeat interval.', atLeast(1)),
  'group.share.max.heartbeat.interval.ms': int(
    '15000',
    'read-only',
    'Greatest heartbeat interval.',
    atLeast(1),
  ),
};
