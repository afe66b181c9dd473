/**
 * Where Kafka spreads things by Java's hash: String.hashCode over UTF-16 code units, made non-negative the way
 * Utils.abs does. (coordinator-client has its own, as it imports nothing of the broker.)
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
  return javaAbs(javaHash(key)) % partitionCount;
}

/** Of a 32-bit integer: the smallest, whose amount there is no room for, becomes 0. */
export function javaAbs(value: number): number {
  return value === -(2 ** 31) ? 0 : Math.abs(value);
}
