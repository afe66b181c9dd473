/**
 * ZooKeeper's configuration file for `odradek zookeeper --config`: which ports, whom the server shows itself
 * as, who may log in. A line that changes nothing here is said; what would be dangerous to leave out is refused.
 * Source: QuorumPeerConfig, X509Util, ServerCnxnFactory.configureSaslLogin of ZooKeeper 3.9.
 */
import { readFileSync } from 'node:fs';
import { parseProperties } from '../../broker/config/java-properties.ts';
import { ConfigError } from '../../broker/config/property.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { secureContext } from '../../broker/platform/tls-sockets.ts';
import { type JvmProperties, jaasSection } from '../../broker/security/jvm-options.ts';
import { subjectName } from '../../broker/security/tls/certificate-name.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';
import { serverEnd } from '../../broker/security/tls/tls-configs.ts';
import { DIGEST_MODULE, storeType } from '../../broker/security/zookeeper/zookeeper-access.ts';
import type { EmbeddedServerOptions, SecureOptions } from '../../coordinator-client/embedded/options.ts';
import { UsageError } from './arguments.ts';

export type FromFile = Partial<Omit<EmbeddedServerOptions, 'log' | 'failed'>>;

const SASL_PROVIDER = 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider';
const PROVIDERS = [SASL_PROVIDER, 'org.apache.zookeeper.server.auth.X509AuthenticationProvider'];
const CLIENT_AUTH: Readonly<Record<string, 'none' | 'requested' | 'required'>> = {
  none: 'none',
  want: 'requested',
  need: 'required',
};
const USER = /^user_(.+)$/;
const LOOPBACK = '127.0.0.1';

/** Keys that belong to an ensemble, to other logins or to revocation: here they would be a promise not kept. */
const REFUSED =
  /^(?:server\.\d+|dynamicConfigFile|quorum\.auth\..*|sslQuorum|ssl\.(?:crl|ocsp)|enforce\.auth\..*)$/;

/** Throws UsageError. `say`: what has no effect. */
export async function zooCfg(
  file: string,
  jvm: JvmProperties,
  say: (line: string) => void,
): Promise<FromFile> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--config ${file}: ${error instanceof Error ? error.message : error}`);
  }
  const keys = new Keys(parseProperties(text));
  try {
    const options = { ...plainOptions(keys), ...loginOptions(keys, jvm), secure: await secureOptions(keys) };
    if (options.port === null && options.secure === null) {
      throw new ConfigError('clientPort or secureClientPort is required');
    }
    for (const key of keys.unread()) {
      if (REFUSED.test(key)) throw new ConfigError(`${key} is not supported: this is a server of its own`);
      say(`${key} has no effect here`);
    }
    return options;
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(`--config ${file}: ${error.message}`);
    throw error;
  }
}

function plainOptions(keys: Keys): FromFile & { readonly port: number | null } {
  const dataDir = keys.text('dataDir');
  const options: [keyof FromFile, number | null][] = [
    ['tickMs', keys.integer('tickTime', 10)],
    ['minSessionTimeoutMs', keys.integer('minSessionTimeout', 1)],
    ['maxSessionTimeoutMs', keys.integer('maxSessionTimeout', 1)],
    ['maxConnectionsPerAddress', keys.integer('maxClientCnxns', 0)],
    ['snapshotTransactions', keys.integer('snapCount', 2)],
    ['snapshotsKept', keys.integer('autopurge.snapRetainCount', 3)],
  ];
  return {
    port: keys.integer('clientPort', 0),
    host: keys.text('clientPortAddress') ?? LOOPBACK,
    ...(dataDir === null ? {} : { dataDir }),
    ...Object.fromEntries(options.filter(([, value]) => value !== null)),
  };
}

function loginOptions(keys: Keys, jvm: JvmProperties): FromFile {
  const providers = keys.startingWith('authProvider.');
  for (const [key, provider] of providers) {
    if (!PROVIDERS.includes(provider))
      throw new ConfigError(`${key}=${provider}: allowed are ${PROVIDERS.join(', ')}`);
  }
  const section = jvm.get('zookeeper.sasl.serverconfig') ?? 'Server';
  const entry = jaasSection(jvm, section, nodeDisk);
  const users = [...(entry?.options ?? [])].flatMap(([name, password]) => {
    const user = USER.exec(name)?.[1];
    return user === undefined ? [] : [[user, password] as const];
  });
  if (entry !== null && entry.loginModule !== DIGEST_MODULE) {
    throw new ConfigError(`section ${section} of the JAAS file: only ${DIGEST_MODULE} is supported`);
  }
  const required =
    keys.text('sessionRequireClientSASLAuth') === 'true' || keys.text('requireClientAuthScheme') === 'sasl';
  const isAsked = required || providers.some(([, provider]) => provider === SASL_PROVIDER);
  if (isAsked && entry === null) {
    throw new ConfigError(
      `logins by SASL need the section ${section} of a JAAS file: SERVER_JVMFLAGS=-Djava.security.auth.login.config=FILE`,
    );
  }
  const superDigest = keys.text('DigestAuthenticationProvider.superDigest');
  return {
    saslUsers: entry === null ? null : new Map(users),
    requireSasl: required,
    ...(superDigest === null ? {} : { superDigest }),
  };
}

async function secureOptions(keys: Keys): Promise<SecureOptions | null> {
  const port = keys.integer('secureClientPort', 0);
  if (port === null) return null;
  const clientAuth = CLIENT_AUTH[keys.text('ssl.clientAuth') ?? 'need'];
  if (clientAuth === undefined) throw new ConfigError('ssl.clientAuth takes none, want or need');
  const host = keys.text('secureClientPortAddress') ?? LOOPBACK;
  const keystoreLocation = keys.text('ssl.keyStore.location');
  const keystoreType = storeType('ssl.keyStore.type', keys.text('ssl.keyStore.type'), keystoreLocation);
  const keystorePassword = keys.text('ssl.keyStore.password');
  const truststoreLocation = keys.text('ssl.trustStore.location');
  const versions = keys.list('ssl.enabledProtocols') ?? keys.list('ssl.protocol');
  const end = await serverEnd(
    {
      sslProtocol: 'TLS',
      sslEnabledProtocols: versions ?? ['TLSv1.2', 'TLSv1.3'],
      sslCipherSuites: keys.list('ssl.ciphersuites') ?? [],
      sslKeystoreType: keystoreType,
      sslKeystoreLocation: keystoreLocation,
      sslKeystorePassword: keystoreType === 'PEM' ? null : keystorePassword,
      sslKeyPassword: keystorePassword,
      sslKeystoreKey: null,
      sslKeystoreCertificateChain: null,
      sslTruststoreType: storeType(
        'ssl.trustStore.type',
        keys.text('ssl.trustStore.type'),
        truststoreLocation,
      ),
      sslTruststoreLocation: truststoreLocation,
      sslTruststorePassword: keys.text('ssl.trustStore.password'),
      sslTruststoreCertificates: null,
      sslEndpointIdentificationAlgorithm: '',
      sslClientAuth: clientAuth,
    },
    '',
    { disk: nodeDisk, javaStores },
  );
  return { host, port, tls: secureContext(end), clientAuth, nameOf: subjectName };
}

/** The lines of the file, and which of them somebody has read. */
class Keys {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #read = new Set<string>();

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
  }

  text(key: string): string | null {
    this.#read.add(key);
    const text = this.#texts.get(key)?.trim() ?? '';
    return text === '' ? null : text;
  }

  list(key: string): string[] | null {
    return (
      this.text(key)
        ?.split(',')
        .map((one) => one.trim()) ?? null
    );
  }

  integer(key: string, least: number): number | null {
    const text = this.text(key);
    if (text === null) return null;
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new ConfigError(`${key} takes a whole number from ${least}, not '${text}'`);
  }

  startingWith(start: string): readonly (readonly [key: string, text: string])[] {
    const keys = [...this.#texts.keys()].filter((key) => key.startsWith(start));
    return keys.map((key) => [key, this.text(key) ?? ''] as const);
  }

  unread(): readonly string[] {
    return [...this.#texts.keys()].filter((key) => !this.#read.has(key));
  }
}
