/**
 * Which partition of an internal topic a key belongs to: Java's String.hashCode over UTF-16 code units,
 * made non-negative the way Kafka's Utils.abs does (the smallest integer becomes 0).
 */
export function javaHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

/** The partition of `__consumer_offsets` or `__transaction_state` that owns `key`. */
export function partitionForKey(key: string, partitionCount: number): number {
  const hash = javaHash(key);
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount;
}
