/**
 * Configs of this broker that Kafka does not have: the WebSockets between brokers.
 */
import { int, list, long, password, text, undefinedUntilSet } from '../property.ts';
import { atLeast, eachOneOf, oneOf } from '../validators.ts';

export const PEER_CONFIGS = {
  'peer.listener': text(
    'PEER://:0',
    'read-only',
    'Where other brokers connect: PEER://host:port; an empty host is that of the inter-broker listener, port 0 any free one.',
  ),
  'peer.advertised.listener': text(
    null,
    'read-only',
    'What other brokers are told to connect to; null means peer.listener.',
  ),
  'peer.shared.secret': password(
    '',
    'read-only',
    'Secret that brokers prove to each other; the same on every broker. Without one, only brokers that show a certificate (TLS between brokers with ssl.client.auth=required) or are of the same machine (loopback) are taken.',
  ),
  'peer.max.handshakes': int(
    '500',
    'read-only',
    'Peers that may be proving who they are at once; beyond that the newest takes the place of the oldest.',
    atLeast(1),
  ),
  'peer.max.handshakes.per.ip': int(
    '100',
    'read-only',
    'How many of these may come from one address.',
    atLeast(1),
  ),
  'peer.http.pages': list(
    'metrics,healthz,events',
    'read-only',
    'What other machines are told over HTTP at peer.listener, without a login: /events and /metrics name topics and groups. Empty: nothing.',
    eachOneOf('metrics', 'healthz', 'events'),
  ),
  'peer.compression.type': text(
    'none',
    'read-only',
    'Compression of replicated batches that are not compressed already.',
    oneOf('none', 'snappy'),
  ),
  'peer.stream.credit.bytes': int(
    '8388608',
    'read-only',
    'Bytes a leader may send a follower before the first are acknowledged.',
    atLeast(65536),
  ),
  'peer.max.message.bytes': long(
    null,
    'read-only',
    'Largest message between brokers; null gives room for the largest batch that a request can bring.',
    atLeast(65536),
  ),
};

/** Replication throttles, which exist as dynamic configs only. */
export const THROTTLE_CONFIGS = {
  'leader.replication.throttled.rate': undefinedUntilSet(
    long(
      '9223372036854775807',
      'cluster-wide',
      'Bytes per second that leaders send for throttled replicas.',
      atLeast(0),
    ),
  ),
  'follower.replication.throttled.rate': undefinedUntilSet(
    long(
      '9223372036854775807',
      'cluster-wide',
      'Bytes per second that followers fetch for throttled replicas.',
      atLeast(0),
    ),
  ),
  'replica.alter.log.dirs.io.max.bytes.per.second': undefinedUntilSet(
    long(
      '9223372036854775807',
      'cluster-wide',
      'Bytes per second that moves between log directories may use.',
      atLeast(0),
    ),
  ),
};
