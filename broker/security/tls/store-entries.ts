/**
 * What is read in one of Java's key stores: its entries, by jks-js, which is loaded when one is first read, as most
 * brokers have none; or only whether it may be opened.
 */
import { nestedProblem } from './derivation-cost.ts';

export interface StoreToRead {
  /** In another thread a buffer arrives as a plain Uint8Array. */
  readonly store: Uint8Array;
  readonly password: string;
  readonly keyPassword: string;
  /** Of PKCS#12: what it asks for is counted first, also where it is encrypted. */
  readonly isPkcs12: boolean;
  /** Others open it: there shall be no entries. */
  readonly isForOthers: boolean;
}

/** A key with its certificates, or what is trusted. */
export interface StoreEntry {
  readonly key?: string;
  readonly cert?: string;
  readonly ca?: string;
}

/** A text: why the store is not opened. Rejects with what jks-js says of one that it can't read. */
export function storeEntries(asked: StoreToRead): Promise<readonly StoreEntry[] | string> {
  return storeEntriesWithin(asked, Number.POSITIVE_INFINITY);
}

/** Rejects also with TooManyHere, of what takes more iterations to look into (derivation-cost.ts). */
export async function storeEntriesWithin(
  asked: StoreToRead,
  mostIterations: number,
): Promise<readonly StoreEntry[] | string> {
  const { store, password, keyPassword, isPkcs12, isForOthers } = asked;
  // jks-js knows ciphers of old that OpenSSL does not open any more; in its thread it is ended when it takes too long.
  const passedOver = !isForOthers;
  const problem = isPkcs12
    ? nestedProblem(Buffer.from(store), password, { passedOver, mostIterations })
    : null;
  if (problem !== null) return problem;
  if (isForOthers) return [];
  const { toPem } = await import('jks-js');
  return Object.values(toPem(Buffer.from(store), password, keyPassword));
}
