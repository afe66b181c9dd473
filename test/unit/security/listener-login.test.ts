/** What a listener lets clients log in by, made of its configs; and what stops the start. */
import { describe, expect, it } from 'vitest';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ConfigError } from '../../../broker/config/property.ts';
import { userNamed } from '../../../broker/security/principal.ts';
import { type ListenerLogin, listenerLogin } from '../../../broker/security/sasl/listener-login.ts';
import { loginParts } from './login-parts.ts';

const MODULES = 'org.apache.kafka.common.security';
const PLAIN = `${MODULES}.plain.PlainLoginModule required`;
const BEARER = `${MODULES}.oauthbearer.OAuthBearerLoginModule required`;
const HANDLER = 'sasl.server.callback.handler.class';
const SIGNED = `${MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler`;

const INSIDE = 'listener.name.inside.oauthbearer.';
const KEYS = 'sasl.oauthbearer.jwks.endpoint.url';

/** Configs of OAUTHBEARER, with a login module. */
function bearer(configs: Readonly<Record<string, string>>): Record<string, string> {
  const all = Object.entries({ 'sasl.jaas.config': `${BEARER};`, ...configs });
  return Object.fromEntries(all.map(([name, value]) => [`${INSIDE}${name}`, value]));
}

function loginOf(configs: Readonly<Record<string, string>>): ListenerLogin {
  const config = new ListenerConfig(new Map(Object.entries(configs)), 'INSIDE');
  return listenerLogin(config, loginParts());
}

const step = (login: ListenerLogin, token: string) =>
  login.mechanisms.get('PLAIN')?.begin().step(Buffer.from(token));

describe('a listener', () => {
  it('goes by its own configs before those of all, and by its own users', () => {
    const login = loginOf({
      'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
      'listener.name.inside.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.inside.plain.sasl.jaas.config': `${PLAIN} username="x" user_alice="a";`,
      'listener.name.outside.plain.sasl.jaas.config': `${PLAIN} user_bob="b";`,
    });
    expect([...login.mechanisms.keys()]).toEqual(['PLAIN']);
    expect(step(login, '\0alice\0a')).toMatchObject({ kind: 'done', principal: userNamed('alice') });
    expect(step(login, '\0bob\0b')).toMatchObject({ kind: 'failed' });
    expect(step(login, '\0x\0')).toMatchObject({ kind: 'failed' });
  });

  it.each([
    ['GSSAPI', {}, 'GSSAPI (Kerberos) is not supported'],
    ['OAUTHBEARER', {}, 'configuration listener.name.inside.oauthbearer.sasl.jaas.config'],
    ['OAUTHBEARER', bearer({ [HANDLER]: 'com.acme.Tokens' }), `allowed are ${SIGNED} and`],
    [
      'OAUTHBEARER',
      bearer({ [HANDLER]: SIGNED }),
      'Missing required configuration listener.name.inside.oauth',
    ],
    ['OAUTHBEARER', bearer({ [HANDLER]: SIGNED, [KEYS]: 'ftp://x' }), 'URLs of https, http and file'],
    [
      'OAUTHBEARER',
      { [`${INSIDE}sasl.jaas.config`]: `${BEARER} unsecuredValidatorAllowableClockSkewMs="-1";` },
      'AllowableClockSkewMs is -1; allowed are 0 to',
    ],
    [
      'OAUTHBEARER',
      { [`${INSIDE}sasl.jaas.config`]: `${BEARER} unsecuredValidatorRequiredScope="a\\"b";` },
      'invalid scope',
    ],
    [
      'PLAIN',
      {
        'listener.name.inside.plain.sasl.jaas.config': `${PLAIN} user_alice="a";`,
        [`listener.name.inside.plain.${HANDLER}`]: 'com.acme.Passwords',
      },
      'com.acme.Passwords for configuration listener.name.inside.plain.sasl.server.callback.handler.class',
    ],
    ['plain', {}, 'unknown mechanism plain; allowed are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER'],
    ['', {}, 'no mechanism is enabled'],
    ['PLAIN', {}, 'Missing required configuration listener.name.inside.plain.sasl.jaas.config'],
    ['PLAIN', { 'sasl.jaas.config': `${PLAIN} user_alice="a";` }, 'Missing required configuration'],
    [
      'PLAIN',
      { 'listener.name.inside.plain.sasl.jaas.config': 'com.acme.Login required;' },
      'com.acme.Login is not supported',
    ],
    [
      'PLAIN',
      { 'listener.name.inside.plain.sasl.jaas.config': `${PLAIN} password="s3cret"` },
      'not terminated by semi-colon',
    ],
  ])('that enables %j with %j can’t be', (mechanisms, more, complaint) => {
    const make = () => loginOf({ 'listener.name.inside.sasl.enabled.mechanisms': mechanisms, ...more });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(complaint);
    expect(make).toThrow(/^((?!s3cret).)*$/s);
  });
});
