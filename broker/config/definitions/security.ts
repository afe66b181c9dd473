/**
 * Authentication and TLS towards clients.
 * Source: the broker configs of Kafka 3.9, of the group BrokerSecurity.
 */
import { boolean, className, int, list, long, password, text } from '../property.ts';
import { atLeast, oneOf } from '../validators.ts';

export const SECURITY_CONFIGS = {
  'connections.max.reauth.ms': long(
    '0',
    'read-only',
    'Time after which a SASL client has to authenticate again; 0 never.',
  ),
  'sasl.server.max.receive.size': int(
    '524288',
    'read-only',
    'Largest request before authentication is complete.',
  ),
  'security.providers': text(null, 'read-only', 'Classes of security providers.'),
  'principal.builder.class': className(
    'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder',
    'per-broker',
    'Class that makes the principal of a connection.',
  ),
  'password.encoder.secret': password(
    null,
    'read-only',
    'Secret that encrypts passwords that are set at run time.',
  ),
  'password.encoder.old.secret': password(
    null,
    'read-only',
    'Secret before the last change of password.encoder.secret.',
  ),
  'password.encoder.keyfactory.algorithm': text(
    null,
    'read-only',
    'Algorithm that makes a key of password.encoder.secret.',
  ),
  'password.encoder.cipher.algorithm': text(
    'AES/CBC/PKCS5Padding',
    'read-only',
    'Cipher of passwords that are set at run time.',
  ),
  'password.encoder.key.length': int('128', 'read-only', 'Length of its key.', atLeast(8)),
  'password.encoder.iterations': int('4096', 'read-only', 'Iterations that make its key.', atLeast(1024)),
  'ssl.client.auth': text(
    'none',
    'per-broker',
    'Whether clients must, may or need not show a certificate.',
    oneOf('required', 'requested', 'none'),
  ),
  'ssl.principal.mapping.rules': text(
    'DEFAULT',
    'read-only',
    "Rules that make a principal of a certificate's distinguished name.",
  ),
  'ssl.allow.dn.changes': boolean(
    'false',
    'read-only',
    'Whether a renewed certificate may have another distinguished name.',
  ),
  'ssl.allow.san.changes': boolean(
    'false',
    'read-only',
    'Whether a renewed certificate may have other alternative names.',
  ),
  'ssl.protocol': text('TLSv1.3', 'per-broker', 'TLS protocol.'),
  'ssl.provider': text(null, 'per-broker', 'Security provider of TLS.'),
  'ssl.enabled.protocols': list('TLSv1.2,TLSv1.3', 'per-broker', 'TLS protocols that are allowed.'),
  'ssl.keystore.type': text('JKS', 'per-broker', 'Type of the key store.'),
  'ssl.keystore.location': text(null, 'per-broker', 'File of the key store.'),
  'ssl.keystore.password': password(null, 'per-broker', 'Password of the key store.'),
  'ssl.key.password': password(null, 'per-broker', 'Password of the private key.'),
  'ssl.keystore.key': password(null, 'per-broker', 'Private key itself, in PEM.'),
  'ssl.keystore.certificate.chain': password(null, 'per-broker', 'Certificate chain itself, in PEM.'),
  'ssl.truststore.type': text('JKS', 'per-broker', 'Type of the trust store.'),
  'ssl.truststore.location': text(null, 'per-broker', 'File of the trust store.'),
  'ssl.truststore.password': password(null, 'per-broker', 'Password of the trust store.'),
  'ssl.truststore.certificates': password(null, 'per-broker', 'Trusted certificates themselves, in PEM.'),
  'ssl.keymanager.algorithm': text('SunX509', 'per-broker', 'Algorithm of the key manager.'),
  'ssl.trustmanager.algorithm': text('PKIX', 'per-broker', 'Algorithm of the trust manager.'),
  'ssl.endpoint.identification.algorithm': text(
    'https',
    'per-broker',
    'How host names are verified; empty is not at all.',
  ),
  'ssl.secure.random.implementation': text(null, 'per-broker', 'Source of randomness for TLS.'),
  'ssl.cipher.suites': list('', 'per-broker', 'Cipher suites that are allowed; empty is the default set.'),
  'ssl.engine.factory.class': className(null, 'per-broker', 'Class that makes TLS engines.'),
};
