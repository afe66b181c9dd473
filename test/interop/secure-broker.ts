/** One broker in the process of a test, with listeners of every kind, and files for its clients. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../broker/broker.ts';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { AUTHORITY, BROKER, clientCertificate } from '../unit/platform/tls-ends.ts';

const SESSION_TIMEOUT_MS = 10_000;
const MODULES = 'org.apache.kafka.common.security';
export const SCRAM_MODULE = `${MODULES}.scram.ScramLoginModule`;
export const PLAIN_MODULE = `${MODULES}.plain.PlainLoginModule`;
export const BEARER_MODULE = `${MODULES}.oauthbearer.OAuthBearerLoginModule`;

export interface SecureBroker {
  readonly directory: string;
  readonly zookeeperConnect: string;
  readonly caFile: string;
  /** Certificate and key of the client `alice`, apart and in one file. */
  readonly client: { readonly certificate: string; readonly key: string; readonly store: string };
  /** `localhost:port` of a listener. */
  at(listener: string): string;
  /** Writes a client.properties; its name. */
  clientProperties(name: string, lines: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

/** What each listener with SASL takes. */
function saslOf(listener: string): Record<string, string> {
  const prefix = `listener.name.${listener.toLowerCase()}`;
  return {
    [`${prefix}.plain.sasl.jaas.config`]: `${PLAIN_MODULE} required user_alice="secret";`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${SCRAM_MODULE} required;`,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${SCRAM_MODULE} required;`,
    // Apache's broker logs in itself, by a token of its own.
    [`${prefix}.oauthbearer.sasl.jaas.config`]: `${BEARER_MODULE} required unsecuredLoginStringClaim_sub="broker" unsecuredValidatorAllowableClockSkewMs="5000";`,
  };
}

/** The properties of security, which Apache's broker understands as well. */
export function securityProperties(brokerStore: string, caFile: string): Record<string, string> {
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    ...saslOf('SASL_PLAINTEXT'),
    ...saslOf('SASL_SSL'),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': brokerStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': caFile,
    'listener.name.ssl.ssl.client.auth': 'required',
  };
}

/** `properties` come last. */
export async function startSecureBroker(
  properties: Readonly<Record<string, string>> = {},
): Promise<SecureBroker> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-secure-'));
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const alice = await clientCertificate('alice');
  const caFile = write('ca.pem', AUTHORITY.certificate);
  const server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 500 });
  const zookeeperConnect = `127.0.0.1:${server.port}`;
  const config = brokerConfig(
    new Map(
      Object.entries({
        'broker.id': '1',
        listeners:
          'PLAINTEXT://localhost:0,SASL_PLAINTEXT://localhost:0,SSL://localhost:0,SASL_SSL://localhost:0',
        'log.dirs': join(directory, 'data'),
        'zookeeper.connect': zookeeperConnect,
        'offsets.topic.num.partitions': '1',
        'offsets.topic.replication.factor': '1',
        'group.initial.rebalance.delay.ms': '0',
        ...securityProperties(write('broker.pem', BROKER.key + BROKER.certificate), caFile),
        ...properties,
      }),
    ),
  );
  const coordinators = zookeeperSource({
    connect: zookeeperConnect,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    connectionTimeoutMs: SESSION_TIMEOUT_MS,
    maxInFlightRequests: 10,
  });
  const platform = systemPlatform({ write: () => {} });
  const broker = new Broker({ config, platform, coordinators, hostName: 'localhost' });
  await broker.start();
  return {
    directory,
    zookeeperConnect,
    caFile,
    client: {
      certificate: write('alice.crt', alice.certificate),
      key: write('alice.key', alice.key),
      store: write('alice.pem', alice.key + alice.certificate),
    },
    at: (listener) => `localhost:${broker.ports.get(listener)}`,
    clientProperties: (name, lines) =>
      write(
        name,
        Object.entries(lines)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      ),
    async close() {
      await broker.shutdown();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
