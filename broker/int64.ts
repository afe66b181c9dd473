/**
 * Kafka's 64-bit integers in a language whose numbers are exact up to 2^53 only. What this cluster counts
 * itself (offsets of its logs, epochs, sizes) never gets that far and is a plain `number`. What a client
 * chooses may be anything, such as a timestamp in nanoseconds or a committed offset of 2^62. Either it
 * is kept or given back, then it is an {@link Int64} and exact; or it is only compared with what is ours,
 * then the nearest safe integer compares the same, and it is a `number` as well.
 * Source: Java's long, whose sums and differences wrap around.
 */

/**
 * An exact int64: a number as far as numbers are exact (±(2^53 - 1)), a bigint beyond. Each value has
 * one form only, so `===` and keys of maps do what they should, and `<` and `>` compare both forms
 * exactly. Sums and differences of the two don't compile: they are {@link int64Sum} and
 * {@link int64Difference}.
 */
export type Int64 = number | bigint;

/** `Long.MAX_VALUE`, which in configs says "never". */
export const MAX_INT64: Int64 = 0x7fff_ffff_ffff_ffffn;

const TWO_POW_32 = 0x1_0000_0000;

/** The int64 of these low 64 bits, in its one form. */
export function toInt64(value: bigint): Int64 {
  const wrapped = BigInt.asIntN(64, value);
  const rounded = Number(wrapped);
  return Number.isSafeInteger(rounded) ? rounded : wrapped;
}

/** The nearest safe integer. */
export function toSafeInteger(value: Int64): number {
  return Math.min(Math.max(Number(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** `a + b`, around the end of the int64s as in Java. */
export function int64Sum(a: Int64, b: Int64): Int64 {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toInt64(BigInt(a) + BigInt(b));
}

/** `a - b`, around the end of the int64s as in Java. */
export function int64Difference(a: Int64, b: Int64): Int64 {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toInt64(BigInt(a) - BigInt(b));
}

export function greaterInt64(a: Int64, b: Int64): Int64 {
  return a > b ? a : b;
}

export function lesserInt64(a: Int64, b: Int64): Int64 {
  return a < b ? a : b;
}

/** The exact value of the eight bytes at `at`. */
export function readInt64(buffer: Buffer, at: number): Int64 {
  const rounded = buffer.readInt32BE(at) * TWO_POW_32 + buffer.readUInt32BE(at + 4);
  return Number.isSafeInteger(rounded) ? rounded : buffer.readBigInt64BE(at);
}

/** The nearest safe integer to the value of the eight bytes at `at`. */
export function readSafeInt64(buffer: Buffer, at: number): number {
  const rounded = buffer.readInt32BE(at) * TWO_POW_32 + buffer.readUInt32BE(at + 4);
  return Math.min(Math.max(rounded, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** Throws a RangeError for what is no int64. */
export function writeInt64(buffer: Buffer, at: number, value: Int64): void {
  if (typeof value === 'bigint' || !Number.isSafeInteger(value)) {
    buffer.writeBigInt64BE(BigInt(value), at);
    return;
  }
  buffer.writeInt32BE(Math.floor(value / TWO_POW_32), at);
  buffer.writeUInt32BE(value >>> 0, at + 4);
}
