/**
 * Transactions and producer state.
 * Source: the broker configs of Kafka 3.9, of the group TransactionLog and TransactionStateManager.
 */
import { boolean, hidden, int, short } from '../property.ts';
import { atLeast } from '../validators.ts';

export const TRANSACTION_CONFIGS = {
  'transaction.state.log.min.isr': int(
    '2',
    'read-only',
    'Overrides min.insync.replicas for the transaction topic.',
    atLeast(1),
  ),
  'transaction.state.log.load.buffer.size': int(
    '5242880',
    'read-only',
    'Bytes read at once when a coordinator loads transactions.',
    atLeast(1),
  ),
  'transaction.state.log.replication.factor': short(
    '3',
    'read-only',
    'Replicas of the transaction topic.',
    atLeast(1),
  ),
  'transaction.state.log.num.partitions': int(
    '50',
    'read-only',
    'Partitions of the transaction topic; must not change later.',
    atLeast(1),
  ),
  'transaction.state.log.segment.bytes': int(
    '104857600',
    'read-only',
    'Segment size of the transaction topic.',
    atLeast(1),
  ),
  'transaction.partition.verification.enable': boolean(
    'true',
    'cluster-wide',
    'Whether a transactional write is checked with the coordinator first.',
  ),
  'producer.id.expiration.ms': int(
    '86400000',
    'cluster-wide',
    'How long the state of a producer that has fallen silent is kept.',
    atLeast(1),
  ),
  'producer.id.expiration.check.interval.ms': hidden(
    int('600000', 'read-only', 'How often expired producer state is looked for.', atLeast(1)),
  ),
  'transactional.id.expiration.ms': int(
    '604800000',
    'read-only',
    'How long a transactional id without activity is remembered.',
    atLeast(1),
  ),
  'transaction.max.timeout.ms': int(
    '900000',
    'read-only',
    'Longest transaction timeout a client may ask for.',
    atLeast(1),
  ),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    '10000',
    'read-only',
    'How often transactions past their timeout are looked for.',
    atLeast(1),
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    '3600000',
    'read-only',
    'How often expired transactional ids are looked for.',
    atLeast(1),
  ),
};
