/**
 * What a session with ZooKeeper needs besides addresses, made of Kafka's `zookeeper.` configs: the end of
 * TLS, the credentials, and the lists that new nodes get.
 * Source: KafkaServer.zkClientConfigFromKafkaConfig, ZkConfigs, JaasUtils.isZkSaslEnabled of Kafka 3.9;
 * ZooKeeper's X509Util and SecurityUtils.
 */
import type { Acl } from '../../../coordinator-client/tree/acl.ts';
import { securedAcl } from '../../../coordinator-client/znodes/znode-acls.ts';
import type { ZookeeperCredentials } from '../../../coordinator-client/zookeeper/login.ts';
import { ZOOKEEPER_CONFIGS } from '../../config/definitions/zookeeper.ts';
import { ConfigError, type ValuesOf, valuesOf } from '../../config/property.ts';
import type { TlsClientEnd } from '../../platform/tls.ts';
import { type JvmProperties, jaasSection } from '../jvm-options.ts';
import { type JaasEntry, JaasError, parseJaas } from '../sasl/jaas.ts';
import type { StoreReader } from '../tls/key-stores.ts';

type ZookeeperValues = ValuesOf<typeof ZOOKEEPER_CONFIGS>;

export interface ZookeeperAccess {
  readonly tls: TlsClientEnd | null;
  readonly credentials: ZookeeperCredentials | null;
  /** null: anyone may do anything with what we make. */
  readonly aclOf: ((path: string) => readonly Acl[]) | null;
  /** Whether ZooKeeper can tell who we are: without that nothing can be kept from others. */
  readonly isIdentified: boolean;
}

const NETTY = 'org.apache.zookeeper.ClientCnxnSocketNetty';
export const DIGEST_MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule';
/** Names of files whose type is not said. */
const TYPES: readonly (readonly [ending: string, type: string])[] = [
  ['.jks', 'JKS'],
  ['.pem', 'PEM'],
  ['.p12', 'PKCS12'],
  ['.pfx', 'PKCS12'],
];
/** What the JVM calls the configs that it may be given instead. */
const SYSTEM_PROPERTIES: Readonly<Record<string, string>> = {
  'zookeeper.ssl.client.enable': 'zookeeper.client.secure',
  'zookeeper.clientCnxnSocket': 'zookeeper.clientCnxnSocket',
  'zookeeper.ssl.keystore.location': 'zookeeper.ssl.keyStore.location',
  'zookeeper.ssl.keystore.password': 'zookeeper.ssl.keyStore.password',
  'zookeeper.ssl.keystore.type': 'zookeeper.ssl.keyStore.type',
  'zookeeper.ssl.truststore.location': 'zookeeper.ssl.trustStore.location',
  'zookeeper.ssl.truststore.password': 'zookeeper.ssl.trustStore.password',
  'zookeeper.ssl.truststore.type': 'zookeeper.ssl.trustStore.type',
  'zookeeper.ssl.protocol': 'zookeeper.ssl.protocol',
  'zookeeper.ssl.enabled.protocols': 'zookeeper.ssl.enabledProtocols',
  'zookeeper.ssl.cipher.suites': 'zookeeper.ssl.ciphersuites',
};
/** What a file of `--zk-tls-config-file` may say; other lines mean nothing, as with Kafka. */
export const TLS_CONFIGS: readonly string[] = [
  ...Object.keys(SYSTEM_PROPERTIES),
  'zookeeper.ssl.endpoint.identification.algorithm',
];

/** Throws ConfigError. `given`: the configs as texts. */
export async function zookeeperAccess(
  given: ReadonlyMap<string, string>,
  jvm: JvmProperties,
  reader: StoreReader,
): Promise<ZookeeperAccess> {
  const values = valuesOf(ZOOKEEPER_CONFIGS, new Map([...ofTheJvm(jvm), ...given]));
  const sasl = saslOf(values, jvm, reader);
  const digest = values.zookeeperDigestCredentials;
  if (digest !== null && !digest.includes(':')) {
    throw new ConfigError('zookeeper.digest.credentials must be user:password');
  }
  const tls = values.zookeeperSslClientEnable ? await tlsOf(values, reader) : null;
  const isIdentified = sasl !== null || digest !== null || (tls !== null && tls.identity !== null);
  if (values.zookeeperSetAcl && !isIdentified) throw unidentified();
  return {
    tls,
    credentials: sasl === null && digest === null ? null : { digest: digest === null ? [] : [digest], sasl },
    aclOf: values.zookeeperSetAcl ? securedAcl : null,
    isIdentified,
  };
}

function* ofTheJvm(jvm: JvmProperties): Iterable<[string, string]> {
  for (const [config, property] of Object.entries(SYSTEM_PROPERTIES)) {
    const value = jvm.get(property);
    if (value !== undefined) yield [config, value];
  }
  const verifies = jvm.get('zookeeper.ssl.hostnameVerification');
  if (verifies !== undefined) {
    yield ['zookeeper.ssl.endpoint.identification.algorithm', verifies === 'false' ? '' : 'HTTPS'];
  }
}

function unidentified(): ConfigError {
  return new ConfigError(
    'zookeeper.set.acl is true, but there is nobody to keep the nodes for: neither a certificate for TLS (zookeeper.ssl.client.enable, zookeeper.clientCnxnSocket, zookeeper.ssl.keystore.location) nor a login (section Client of the JAAS file in KAFKA_OPTS, zookeeper.sasl.jaas.config, zookeeper.digest.credentials)',
  );
}

function saslOf(
  values: ZookeeperValues,
  jvm: JvmProperties,
  { disk }: StoreReader,
): ZookeeperCredentials['sasl'] {
  const own = values.zookeeperSaslJaasConfig;
  if (own !== null) return credentialsOf(ownEntry(own), 'zookeeper.sasl.jaas.config');
  if (jvm.get('zookeeper.sasl.client')?.trim().toLowerCase() === 'false') return null;
  const section = jvm.get('zookeeper.sasl.clientconfig') ?? 'Client';
  const entry = jaasSection(jvm, section, disk);
  return entry === null ? null : credentialsOf(entry, `section ${section} of the JAAS file`);
}

function ownEntry(text: string): JaasEntry {
  try {
    return parseJaas(text);
  } catch (error) {
    if (!(error instanceof JaasError)) throw error;
    throw new ConfigError(`zookeeper.sasl.jaas.config: ${error.message}`);
  }
}

function credentialsOf({ loginModule, options }: JaasEntry, where: string): ZookeeperCredentials['sasl'] {
  if (loginModule !== DIGEST_MODULE) {
    throw new ConfigError(`${where}: login module ${loginModule} is not supported; ${DIGEST_MODULE} is`);
  }
  const user = options.get('username');
  const password = options.get('password');
  if (user === undefined || password === undefined) {
    throw new ConfigError(`${where} has no username="…" password="…"`);
  }
  return { user, password };
}

async function tlsOf(values: ZookeeperValues, reader: StoreReader): Promise<TlsClientEnd> {
  const socket = values.zookeeperClientCnxnSocket;
  if (socket?.trim() !== NETTY) {
    throw new ConfigError(
      `Invalid value ${socket} for configuration zookeeper.clientCnxnSocket: with zookeeper.ssl.client.enable=true it must be ${NETTY}`,
    );
  }
  const protocol = values.zookeeperSslProtocol;
  const enabled = (values.zookeeperSslEnabledProtocols ?? []).filter((version) => version !== '');
  const keystoreType = storeType(
    'zookeeper.ssl.keystore.type',
    values.zookeeperSslKeystoreType,
    values.zookeeperSslKeystoreLocation,
  );
  const isPem = keystoreType === 'PEM';
  const password = values.zookeeperSslKeystorePassword;
  // What only some brokers have is loaded for them.
  const { clientEnd } = await import('../tls/tls-configs.ts');
  return clientEnd(
    {
      sslProtocol: protocol,
      sslEnabledProtocols:
        enabled.length > 0 ? enabled : protocol === 'TLS' ? ['TLSv1.2', 'TLSv1.3'] : [protocol],
      sslCipherSuites: values.zookeeperSslCipherSuites ?? [],
      sslKeystoreType: keystoreType,
      sslKeystoreLocation: values.zookeeperSslKeystoreLocation,
      sslKeystorePassword: isPem ? null : password,
      sslKeyPassword: password === '' ? null : password,
      sslKeystoreKey: null,
      sslKeystoreCertificateChain: null,
      sslTruststoreType: storeType(
        'zookeeper.ssl.truststore.type',
        values.zookeeperSslTruststoreType,
        values.zookeeperSslTruststoreLocation,
      ),
      sslTruststoreLocation: values.zookeeperSslTruststoreLocation,
      sslTruststorePassword: values.zookeeperSslTruststorePassword,
      sslTruststoreCertificates: null,
      sslEndpointIdentificationAlgorithm: values.zookeeperSslEndpointIdentificationAlgorithm,
    },
    'zookeeper.',
    reader,
  );
}

/** The type of a store as it is said, or by the ending of the file's name. Throws ConfigError. */
export function storeType(config: string, said: string | null, location: string | null): string {
  if (said !== null && said !== '') return said.trim().toUpperCase();
  if (location === null) return 'JKS';
  const known = TYPES.find(([ending]) => location.toLowerCase().endsWith(ending));
  if (known !== undefined) return known[1];
  throw new ConfigError(
    `Missing required configuration ${config}: the name of ${location} does not tell it (${TYPES.map(([ending]) => ending).join(', ')} do)`,
  );
}
