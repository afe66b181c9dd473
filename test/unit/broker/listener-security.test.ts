/** What a running broker's listeners may be changed to: certificates that are good, and of the same name and hosts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import { ListenerSecurity } from '../../../broker/node/listener-security.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import type { HttpQuestion } from '../../../broker/platform/http-asker.ts';
import { type CertificateAndKey, issue } from '../../../scripts/cli/certs/authority.ts';
import { World } from '../../support/world.ts';
import { AUTHORITY, BROKER, EXPIRED, NOT_YET, VALID } from '../platform/tls-ends.ts';
import { loginParts } from '../security/login-parts.ts';

const directory = mkdtempSync(join(tmpdir(), 'odradek-listeners-'));
afterAll(() => rmSync(directory, { recursive: true }));

function stored(name: string, { key, certificate }: CertificateAndKey): string {
  writeFileSync(join(directory, name), key + certificate);
  return join(directory, name);
}

const LOCATION = 'listener.name.ssl.ssl.keystore.location';
const properties = {
  'zookeeper.connect': 'localhost:2181',
  listeners: 'SSL://localhost:9093,PLAINTEXT://localhost:9092',
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': stored('broker.pem', BROKER),
};

let security: ListenerSecurity;
beforeAll(async () => {
  const config = brokerConfig(new Map(Object.entries(properties)));
  const materials = loginParts(systemClock);
  const { diagnostics } = materials;
  security = await ListenerSecurity.make({
    listeners: config.listeners,
    liveConfig: new LiveValue(config),
    diagnostics,
    materials,
  });
});

const problemOf = (more: Readonly<Record<string, string>>) =>
  security.problemOf(new Map(Object.entries({ ...properties, ...more })));
const HOSTS = ['localhost', '127.0.0.1'];

describe('a certificate', () => {
  it.each([
    ['of the same name and hosts', { commonName: 'broker', hosts: HOSTS, validity: VALID }],
    ['for more hosts', { commonName: 'broker', hosts: [...HOSTS, 'other'], validity: VALID }],
  ])('%s may follow', async (_what, wanted) => {
    expect(await problemOf({ [LOCATION]: stored('next.pem', await issue(AUTHORITY, wanted)) })).toBeNull();
  });

  it.each([
    [{ commonName: 'broker', hosts: HOSTS, validity: EXPIRED }, 'has expired at'],
    [{ commonName: 'broker', hosts: HOSTS, validity: NOT_YET }, 'is not good before'],
    [
      { commonName: 'other', hosts: HOSTS, validity: VALID },
      'DistinguishedName does not match: existing=CN=broker,O=Odradek, new=CN=other,O=Odradek',
    ],
    [
      { commonName: 'broker', hosts: ['localhost'], validity: VALID },
      'SubjectAltNames do not match: existing=[DNS:localhost, IP Address:127.0.0.1], new=[DNS:localhost]',
    ],
  ])('%j may not', async (wanted, complaint) => {
    const problem = await problemOf({ [LOCATION]: stored('next.pem', await issue(AUTHORITY, wanted)) });
    expect(problem).toContain(`listener.name.ssl.ssl.keystore: `);
    expect(problem).toContain(complaint);
  });

  it('of another name, for fewer hosts, may where that is allowed', async () => {
    const wanted = { commonName: 'other', hosts: [], validity: VALID };
    const location = { [LOCATION]: stored('next.pem', await issue(AUTHORITY, wanted)) };
    expect(await problemOf({ ...location, 'ssl.allow.dn.changes': 'true' })).toContain('SubjectAltNames');
    const allowed = { 'ssl.allow.dn.changes': 'true', 'ssl.allow.san.changes': 'true' };
    expect(await problemOf({ ...location, ...allowed })).toBeNull();
  });
});

it('a key store that can’t be used is named: missing, of no certificate, with another’s key', async () => {
  const { key } = await issue(AUTHORITY, { commonName: 'x', hosts: [], validity: VALID });
  expect(await problemOf({ [LOCATION]: join(directory, 'nowhere') })).toContain('ENOENT');
  expect(await problemOf({ [LOCATION]: stored('no.pem', { key, certificate: '' }) })).toContain(
    'no certificate in PEM',
  );
  const mixed = stored('mixed.pem', { key, certificate: BROKER.certificate });
  expect(await problemOf({ [LOCATION]: mixed })).toContain('does the key not belong to the certificate?');
});

describe('the keys of issuers', () => {
  const HANDLER = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler';
  const MODULE = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule';
  const base = {
    'zookeeper.connect': 'localhost:2181',
    listeners: 'SASL_PLAINTEXT://localhost:9092',
    'security.inter.broker.protocol': 'SASL_PLAINTEXT',
    'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'OAUTHBEARER',
    'listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config': `${MODULE} required;`,
    'listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class': HANDLER,
    'sasl.oauthbearer.jwks.endpoint.url': 'https://one/keys',
    'sasl.oauthbearer.jwks.endpoint.refresh.ms': '60000',
  };
  const configOf = (more: Readonly<Record<string, string>> = {}) =>
    brokerConfig(new Map(Object.entries({ ...base, ...more })));

  /** A broker with that listener, and whom it asks, with how much patience. */
  async function asking() {
    const { clock } = new World();
    const asked: string[] = [];
    const materials = {
      ...loginParts(clock),
      askHttp: async ({ url, readTimeoutMs }: HttpQuestion) => {
        asked.push(`${url.host} ${readTimeoutMs}`);
        return { status: url.host === 'none' ? 404 : 200, body: '{"keys":[]}' };
      },
    };
    const liveConfig = new LiveValue(configOf());
    const { listeners } = liveConfig.now;
    const made = await ListenerSecurity.make({
      listeners,
      liveConfig,
      diagnostics: materials.diagnostics,
      materials,
    });
    /** In an hour from now, with these configs. */
    const askedWith = async (more: Readonly<Record<string, string>>): Promise<readonly string[]> => {
      liveConfig.set(configOf(more));
      await clock.runFor(60_000);
      asked.length = 0;
      await clock.runFor(3_600_000);
      return [...new Set(asked)];
    };
    return { askedWith, asked, made };
  }

  it('are asked for where a listener names them, and nowhere else once it has changed', async () => {
    const { askedWith } = await asking();
    expect(await askedWith({})).toEqual(['one 10000']);
    const elsewhere = { 'sasl.oauthbearer.jwks.endpoint.url': 'https://two/keys' };
    expect(await askedWith(elsewhere)).toEqual(['two 10000']);
    expect(await askedWith({})).toEqual(['one 10000']);
  });

  it('are asked for as the listener says now: with another patience, and not with the one before as well', async () => {
    const { askedWith } = await asking();
    expect(await askedWith({ 'sasl.login.read.timeout.ms': '500' })).toEqual(['one 500']);
  });

  it('stay those of before while the new ones can’t be had', async () => {
    const { askedWith } = await asking();
    expect(await askedWith({ 'sasl.oauthbearer.jwks.endpoint.url': 'https://none/keys' })).toEqual([
      'one 10000',
    ]);
  });

  it('are not asked for where they were only thought of', async () => {
    const { asked, askedWith, made } = await asking();
    asked.length = 0;
    const { texts } = configOf({ 'sasl.oauthbearer.jwks.endpoint.url': 'https://two/keys' });
    expect(await made.problemOf(texts)).toBeNull();
    expect(asked).toEqual([]);
    expect(await askedWith({})).toEqual(['one 10000']);
  });
});
