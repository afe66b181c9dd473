/**
 * Where Kafka spreads things by Java's hash of a text, made non-negative the way its Utils.abs does.
 */
import { javaStringHash } from '../coordinator-client/znodes/java-string-hash.ts';

/** The partition of `__consumer_offsets` or `__transaction_state` that owns `key`. */
export function partitionForKey(key: string, partitionCount: number): number {
  return javaAbs(javaStringHash(key)) % partitionCount;
}

/** Of a 32-bit integer: the smallest, whose amount there is no room for, becomes 0. */
export function javaAbs(value: number): number {
  return value === -(2 ** 31) ? 0 : Math.abs(value);
}
