/**
 * Java's key stores, JKS and PKCS#12, by jks-js, in a thread of its own: it derives keys by JavaScript, which takes a
 * tenth of a second for what keytool writes. The key store of a PKCS#12 file is left to OpenSSL; what only trusts has
 * no key, and it takes none without. A key in a JKS store is under a password of its own, which is the store's unless
 * said otherwise.
 * Source: KeyStore formats of Java (sun.security.provider.JavaKeyStore), RFC 7292.
 */
import { BeyondLimits, inThread } from '../../platform/one-off-thread.ts';
import type { TlsIdentity } from '../../platform/tls.ts';
import { derivationProblem, TooManyHere } from './derivation-cost.ts';
import { type StoreEntry, type StoreToRead, storeEntriesWithin } from './store-entries.ts';

/** Answers are texts where the store can't be read: what is wrong with it. */
export interface JavaStores {
  key(store: Buffer, password: string, keyPassword: string): Promise<TlsIdentity | string>;
  trusted(store: Buffer, password: string): Promise<readonly string[] | string>;
}

/** The first bytes of a JKS file. */
const JKS_MAGIC = [0xfe, 0xed, 0xfe, 0xed];

/** Without keys to be derived it takes some milliseconds. */
const MOST_IN_PLACE_BYTES = 64 * 1024;
/** What keytool writes, for the certificates; some tens of milliseconds where the cipher is an old one. */
const MOST_IN_PLACE_ITERATIONS = 10_000;
/** Beyond that a store is given up: damaged ones can have jks-js copy the same bytes without end. */
const LIMITS = { timeMs: 60_000, heapMb: 256 };
const THREAD = import.meta.url.endsWith('.ts') ? './store-thread.ts' : './store-thread.js';

type ReadStore = (asked: StoreToRead) => Promise<readonly StoreEntry[] | string>;

export const javaStores: JavaStores = javaStoresBy((asked) =>
  inThread(new URL(THREAD, import.meta.url), asked, LIMITS),
);

/**
 * Long stores of Java's own, and all that derive many keys, are read by `elsewhere`. What encrypted parts ask for
 * within them shows on the way only: it is begun anew there.
 */
function inPlaceOr(elsewhere: ReadStore): ReadStore {
  return async (asked) => {
    if (!mayBeReadSoon(asked)) return elsewhere(asked);
    try {
      return await storeEntriesWithin(asked, MOST_IN_PLACE_ITERATIONS);
    } catch (error) {
      if (error instanceof TooManyHere) return elsewhere(asked);
      throw error;
    }
  };
}

function mayBeReadSoon({ store, isPkcs12, isForOthers }: StoreToRead): boolean {
  return store.length <= MOST_IN_PLACE_BYTES && (!isPkcs12 || isForOthers);
}

/** `elsewhere` reads what takes long; it rejects with why a store can't be read. */
export function javaStoresBy(elsewhere: ReadStore): JavaStores {
  const read = inPlaceOr(elsewhere);
  return {
    async key(store, password, keyPassword) {
      const isPkcs12 = !isJks(store);
      const asked = { store, password, keyPassword, isPkcs12, isForOthers: isPkcs12 };
      const entries = await entriesOf(read, asked);
      if (typeof entries === 'string') return entries;
      if (isPkcs12) return { kind: 'pkcs12', store, passphrase: password };
      const found = entries.find(({ key, cert }) => key !== undefined && cert !== undefined);
      if (found?.key === undefined || found.cert === undefined) return 'there is no private key in it';
      return { kind: 'pem', key: found.key, certificates: found.cert, passphrase: null };
    },

    async trusted(store, password) {
      const asked = { store, password, keyPassword: password, isPkcs12: !isJks(store), isForOthers: false };
      const entries = await entriesOf(read, asked);
      if (typeof entries === 'string') return entries;
      const found = entries.flatMap(({ ca, cert }) => ca ?? cert ?? []);
      return found.length === 0 ? 'there is no certificate in it' : found;
    },
  };
}

function isJks(store: Uint8Array): boolean {
  return JKS_MAGIC.every((byte, at) => store[at] === byte);
}

async function entriesOf(
  read: ReadStore,
  asked: StoreToRead & { readonly store: Buffer },
): Promise<readonly StoreEntry[] | string> {
  const problem = asked.isPkcs12 ? derivationProblem(asked.store) : null;
  if (problem !== null) return problem;
  try {
    return await read(asked);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof BeyondLimits) return `it can't be read: ${reason}`;
    return `it is no JKS or PKCS#12 store of this password (${reason})`;
  }
}
