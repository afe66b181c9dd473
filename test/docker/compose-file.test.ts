/** docker-compose.yml as a file: what starts without a profile, and that brokers take what it tells them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type BrokerConfig, brokerConfig } from '../../broker/config/broker-config.ts';
import { peerTlsListener } from '../../broker/config/peer-protocol.ts';
import { isWithoutEffect } from '../../broker/config/without-effect.ts';
import { securedListener } from '../../broker/node/listener-security.ts';
import { jvmProperties } from '../../broker/security/jvm-options.ts';
import { parseJaasFile } from '../../broker/security/sasl/jaas.ts';
import { zookeeperAccess } from '../../broker/security/zookeeper/zookeeper-access.ts';
import { parseCommand } from '../../scripts/cli/arguments.ts';
import { clientOptions } from '../../scripts/cli/bootstrap.ts';
import { clientSecurity } from '../../scripts/cli/client-security.ts';
import { environmentProperties } from '../../scripts/docker/container-properties.ts';
import { healthTls } from '../../scripts/docker/health-tls.ts';
import { loginParts } from '../unit/security/login-parts.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DOCKER = join(ROOT, 'scripts', 'docker');
const SECRETS = '/etc/kafka/secrets';
const parts = loginParts();

interface Service {
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly command?: readonly string[];
}

/** As compose reads it where no variable is set. */
function services(): ReadonlyMap<string, Service> {
  const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  const file: { services: Record<string, Service> } = parse(
    text.replaceAll(/\$\{\w+:-([^}]*)\}/g, (_, fallback: string) => fallback),
    { merge: true },
  );
  return new Map(Object.entries(file.services));
}

/** The properties of the brokers whose names begin so, as their containers read them. */
function brokers(prefix: string): { service: Service; properties: ReadonlyMap<string, string> }[] {
  return [...services()]
    .filter(([name]) => name.startsWith(prefix))
    .map(([, service]) => {
      const environment = Object.entries(service.environment ?? {}).map(([key, value]) => [key, `${value}`]);
      const own = parseFile(join(DOCKER, 'server.properties'));
      return {
        service,
        properties: new Map([...own, ...environmentProperties(Object.fromEntries(environment))]),
      };
    });
}

function parseFile(path: string): [string, string][] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const at = line.indexOf('=');
    return at < 0 || line.startsWith('#') ? [] : [[line.slice(0, at), line.slice(at + 1)]];
  });
}

describe('docker-compose.yml', () => {
  it('starts six without a profile, and all others with the profile secure', () => {
    const plain = [...services()].filter(([, { profiles }]) => profiles === undefined);
    expect(plain.map(([name]) => name).sort()).toEqual([
      'broker1',
      'broker2',
      'broker3',
      'zookeeper1',
      'zookeeper2',
      'zookeeper3',
    ]);
    for (const [name, { profiles }] of services()) {
      if (name.startsWith('secure-')) expect(profiles, name).toEqual(['secure']);
    }
    expect(services().size).toBe(14);
  });

  it.each(['broker', 'secure-broker'])(
    'tells each %s what it takes, at the port that is published',
    (prefix) => {
      const configs = brokers(prefix).map(({ service, properties }): BrokerConfig => {
        const config = brokerConfig(properties);
        expect(config.unknownKeys).toEqual([]);
        expect([...properties.keys()].filter(isWithoutEffect)).toEqual([]);
        const outside = config.advertisedListeners.find(({ name }) => name === 'EXTERNAL');
        expect(service.ports).toEqual([`127.0.0.1:${outside?.port}:9092`]);
        return config;
      });
      expect(configs.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3]);
    },
  );

  it('has no way in without a login in the profile secure, nor to a broker without a certificate', () => {
    for (const { properties } of brokers('secure-broker')) {
      const config = brokerConfig(properties);
      expect(config.listeners.map(({ securityProtocol }) => securityProtocol)).toEqual([
        'SASL_SSL',
        'SASL_SSL',
      ]);
      expect(peerTlsListener(config)).toBe('PEER');
      expect(properties.get('listener.name.peer.ssl.client.auth')).toBe('required');
      expect(config.authorizerClassName).toBe('kafka.security.authorizer.AclAuthorizer');
      expect(config.allowEveryoneIfNoAclFound).toBe(false);
      expect(config.zookeeperSetAcl).toBe(true);
    }
  });
});

describe('what the profile secure has on its volume', () => {
  const passwords = { ADMIN_PASSWORD: 'a', DEMO_PASSWORD: 'first', ZOOKEEPER_PASSWORD: 'z' };
  let directory: string;
  let secrets: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-secure-'));
    secrets = join(directory, 'secrets');
    symlinkSync(join(ROOT, 'scripts', 'odradek'), join(directory, 'odradek'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function make(variables: Readonly<Record<string, string>>): Promise<void> {
    const path = [directory, process.env['PATH']].join(delimiter);
    const words = services().get('secure-files')?.command?.slice(2) ?? [];
    await promisify(execFile)('bash', [join(DOCKER, 'secure-files.sh'), secrets, ...words], {
      env: { ...process.env, ...variables, PATH: path },
    });
  }
  const securityOf = (name: string) =>
    clientSecurity(
      parseCommand({ name: '', summary: '', options: clientOptions, run: async () => 0 }, [
        `--command-config=${join(secrets, `${name}.properties`)}`,
      ]),
    );

  it('is what brokers, ZooKeepers and clients are configured with', async () => {
    await make(passwords);
    for (const { properties, service } of brokers('secure-broker')) {
      const here = [...properties].map(([key, value]) => [key, value.replace(SECRETS, secrets)] as const);
      expect((await healthTls(new Map(here)))?.identity).not.toBeNull();
      const { listeners, texts, zookeeperSetAcl } = brokerConfig(new Map(here));
      for (const listener of listeners) {
        const { login, tls } = await securedListener(listener, texts, parts);
        expect([...(login?.mechanisms.keys() ?? [])]).toEqual(['SCRAM-SHA-256']);
        expect(tls?.identity).not.toBeNull();
      }
      const jvm = jvmProperties(`${service.environment?.['KAFKA_OPTS']}`.replace(SECRETS, secrets));
      const { credentials } = await zookeeperAccess(texts, jvm, parts);
      expect([zookeeperSetAcl, credentials?.sasl?.user]).toEqual([true, 'broker']);
    }
    const jaas = parseJaasFile(readFileSync(join(secrets, 'zookeeper.jaas'), 'utf8'));
    expect(jaas.get('Server')?.[0]?.options.get('user_broker')).toBe('z');
    expect(jaas.get('Client')?.[0]?.options.get('password')).toBe('z');
    const { tls, login } = await securityOf('demo');
    expect(login).toEqual({ mechanism: 'SCRAM-SHA-256', user: 'demo', password: 'first' });
    expect(tls?.trusted).toEqual([readFileSync(join(secrets, 'ca.pem'), 'utf8').trimEnd()]);
    expect((await securityOf('admin')).login).toMatchObject({ user: 'admin', password: 'a' });
    for (const name of ['broker.pem', 'zookeeper.jaas', 'demo.properties'])
      expect(statSync(join(secrets, name)).mode & 0o77, name).toBe(0);
  });

  it('keeps its certificates when it is made again, with other passwords', async () => {
    await make(passwords);
    const before = readFileSync(join(secrets, 'broker.pem'), 'utf8');
    await make({ ...passwords, DEMO_PASSWORD: 'second' });
    expect(readFileSync(join(secrets, 'broker.pem'), 'utf8')).toBe(before);
    expect((await securityOf('demo')).login).toMatchObject({ password: 'second' });
  });

  it('has no password that its files would take for something else', async () => {
    await expect(make({ ...passwords, DEMO_PASSWORD: 'a"b' })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^DEMO_PASSWORD must be of [^\n]*\n$/),
    });
  });
});
