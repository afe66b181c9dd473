/**
 * SASL and delegation tokens.
 * Source: the broker configs of Kafka 3.9, of the group BrokerSecurity and DelegationTokenManager.
 */
import { className, double, int, list, long, password, short, text } from '../property.ts';
import { atLeast } from '../validators.ts';

export const SASL_CONFIGS = {
  'sasl.mechanism.inter.broker.protocol': text('GSSAPI', 'per-broker', 'SASL mechanism between brokers.'),
  'sasl.enabled.mechanisms': list('GSSAPI', 'per-broker', 'SASL mechanisms that clients may use.'),
  'sasl.server.callback.handler.class': className(null, 'read-only', 'Class that verifies SASL credentials.'),
  'sasl.kerberos.principal.to.local.rules': list(
    'DEFAULT',
    'per-broker',
    'Rules that make a short name of a Kerberos principal.',
  ),
  'sasl.jaas.config': password(null, 'per-broker', 'JAAS login context of a SASL listener.'),
  'sasl.client.callback.handler.class': className(
    null,
    'read-only',
    'Class that supplies SASL client credentials.',
  ),
  'sasl.login.class': className(null, 'read-only', 'Class of the SASL login.'),
  'sasl.login.callback.handler.class': className(
    null,
    'read-only',
    'Class that supplies SASL login credentials.',
  ),
  'sasl.kerberos.service.name': text(null, 'per-broker', 'Kerberos name that Kafka runs under.'),
  'sasl.kerberos.kinit.cmd': text('/usr/bin/kinit', 'per-broker', 'Path of kinit.'),
  'sasl.kerberos.ticket.renew.window.factor': double(
    '0.8',
    'per-broker',
    "Share of a ticket's life after which it is renewed.",
  ),
  'sasl.kerberos.ticket.renew.jitter': double('0.05', 'per-broker', 'Random part of the renewal time.'),
  'sasl.kerberos.min.time.before.relogin': long('60000', 'per-broker', 'Shortest pause between two logins.'),
  'sasl.login.refresh.window.factor': double(
    '0.8',
    'per-broker',
    "Share of a credential's life after which it is refreshed.",
  ),
  'sasl.login.refresh.window.jitter': double('0.05', 'per-broker', 'Random part of the refresh time.'),
  'sasl.login.refresh.min.period.seconds': short(
    '60',
    'per-broker',
    'Shortest life of a credential before it is refreshed.',
  ),
  'sasl.login.refresh.buffer.seconds': short(
    '300',
    'per-broker',
    'Time before expiry by which a credential should have been refreshed.',
  ),
  'sasl.login.connect.timeout.ms': int(
    null,
    'read-only',
    'How long a connection to the identity provider may take.',
  ),
  'sasl.login.read.timeout.ms': int(
    null,
    'read-only',
    'How long an answer of the identity provider may take.',
  ),
  'sasl.login.retry.backoff.max.ms': long(
    '10000',
    'read-only',
    'Longest pause between attempts to reach the identity provider.',
  ),
  'sasl.login.retry.backoff.ms': long(
    '100',
    'read-only',
    'First pause between attempts to reach the identity provider.',
  ),
  'sasl.oauthbearer.scope.claim.name': text('scope', 'read-only', 'Claim that holds the scope.'),
  'sasl.oauthbearer.sub.claim.name': text('sub', 'read-only', 'Claim that holds the subject.'),
  'sasl.oauthbearer.token.endpoint.url': text(null, 'read-only', 'Where tokens are issued.'),
  'sasl.oauthbearer.jwks.endpoint.url': text(null, 'read-only', 'Where the keys of the issuer are.'),
  'sasl.oauthbearer.jwks.endpoint.refresh.ms': long(
    '3600000',
    'read-only',
    "How often the issuer's keys are read again.",
  ),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.ms': long(
    '100',
    'read-only',
    "First pause between attempts to read the issuer's keys.",
  ),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms': long(
    '10000',
    'read-only',
    "Longest pause between attempts to read the issuer's keys.",
  ),
  'sasl.oauthbearer.clock.skew.seconds': int(
    '30',
    'read-only',
    'Difference between clocks that is allowed for.',
  ),
  'sasl.oauthbearer.expected.audience': list(null, 'read-only', 'Audiences one of which a token must name.'),
  'sasl.oauthbearer.expected.issuer': text(null, 'read-only', 'Issuer that a token must name.'),
  'delegation.token.master.key': password(null, 'read-only', 'Former name of delegation.token.secret.key.'),
  'delegation.token.secret.key': password(
    null,
    'read-only',
    'Key that signs delegation tokens; the same on every broker.',
  ),
  'delegation.token.max.lifetime.ms': long(
    '604800000',
    'read-only',
    'Longest life of a delegation token.',
    atLeast(1),
  ),
  'delegation.token.expiry.time.ms': long(
    '86400000',
    'read-only',
    'Life of a delegation token until it has to be renewed.',
    atLeast(1),
  ),
  'delegation.token.expiry.check.interval.ms': long(
    '3600000',
    'read-only',
    'How often expired delegation tokens are looked for.',
    atLeast(1),
  ),
};
