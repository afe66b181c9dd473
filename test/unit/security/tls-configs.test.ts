/** Key stores and trust stores of every kind, and what is refused of them, by the name of its config. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ConfigError } from '../../../broker/config/property.ts';
import type { TlsServerEnd } from '../../../broker/platform/tls.ts';
import { javaStores } from '../../../broker/security/tls/java-stores.ts';
import { clientEnd, serverEnd } from '../../../broker/security/tls/tls-configs.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { AUTHORITY, BROKER } from '../platform/tls-ends.ts';

const STORES = join(import.meta.dirname, 'stores');
const PEM = {
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.key': BROKER.key,
  'ssl.keystore.certificate.chain': BROKER.certificate,
};
const PASSWORD = { 'ssl.keystore.password': 'changeit' };
const JKS = {
  ...PASSWORD,
  'ssl.key.password': 'keysecret',
  'ssl.keystore.location': join(STORES, 'key.jks'),
};
const ENCRYPTED = createPrivateKey(BROKER.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'k' })
  .toString();

type Configs = Readonly<Record<string, string>>;

function serverOf(configs: Configs, files: ReadonlyMap<string, Buffer> = new Map()): Promise<TlsServerEnd> {
  const texts = new Map(Object.entries(configs).map(([name, text]) => [`listener.name.x.${name}`, text]));
  const disk = { readFile: (path: string) => files.get(path) ?? readFileSync(path) };
  const { values, prefix } = new ListenerConfig(texts, 'X');
  return serverEnd(values, prefix, { disk, javaStores });
}

describe('a listener shows', () => {
  it('a certificate in PEM that stands in the config', async () => {
    const { identity, trusted, clientAuth } = await serverOf(PEM);
    expect([identity?.kind, trusted, clientAuth]).toEqual(['pem', null, 'none']);
  });

  it('a certificate in PEM out of a file, whose key may be encrypted', async () => {
    const files = new Map([['/broker.pem', Buffer.from(ENCRYPTED + BROKER.certificate)]]);
    const configs = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': '/broker.pem' };
    await expect(serverOf(configs, files)).rejects.toThrow(
      'Missing required configuration listener.name.x.ssl.key.password',
    );
    await expect(serverOf({ ...configs, 'ssl.key.password': 'no' }, files)).rejects.toThrow(ConfigError);
    expect((await serverOf({ ...configs, 'ssl.key.password': 'k' }, files)).identity).not.toBeNull();
  });

  it.each(['PKCS12', 'JKS'])('a certificate out of a PKCS#12 store, called %s', async (type) => {
    const location = join(STORES, 'key.p12');
    const end = await serverOf({ ...PASSWORD, 'ssl.keystore.type': type, 'ssl.keystore.location': location });
    expect(end.identity?.kind).toBe('pkcs12');
  });

  it('a certificate out of Java’s own store, whose key has a password of its own', async () => {
    expect((await serverOf(JKS)).identity?.kind).toBe('pem');
  });
});

describe('a listener believes', () => {
  it.each(['trust.p12', 'trust.jks'])('whom a trust store names: %s', async (file) => {
    const { trusted } = await serverOf({
      ...PEM,
      'ssl.client.auth': 'required',
      'ssl.truststore.location': join(STORES, file),
      'ssl.truststore.password': 'changeit',
    });
    expect(trusted?.length).toBe(1);
  });

  it('whom certificates in PEM name, however many', async () => {
    const { trusted, clientAuth } = await serverOf({
      ...PEM,
      'ssl.client.auth': 'requested',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': AUTHORITY.certificate + BROKER.certificate,
    });
    expect([trusted?.length, clientAuth]).toEqual([2, 'requested']);
  });
});

describe('what can’t be is refused before anybody connects', () => {
  it.each<[string, Configs]>([
    ['listener.name.x.ssl.keystore.location', {}],
    ['listener.name.x.ssl.keystore.type', { ...PEM, 'ssl.keystore.type': 'BCFKS' }],
    ['listener.name.x.ssl.keystore.password', { ...PEM, ...PASSWORD }],
    ['listener.name.x.ssl.keystore.certificate.chain', { ...PEM, 'ssl.keystore.certificate.chain': 'x' }],
    ['listener.name.x.ssl.keystore.key', { ...PEM, 'ssl.keystore.key': BROKER.certificate }],
    ['need listener.name.x.ssl.keystore.type=PEM', { ...PEM, 'ssl.keystore.type': 'JKS' }],
    ['both given', { ...PEM, 'ssl.keystore.location': '/broker.pem' }],
    ['ENOENT', { ...PASSWORD, 'ssl.keystore.location': '/nowhere' }],
    [
      'Missing required configuration listener.name.x.ssl.keystore.password',
      { 'ssl.keystore.location': join(STORES, 'key.jks') },
    ],
    ['of this password', { ...JKS, 'ssl.keystore.password': 'wrong' }],
    ['of this password', { ...JKS, 'ssl.key.password': 'wrong' }],
    [
      'is a password wrong',
      { 'ssl.keystore.password': 'wrong', 'ssl.keystore.location': join(STORES, 'key.p12') },
    ],
    ['does the key not belong', { ...PEM, 'ssl.keystore.certificate.chain': AUTHORITY.certificate }],
    ['ssl.client.auth is required', { ...PEM, 'ssl.client.auth': 'required' }],
    ['listener.name.x.ssl.enabled.protocols', { ...PEM, 'ssl.enabled.protocols': 'TLSv1.1' }],
    ['listener.name.x.ssl.protocol', { ...PEM, 'ssl.protocol': 'SSLv3' }],
    ['listener.name.x.ssl.cipher.suites', { ...PEM, 'ssl.cipher.suites': 'TLS_NULL_WITH_NULL_NULL' }],
  ])('%s', async (complaint, configs) => {
    await expect(serverOf(configs)).rejects.toThrow(complaint);
    await expect(serverOf(configs)).rejects.toThrow(ConfigError);
  });

  it('without a word of the secrets in it', async () => {
    const configs = { ...JKS, 'ssl.keystore.password': 's3cret', 'ssl.key.password': 's3cret' };
    await expect(serverOf(configs)).rejects.toThrow(/^((?!s3cret).)*$/s);
  });

  it('whatever the bytes of a store are', async () => {
    const random = simulatedRandom(651);
    for (const file of ['key.jks', 'trust.jks']) {
      const whole = readFileSync(join(STORES, file));
      for (let round = 0; round < 100; round += 1) {
        const bytes = Buffer.from(whole.subarray(0, 8 + random.int(whole.length - 8)));
        for (let change = 0; change < 3; change += 1) bytes[random.int(bytes.length)] = random.int(256);
        const found = await javaStores.trusted(bytes, 'changeit');
        expect(typeof found === 'string' || Array.isArray(found)).toBe(true);
      }
    }
  });
});

describe('versions and ciphers', () => {
  it('are those that are enabled, by Java’s names', async () => {
    const end = await serverOf({
      ...PEM,
      'ssl.enabled.protocols': 'TLSv1.2',
      'ssl.cipher.suites': 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,ECDHE-RSA-AES256-GCM-SHA384',
    });
    expect(end).toMatchObject({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers: ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384'],
    });
  });
});

describe('a client', () => {
  const endOf = (text: string) => {
    const { values } = new ListenerConfig(new Map([['ssl.endpoint.identification.algorithm', text]]), 'X');
    return clientEnd(values, '', { disk: { readFile: readFileSync }, javaStores });
  };

  it('verifies whom it talks to unless it is told not to', async () => {
    expect([(await endOf('https')).verifiesHost, (await endOf('')).verifiesHost]).toEqual([true, false]);
    await expect(endOf('ldaps')).rejects.toThrow('allowed are https and nothing');
  });
});
