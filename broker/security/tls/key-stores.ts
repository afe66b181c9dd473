/**
 * Key stores and trust stores as Kafka's configs name them: PEM (in files or in the config itself), PKCS#12,
 * and Java's own JKS. What a file is shows in its first bytes, as in Java, where either of the last two is
 * read under both names.
 * Source: DefaultSslEngineFactory of Kafka; KIP-651.
 */
import { ConfigError } from '../../config/property.ts';
import type { Disk } from '../../platform/disk.ts';
import type { TlsIdentity } from '../../platform/tls.ts';
import { derivationProblem } from './derivation-cost.ts';
import type { JavaStores } from './java-stores.ts';

/** What stores are read with. */
export interface StoreReader {
  readonly disk: Pick<Disk, 'readFile'>;
  readonly javaStores: JavaStores;
}

/** The configs of a key store, with their names in front: `listener.name.x.ssl.`. */
interface KeyStoreConfigs {
  readonly prefix: string;
  readonly type: string;
  readonly location: string | null;
  readonly password: string | null;
  readonly keyPassword: string | null;
  readonly key: string | null;
  readonly certificateChain: string | null;
}

interface TrustStoreConfigs {
  readonly prefix: string;
  readonly type: string;
  readonly location: string | null;
  readonly password: string | null;
  readonly certificates: string | null;
}

const STORE_TYPES = ['JKS', 'PKCS12', 'PEM'];
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^-]+-----END \1-----/;
const ENCRYPTED = 'ENCRYPTED PRIVATE KEY';
/** Of any kind of store: Java's whole list of authorities is a hundredth of it. */
const MOST_STORE_BYTES = 16 * 1024 * 1024;

/** What an end shows; null: nothing is configured. Throws ConfigError. */
export async function identityOf(configs: KeyStoreConfigs, reader: StoreReader): Promise<TlsIdentity | null> {
  const { prefix, location, key, certificateChain } = configs;
  checkType(`${prefix}keystore.type`, configs.type);
  if (configs.type.toUpperCase() === 'PEM') return pemIdentity(configs, reader);
  if (key !== null || certificateChain !== null) {
    throw new ConfigError(
      `${prefix}keystore.key and ${prefix}keystore.certificate.chain need ${prefix}keystore.type=PEM`,
    );
  }
  if (location === null) return null;
  const password = needed(configs.password, `${prefix}keystore.password`);
  const store = readStore(`${prefix}keystore.location`, location, reader);
  const found = await reader.javaStores.key(store, password, configs.keyPassword ?? password);
  if (typeof found !== 'string') return found;
  throw new ConfigError(`Invalid value ${location} for configuration ${prefix}keystore.location: ${found}`);
}

/** The certificates that an end believes; null: nothing is configured. Throws ConfigError. */
export async function trustedBy(
  configs: TrustStoreConfigs,
  reader: StoreReader,
): Promise<readonly string[] | null> {
  const { prefix, type, location, password, certificates } = configs;
  checkType(`${prefix}truststore.type`, type);
  const isPem = type.toUpperCase() === 'PEM';
  if (certificates !== null) {
    if (!isPem) throw new ConfigError(`${prefix}truststore.certificates needs ${prefix}truststore.type=PEM`);
    return certificatesIn(`${prefix}truststore.certificates`, certificates);
  }
  if (location === null) return null;
  const key = `${prefix}truststore.location`;
  const store = readStore(key, location, reader);
  if (isPem) return certificatesIn(key, store.toString('latin1'));
  const found = await reader.javaStores.trusted(store, needed(password, `${prefix}truststore.password`));
  if (typeof found !== 'string') return found;
  throw new ConfigError(`Invalid value ${location} for configuration ${key}: ${found}`);
}

function pemIdentity(configs: KeyStoreConfigs, reader: StoreReader): TlsIdentity | null {
  const { prefix, location, key, certificateChain, password } = configs;
  if (password !== null) {
    throw new ConfigError(
      `${prefix}keystore.password: a PEM store has none; the key's is ${prefix}key.password`,
    );
  }
  if (location !== null) {
    if (key !== null || certificateChain !== null) {
      throw new ConfigError(
        `${prefix}keystore.location and ${prefix}keystore.key are both given: one of them is allowed`,
      );
    }
    const name = `${prefix}keystore.location`;
    const text = readStore(name, location, reader).toString('latin1');
    return pairOf({ keyConfig: name, keyText: text, chainConfig: name, chainText: text }, configs);
  }
  if (key === null && certificateChain === null) return null;
  const keyConfig = `${prefix}keystore.key`;
  const chainConfig = `${prefix}keystore.certificate.chain`;
  const keyText = needed(key, keyConfig);
  return pairOf(
    { keyConfig, keyText, chainConfig, chainText: needed(certificateChain, chainConfig) },
    configs,
  );
}

function pairOf(
  texts: {
    readonly keyConfig: string;
    readonly keyText: string;
    readonly chainConfig: string;
    readonly chainText: string;
  },
  { prefix, keyPassword }: KeyStoreConfigs,
): TlsIdentity {
  const key = PRIVATE_KEY.exec(texts.keyText);
  if (key === null) throw new ConfigError(`${texts.keyConfig}: no private key in PEM was found`);
  if (key[1] === ENCRYPTED) {
    needed(keyPassword, `${prefix}key.password`);
    const problem = derivationProblem(Buffer.from(key[0].replaceAll(/-----[^-]+-----/g, ''), 'base64'));
    if (problem !== null)
      throw new ConfigError(`${texts.keyConfig}: the private key can't be opened: ${problem}`);
  }
  const certificates = certificatesIn(texts.chainConfig, texts.chainText).join('\n');
  return { kind: 'pem', key: key[0], certificates, passphrase: keyPassword };
}

function certificatesIn(config: string, text: string): readonly string[] {
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new ConfigError(`${config}: no certificate in PEM was found`);
  return found;
}

function checkType(config: string, type: string): void {
  if (STORE_TYPES.includes(type.toUpperCase())) return;
  throw new ConfigError(
    `Invalid value ${type} for configuration ${config}: allowed are ${STORE_TYPES.join(', ')}`,
  );
}

function needed(value: string | null, config: string): string {
  if (value === null) throw new ConfigError(`Missing required configuration ${config}`);
  return value;
}

function readStore(config: string, location: string, { disk }: StoreReader): Buffer {
  let bytes: Buffer;
  try {
    bytes = disk.readFile(location);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`Invalid value ${location} for configuration ${config}: ${reason}`);
  }
  if (bytes.length <= MOST_STORE_BYTES) return bytes;
  throw new ConfigError(
    `Invalid value ${location} for configuration ${config}: it has ${bytes.length} bytes; at most ${MOST_STORE_BYTES} are read`,
  );
}
