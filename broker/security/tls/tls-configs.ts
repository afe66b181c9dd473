/**
 * The ends of TLS as Kafka's configs describe them, for a listener and for a client. All is read and tried
 * out here, so that what can't be used is refused when it is configured and not by the first handshake.
 * Source: SslConfigs, DefaultSslEngineFactory of Kafka.
 */
import { ConfigError } from '../../config/property.ts';
import type { TlsClientEnd, TlsServerEnd } from '../../platform/tls.ts';
import { knownCiphers, tlsProblem } from '../../platform/tls-sockets.ts';
import { opensslCipher } from './cipher-names.ts';
import { identityOf, type StoreReader, trustedBy } from './key-stores.ts';

/** The values of the `ssl.` configs, of a listener (config/listener-config.ts) or of a client. */
interface SslValues {
  readonly sslProtocol: string;
  readonly sslEnabledProtocols: readonly string[];
  readonly sslCipherSuites: readonly string[];
  readonly sslKeystoreType: string;
  readonly sslKeystoreLocation: string | null;
  readonly sslKeystorePassword: string | null;
  readonly sslKeyPassword: string | null;
  readonly sslKeystoreKey: string | null;
  readonly sslKeystoreCertificateChain: string | null;
  readonly sslTruststoreType: string;
  readonly sslTruststoreLocation: string | null;
  readonly sslTruststorePassword: string | null;
  readonly sslTruststoreCertificates: string | null;
  readonly sslEndpointIdentificationAlgorithm: string;
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
/** What ssl.protocol may be besides; Java makes of it what is enabled. */
const ANY_VERSION = 'TLS';

/** `prefix`: `listener.name.x.`. Throws ConfigError. */
export async function serverEnd(
  values: SslValues & { readonly sslClientAuth: string },
  prefix: string,
  reader: StoreReader,
): Promise<TlsServerEnd> {
  const end = { ...(await commonOf(values, prefix, reader)), clientAuth: clientAuthOf(values.sslClientAuth) };
  if (end.identity === null) {
    throw new ConfigError(
      `Missing required configuration ${prefix}ssl.keystore.location (or ssl.keystore.key and ssl.keystore.certificate.chain with ssl.keystore.type=PEM): a listener with TLS shows a certificate`,
    );
  }
  if (end.clientAuth !== 'none' && end.trusted === null) {
    throw new ConfigError(
      `Missing required configuration ${prefix}ssl.truststore.location (or ssl.truststore.certificates): ssl.client.auth is ${end.clientAuth}`,
    );
  }
  return tried(end, prefix);
}

/** Throws ConfigError. */
export async function clientEnd(
  values: SslValues,
  prefix: string,
  reader: StoreReader,
): Promise<TlsClientEnd> {
  const algorithm = values.sslEndpointIdentificationAlgorithm.trim().toLowerCase();
  if (algorithm !== '' && algorithm !== 'https') {
    throw new ConfigError(
      `Invalid value ${algorithm} for configuration ${prefix}ssl.endpoint.identification.algorithm: allowed are https and nothing`,
    );
  }
  return tried({ ...(await commonOf(values, prefix, reader)), verifiesHost: algorithm === 'https' }, prefix);
}

async function commonOf(values: SslValues, prefix: string, reader: StoreReader) {
  const ssl = `${prefix}ssl.`;
  const identity = await identityOf(
    {
      prefix: ssl,
      type: values.sslKeystoreType,
      location: values.sslKeystoreLocation,
      password: values.sslKeystorePassword,
      keyPassword: values.sslKeyPassword,
      key: values.sslKeystoreKey,
      certificateChain: values.sslKeystoreCertificateChain,
    },
    reader,
  );
  const trusted = await trustedBy(
    {
      prefix: ssl,
      type: values.sslTruststoreType,
      location: values.sslTruststoreLocation,
      password: values.sslTruststorePassword,
      certificates: values.sslTruststoreCertificates,
    },
    reader,
  );
  return { identity, trusted, ...versionsOf(values, ssl), ciphers: ciphersOf(values, ssl) };
}

function versionsOf(values: SslValues, ssl: string) {
  const protocol = values.sslProtocol;
  const wanted = values.sslEnabledProtocols;
  if (protocol !== ANY_VERSION && !isVersion(protocol)) {
    throw notAVersion(`${ssl}protocol`, protocol, [ANY_VERSION, ...VERSIONS]);
  }
  for (const version of wanted) {
    if (!isVersion(version)) throw notAVersion(`${ssl}enabled.protocols`, version, VERSIONS);
  }
  const enabled = VERSIONS.filter((version) => wanted.includes(version));
  const [minVersion] = enabled;
  const maxVersion = enabled.at(-1);
  if (minVersion !== undefined && maxVersion !== undefined) return { minVersion, maxVersion };
  throw notAVersion(`${ssl}enabled.protocols`, '', VERSIONS);
}

function isVersion(text: string): boolean {
  return VERSIONS.some((version) => version === text);
}

function notAVersion(config: string, value: string, allowed: readonly string[]): ConfigError {
  return new ConfigError(
    `Invalid value ${value} for configuration ${config}: allowed are ${allowed.join(', ')}`,
  );
}

function ciphersOf(values: SslValues, ssl: string): readonly string[] | null {
  const names = values.sslCipherSuites.filter((name) => name !== '');
  if (names.length === 0) return null;
  const known = knownCiphers();
  return names.map((name) => {
    const cipher = opensslCipher(name);
    if (known.has(cipher.toLowerCase())) return cipher;
    throw new ConfigError(
      `Invalid value ${name} for configuration ${ssl}cipher.suites: no such suite is known here, neither by Java's name nor by OpenSSL's`,
    );
  });
}

function clientAuthOf(text: string): TlsServerEnd['clientAuth'] {
  return text === 'required' || text === 'requested' ? text : 'none';
}

function tried<End extends TlsServerEnd | TlsClientEnd>(end: End, prefix: string): End {
  const problem = tlsProblem(end);
  if (problem === null) return end;
  throw new ConfigError(
    `The key store or trust store of ${prefix}ssl. can't be used: ${problem}; is a password wrong, or does the key not belong to the certificate?`,
  );
}
