/**
 * The connection to ZooKeeper.
 * Source: the broker configs of Kafka 3.9, of the group Zk.
 */
import { boolean, int, list, password, text } from '../property.ts';
import { atLeast } from '../validators.ts';

export const ZOOKEEPER_CONFIGS = {
  'zookeeper.connect': text(
    null,
    'read-only',
    'The ZooKeeper ensemble: host:port, separated by commas, with an optional /chroot at the end.',
  ),
  'zookeeper.session.timeout.ms': int(
    '18000',
    'read-only',
    'A broker that ZooKeeper has not heard of for this long counts as dead.',
  ),
  'zookeeper.connection.timeout.ms': int(
    null,
    'read-only',
    'How long the first connection to ZooKeeper may take; null means the session timeout.',
  ),
  'zookeeper.set.acl': boolean('false', 'read-only', 'Whether znodes are created with ACLs.'),
  'zookeeper.max.in.flight.requests': int(
    '10',
    'read-only',
    'Requests to ZooKeeper that are sent before the first is answered.',
    atLeast(1),
  ),
  'zookeeper.ssl.client.enable': boolean(
    'false',
    'read-only',
    'Whether the connection to ZooKeeper uses TLS.',
  ),
  'zookeeper.metadata.migration.enable': boolean(
    'false',
    'read-only',
    'Whether metadata moves from ZooKeeper to a quorum.',
  ),
  'zookeeper.clientCnxnSocket': text(
    null,
    'read-only',
    "Socket class of Java's ZooKeeper client: with TLS it must be org.apache.zookeeper.ClientCnxnSocketNetty.",
  ),
  'zookeeper.sasl.jaas.config': password(
    null,
    'read-only',
    'How to log in to ZooKeeper by SASL: DigestLoginModule with username and password. Null means the section Client of the JAAS file that KAFKA_OPTS names, if it names one.',
  ),
  'zookeeper.digest.credentials': password(
    null,
    'read-only',
    "Name and password, user:password, of ZooKeeper's scheme digest.",
  ),
  'zookeeper.ssl.keystore.location': text(null, 'read-only', 'Key store for TLS to ZooKeeper.'),
  'zookeeper.ssl.keystore.password': password(
    null,
    'read-only',
    'Password of the key store for TLS to ZooKeeper.',
  ),
  'zookeeper.ssl.keystore.type': text(null, 'read-only', 'Type of the key store for TLS to ZooKeeper.'),
  'zookeeper.ssl.truststore.location': text(null, 'read-only', 'Trust store for TLS to ZooKeeper.'),
  'zookeeper.ssl.truststore.password': password(
    null,
    'read-only',
    'Password of the trust store for TLS to ZooKeeper.',
  ),
  'zookeeper.ssl.truststore.type': text(null, 'read-only', 'Type of the trust store for TLS to ZooKeeper.'),
  'zookeeper.ssl.protocol': text('TLSv1.2', 'read-only', 'TLS protocol towards ZooKeeper.'),
  'zookeeper.ssl.enabled.protocols': list(null, 'read-only', 'TLS protocols allowed towards ZooKeeper.'),
  'zookeeper.ssl.cipher.suites': list(null, 'read-only', 'Cipher suites allowed towards ZooKeeper.'),
  'zookeeper.ssl.endpoint.identification.algorithm': text(
    'HTTPS',
    'read-only',
    'How the host name of a ZooKeeper server is verified; empty is not at all.',
  ),
  'zookeeper.ssl.crl.enable': boolean(
    'false',
    'read-only',
    "Whether revocation lists are consulted for ZooKeeper's certificates.",
  ),
  'zookeeper.ssl.ocsp.enable': boolean(
    'false',
    'read-only',
    "Whether OCSP is consulted for ZooKeeper's certificates.",
  ),
};
