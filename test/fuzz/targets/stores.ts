/**
 * Key stores and trust stores in every form that configs may name: what can't be used is refused by the config's
 * name, and what is taken OpenSSL can use.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ConfigError } from '../../../broker/config/property.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { javaStoresBy } from '../../../broker/security/tls/java-stores.ts';
import { storeEntries } from '../../../broker/security/tls/store-entries.ts';
import { serverEnd } from '../../../broker/security/tls/tls-configs.ts';
import { AUTHORITY, BROKER } from '../../unit/platform/tls-ends.ts';
import type { FuzzTarget, Verdict } from '../fuzz.ts';
import { mutated, oneOf } from '../mutate.ts';

const STORES = join(import.meta.dirname, '../../unit/security/stores');
const PASSWORD = 'changeit';
/** A thread for each would be most of the work. */
const javaStores = javaStoresBy(storeEntries);
const PEM_WORDS = [
  ...[
    '-----BEGIN CERTIFICATE-----',
    '-----END CERTIFICATE-----',
    '-----BEGIN PRIVATE KEY-----',
    '\n',
    '-',
    '=',
  ],
  ...[
    '-----BEGIN ENCRYPTED PRIVATE KEY-----',
    '-----BEGIN EC PRIVATE KEY-----',
    'Proc-Type: 4,ENCRYPTED',
    ' ',
  ],
];

type Configs = Readonly<Record<string, string>>;

/** Inline in the config, and as a file. */
export const pemStores: FuzzTarget = {
  name: 'pem-stores',
  about: 'keys and certificates in PEM',
  share: 30,
  async prepare() {
    const encrypted = createPrivateKey(BROKER.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD })
      .toString();
    const [plain, secret] = [BROKER.key, encrypted].map((key) => Buffer.from(`${key}${BROKER.certificate}`));
    return async (random) => {
      const store = random.int(4) === 0 ? secret : plain;
      const bytes = mutated(random, store ?? Buffer.alloc(0), PEM_WORDS);
      const text = bytes.toString('latin1');
      const inline = { 'ssl.keystore.key': text, 'ssl.keystore.certificate.chain': text };
      return madeOf(
        {
          ...(random.int(2) === 0 ? inline : { 'ssl.keystore.location': '/store' }),
          'ssl.keystore.type': 'PEM',
          'ssl.key.password': PASSWORD,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.certificates': random.int(2) === 0 ? text : AUTHORITY.certificate,
          'ssl.client.auth': 'required',
        },
        bytes,
      );
    };
  },
};

/** Reading one takes milliseconds: there are few. */
export const javaStoreFiles: FuzzTarget = {
  name: 'java-stores',
  about: 'files of JKS and PKCS#12, with keys and with what is trusted',
  share: 10,
  async prepare() {
    const [keys, trusted] = [
      ['key.jks', 'key.p12'],
      ['trust.jks', 'trust.p12'],
    ].map((names) => names.map((name) => readFileSync(join(STORES, name))));
    return (random) =>
      random.int(2) === 0 ? keyStore(random, keys ?? []) : trustStore(random, trusted ?? []);
  },
};

function keyStore(random: Random, stores: readonly Buffer[]): Promise<Verdict> {
  const configs = {
    'ssl.keystore.type': 'JKS',
    'ssl.keystore.location': '/store',
    'ssl.keystore.password': PASSWORD,
    'ssl.key.password': 'keysecret',
  };
  return madeOf(configs, mutated(random, oneOf(random, stores)));
}

function trustStore(random: Random, stores: readonly Buffer[]): Promise<Verdict> {
  const configs = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': BROKER.key,
    'ssl.keystore.certificate.chain': BROKER.certificate,
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.location': '/store',
    'ssl.truststore.password': PASSWORD,
  };
  return madeOf(configs, mutated(random, oneOf(random, stores)));
}

async function madeOf(configs: Configs, store: Buffer): Promise<Verdict> {
  const texts = new Map(Object.entries(configs).map(([name, text]) => [`listener.name.x.${name}`, text]));
  const { values, prefix } = new ListenerConfig(texts, 'X');
  try {
    await serverEnd(values, prefix, { disk: { readFile: () => store }, javaStores });
    return 'taken';
  } catch (error) {
    if (error instanceof ConfigError) return 'refused';
    throw error;
  }
}
