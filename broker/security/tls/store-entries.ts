/** The entries of one of Java's key stores, by jks-js, which is loaded when one is first read: most brokers have none. */

export interface StoreToRead {
  /** In another thread a buffer arrives as a plain Uint8Array. */
  readonly store: Uint8Array;
  readonly password: string;
  readonly keyPassword: string;
}

/** A key with its certificates, or what is trusted. */
export interface StoreEntry {
  readonly key?: string;
  readonly cert?: string;
  readonly ca?: string;
}

/** Rejects with what jks-js says of a store that it can't read. */
export async function storeEntries({
  store,
  password,
  keyPassword,
}: StoreToRead): Promise<readonly StoreEntry[]> {
  const { toPem } = await import('jks-js');
  return Object.values(toPem(Buffer.from(store), password, keyPassword));
}
