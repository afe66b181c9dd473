/**
 * Replication between brokers, leadership, the protocol between brokers.
 * Source: the broker configs of Kafka 3.9, of the group Replication.
 */
import { boolean, hidden, int, long, text } from '../property.ts';
import { atLeast, METADATA_VERSION, SECURITY_PROTOCOL } from '../validators.ts';

export const REPLICATION_CONFIGS = {
  'controller.socket.timeout.ms': int('30000', 'read-only', 'How long the controller waits for a broker.'),
  'default.replication.factor': int(
    '1',
    'read-only',
    'Replicas of a topic that is created without saying how many.',
  ),
  'replica.lag.time.max.ms': long(
    '30000',
    'read-only',
    'A follower that has not caught up for this long leaves the in-sync set.',
  ),
  'replica.socket.timeout.ms': int(
    '30000',
    'read-only',
    'How long a follower waits for its leader; at least replica.fetch.wait.max.ms.',
  ),
  'replica.socket.receive.buffer.bytes': int('65536', 'read-only', 'SO_RCVBUF of replication connections.'),
  'replica.fetch.max.bytes': int(
    '1048576',
    'read-only',
    'Bytes that replication takes of one partition at a time; a larger batch still comes whole.',
    atLeast(0),
  ),
  'replica.fetch.wait.max.ms': int(
    '500',
    'read-only',
    'Longest wait of a replication fetch; at most replica.lag.time.max.ms.',
  ),
  'replica.fetch.backoff.ms': int('1000', 'read-only', 'Pause of a follower after an error.', atLeast(0)),
  'replica.fetch.min.bytes': int('1', 'read-only', 'Fewest bytes a replication fetch waits for.'),
  'replica.fetch.response.max.bytes': int(
    '10485760',
    'read-only',
    'Bytes that replication takes in one response.',
    atLeast(0),
  ),
  'num.replica.fetchers': int('1', 'cluster-wide', 'Replication connections to each leader.'),
  'replica.high.watermark.checkpoint.interval.ms': long(
    '5000',
    'read-only',
    'How often high watermarks are written to disk.',
  ),
  'fetch.purgatory.purge.interval.requests': int(
    '1000',
    'read-only',
    'Completed fetches that may stay in the purgatory before it is swept.',
  ),
  'producer.purgatory.purge.interval.requests': int(
    '1000',
    'read-only',
    'Completed produces that may stay in the purgatory before it is swept.',
  ),
  'delete.records.purgatory.purge.interval.requests': int(
    '1',
    'read-only',
    'Completed DeleteRecords that may stay in the purgatory before it is swept.',
  ),
  'auto.leader.rebalance.enable': boolean(
    'true',
    'read-only',
    'Whether the controller moves leadership back to preferred replicas.',
  ),
  'leader.imbalance.per.broker.percentage': int(
    '10',
    'read-only',
    "Share of a broker's preferred partitions led elsewhere above which leadership is moved back.",
  ),
  'leader.imbalance.check.interval.seconds': long(
    '300',
    'read-only',
    'How often the controller looks at leader imbalance.',
    atLeast(1),
  ),
  'unclean.leader.election.interval.ms': hidden(
    long(
      '300000',
      'read-only',
      'How often partitions without a leader are looked at for an unclean election.',
      atLeast(1),
    ),
  ),
  'unclean.leader.election.enable': boolean(
    'false',
    'cluster-wide',
    'Whether a replica that is not in sync may become leader, which loses data.',
  ),
  'security.inter.broker.protocol': text(
    'PLAINTEXT',
    'read-only',
    'Security protocol between brokers, when no inter-broker listener is named.',
    SECURITY_PROTOCOL,
  ),
  'inter.broker.protocol.version': text(
    '3.9-IV0',
    'read-only',
    'Version of the protocol between brokers.',
    METADATA_VERSION,
  ),
  'inter.broker.listener.name': text(null, 'read-only', 'Listener that brokers use among themselves.'),
  'replica.selector.class': text(
    null,
    'read-only',
    'Class that chooses the replica a consumer reads from; null is the leader.',
  ),
};
