/**
 * Listeners and client connections.
 * Source: the broker configs of Kafka 3.9, of the group SocketServer.
 */
import { int, long, text } from '../property.ts';
import { atLeast } from '../validators.ts';

export const NETWORK_CONFIGS = {
  listeners: text(
    'PLAINTEXT://:9092',
    'per-broker',
    'Where clients and brokers connect: NAME://host:port, separated by commas; an empty host is every interface.',
  ),
  'advertised.listeners': text(
    null,
    'per-broker',
    'What clients and brokers are told to connect to; null means `listeners`.',
  ),
  'listener.security.protocol.map': text(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'per-broker',
    'Security protocol of each listener name.',
  ),
  'control.plane.listener.name': text(null, 'read-only', "Listener reserved to the controller's requests."),
  'socket.send.buffer.bytes': int(
    '102400',
    'read-only',
    'SO_SNDBUF of client connections; -1 leaves it to the system.',
  ),
  'socket.receive.buffer.bytes': int(
    '102400',
    'read-only',
    'SO_RCVBUF of client connections; -1 leaves it to the system.',
  ),
  'socket.request.max.bytes': int('104857600', 'read-only', 'Largest request that is read.', atLeast(1)),
  'socket.listen.backlog.size': int(
    '50',
    'read-only',
    'Connections that may wait to be accepted.',
    atLeast(1),
  ),
  'max.connections.per.ip': int(
    '2147483647',
    'cluster-wide',
    'Most connections from one address.',
    atLeast(0),
  ),
  'max.connections.per.ip.overrides': text(
    '',
    'cluster-wide',
    'Limits of single addresses: host:number, separated by commas.',
  ),
  'max.connections': int('2147483647', 'cluster-wide', 'Most connections of this broker.', atLeast(0)),
  'max.connection.creation.rate': int(
    '2147483647',
    'cluster-wide',
    'Most new connections per second.',
    atLeast(0),
  ),
  'connections.max.idle.ms': long(
    '600000',
    'read-only',
    'A connection without requests for this long is closed.',
  ),
  'connection.failed.authentication.delay.ms': int(
    '100',
    'read-only',
    'How long the close of a connection that failed to authenticate is put off.',
    atLeast(0),
  ),
  'queued.max.requests': int(
    '500',
    'read-only',
    'Requests that may wait before reading from clients stops.',
    atLeast(1),
  ),
  'queued.max.request.bytes': long(
    '-1',
    'read-only',
    'Bytes of arriving requests that may be kept before reading from clients stops; -1 is 268435456, or socket.request.max.bytes where that is more.',
  ),
  'num.network.threads': int(
    '3',
    'cluster-wide',
    "Kafka's network threads; here it only scales request quotas.",
    atLeast(1),
  ),
};
