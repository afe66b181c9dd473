/**
 * Java's key stores, JKS and PKCS#12, by jks-js, which is loaded when one is first read: most brokers have
 * none. The key store of a PKCS#12 file is left to OpenSSL; what only trusts has no key, and it takes none
 * without. A key in a JKS store is under a password of its own, which is the store's unless said otherwise.
 * Source: KeyStore formats of Java (sun.security.provider.JavaKeyStore), RFC 7292.
 */
import type { TlsIdentity } from '../../platform/tls.ts';

/** Answers are texts where the store can't be read: what is wrong with it. */
export interface JavaStores {
  key(store: Buffer, password: string, keyPassword: string): Promise<TlsIdentity | string>;
  trusted(store: Buffer, password: string): Promise<readonly string[] | string>;
}

/** The first bytes of a JKS file. */
const JKS_MAGIC = 0xfeedfeed;

/** What jks-js makes of an entry: a key with its certificates, or what is trusted. */
interface Entry {
  readonly key?: string;
  readonly cert?: string;
  readonly ca?: string;
}

export const javaStores: JavaStores = {
  async key(store, password, keyPassword) {
    if (!isJks(store)) return { kind: 'pkcs12', store, passphrase: password };
    const entries = await entriesOf(store, password, keyPassword);
    if (typeof entries === 'string') return entries;
    const found = entries.find(({ key, cert }) => key !== undefined && cert !== undefined);
    if (found?.key === undefined || found.cert === undefined) return 'there is no private key in it';
    return { kind: 'pem', key: found.key, certificates: found.cert, passphrase: null };
  },

  async trusted(store, password) {
    const entries = await entriesOf(store, password, password);
    if (typeof entries === 'string') return entries;
    const found = entries.flatMap(({ ca, cert }) => ca ?? cert ?? []);
    return found.length === 0 ? 'there is no certificate in it' : found;
  },
};

function isJks(store: Buffer): boolean {
  return store.length >= 4 && store.readUInt32BE(0) === JKS_MAGIC;
}

async function entriesOf(store: Buffer, password: string, keyPassword: string): Promise<Entry[] | string> {
  const { toPem } = await import('jks-js');
  try {
    return Object.values(toPem(store, password, keyPassword)) as Entry[];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `it is no JKS or PKCS#12 store of this password (${reason})`;
  }
}
